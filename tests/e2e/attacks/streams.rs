//! Streams without number or end.

use gpx_tests::grafana::{DataSource, query};
use gpx_tests::plugin::Plugin;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tonic::Code;

use crate::data_source::count;

/// How many panels may be open on all dashboards at once.
const SUBSCRIBERS: usize = 500;

/// How many bytes of memory each of them may cost. An idle one of the example takes a sixth of that.
const MOST: u64 = 1 << 20;

#[gpx_tests::test]
async fn five_hundred_streams_run_at_the_default_limits() {
    let plugin = Plugin::guest("probe").start().await;
    let source = DataSource::new("");
    let data = json!({ "every_ms": 100 }).to_string();
    // So that what exists only once is there.
    let mut packets = plugin.run_stream(&source, "ticks", data.clone()).await.unwrap();
    packets.next().await;
    let (process, mut running) = (plugin.process(), vec![packets]);
    let before = process.resident();
    while running.len() <= SUBSCRIBERS {
        running.push(plugin.run_stream(&source, "ticks", data.clone()).await.unwrap());
    }
    for packets in &mut running {
        for _ in 0..3 {
            packets.next().await;
        }
    }
    let each = process.resident().saturating_sub(before) / SUBSCRIBERS as u64;
    println!("{SUBSCRIBERS} streams: {} KiB of memory each, {} threads", each >> 10, process.threads());
    assert!(each <= MOST, "{each} bytes for each stream");
    assert_eq!(plugin.health(&source).await.unwrap().message, "all is well");
    assert_eq!(count(&plugin, &source).await, 1.0);
}

#[gpx_tests::test]
async fn ten_thousand_streams_at_once() {
    const STREAMS: usize = 10_000;
    let mut plugin = Plugin::guest("probe").setting("gpx_memory_total", "256").start().await;
    let source = DataSource::new("");
    let mut running = JoinSet::new();
    for number in 0..STREAMS {
        if number % 1000 == 0 {
            // The harness's client gives up a connection on which more calls fail at once. Grafana's does not.
            plugin.reconnect().await;
        }
        let call =
            plugin.run_stream(&source, if number % 2 == 0 { "sleep" } else { "loop" }, "").into_future();
        running.spawn(async { call.await.unwrap().rest().await });
    }
    // Those that run never end, and all others are refused.
    let mut refused = 0;
    let reasons =
        ["all streams of the plugin together need more than 192 MiB", "streams that one process can run"];
    while running.len() > STREAMS / 10 {
        let status = running.join_next().await.unwrap().unwrap().1.unwrap();
        assert_eq!(status.code(), Code::Unknown);
        assert!(reasons.iter().any(|reason| status.message().contains(reason)), "{status:?}");
        refused += 1;
    }
    assert!(refused >= STREAMS * 9 / 10);
    // Queries, health checks, and other data sources are answered.
    assert_eq!(count(&plugin, &source).await, 1.0);
    assert_eq!(plugin.health(&source).await.unwrap().message, "all is well");
    assert_eq!(count(&plugin, &DataSource::new("")).await, 1.0);
    running.shutdown().await;
    // What the streams held is given back, besides the idle instances of the queries.
    loop {
        let metrics = plugin.metrics().await.unwrap();
        let line =
            metrics.lines().find_map(|line| line.strip_prefix("gpx_memory_bytes{kind=\"linear\"} ")).unwrap();
        if line.parse::<f64>().unwrap() < f64::from(16 << 20) {
            break;
        }
    }
}

#[gpx_tests::test]
async fn streams_that_hold_much_memory_leave_some_to_queries() {
    let plugin = Plugin::guest("probe").setting("gpx_memory_total", "128").start().await;
    let data = json!({ "bytes": 8 << 20 }).to_string();
    let (mut running, mut refused) = (Vec::new(), Vec::new());
    let sources = [(); 3].map(|()| DataSource::new(""));
    for number in 0..24 {
        let mut packets = plugin.run_stream(&sources[number % 3], "hold", data.clone()).await.unwrap();
        // Either it has its memory, or it fails.
        match packets.try_next().await {
            Ok(_) => running.push(packets),
            Err(status) => refused.push(status.message().to_owned()),
        }
    }
    assert!((5..16).contains(&running.len()), "{} are running", running.len());
    let named = |text: &String| text.contains("all streams of the plugin together need more than 96 MiB");
    assert!(refused.iter().all(named), "{refused:?}");
    // Its frame and what it is made of take some MiB.
    let model = query("A").kind("big").json(json!({ "rows": 100_000 }));
    let reply = plugin.query(&DataSource::new(""), [model]).await.unwrap();
    assert_eq!(reply.frame("A").rows(), 100_000);
}

#[gpx_tests::test]
async fn long_paths_and_much_data() {
    let plugin = Plugin::guest("probe").start().await;
    let (source, path) = (DataSource::new(""), "x".repeat(1 << 20));
    let reply = plugin.subscribe(&source, &path, "").await.unwrap();
    assert_eq!(reply.data.as_ref(), b"1048576");
    let reply = plugin.subscribe(&source, "length", vec![b'1'; 8 << 20]).await.unwrap();
    assert_eq!(reply.data.as_ref(), b"8388608");
    let (_, status) = plugin.run_stream(&source, &path, "").await.unwrap().rest().await;
    assert_eq!(status.unwrap().message(), "there is no such stream");
    // What a stream was asked for is kept as long as it runs, and charged.
    let mut running = Vec::new();
    let data = format!("{{\"x\":\"{}\"}}", "x".repeat(12 << 20));
    let refused = loop {
        let mut packets = plugin.run_stream(&source, "sleep", data.clone()).await.unwrap();
        match packets.try_next().await {
            Ok(_) => running.push(packets),
            Err(status) => break status,
        }
    };
    assert!(running.len() < 60, "{} are running", running.len());
    assert!(refused.message().contains("gpx_memory_total"), "{refused:?}");
}

#[gpx_tests::test]
async fn a_flood_of_subscriptions_and_publications() {
    let plugin = Plugin::guest("probe").start().await;
    let source = DataSource::new("");
    let subscribe = |_| plugin.subscribe(&source, "frame", "").into_future();
    for reply in (0..1000).map(subscribe).collect::<JoinSet<_>>().join_all().await {
        let packet: Value = serde_json::from_slice(&reply.unwrap().data).unwrap();
        assert_eq!(packet["data"]["values"][0].as_array().map(Vec::len), Some(3));
    }
    let publish = |_| plugin.publish(&source, "echo", r#"{"a":[1,2,3]}"#).into_future();
    for reply in (0..5000).map(publish).collect::<JoinSet<_>>().join_all().await {
        assert_eq!(reply.unwrap().data.as_ref(), br#"{"published":{"a":[1,2,3]}}"#);
    }
}
