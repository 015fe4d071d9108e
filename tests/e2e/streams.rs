//! Streams of Grafana Live.

mod ends;
mod twin;

use gpx_tests::collector::Collector;
use gpx_tests::grafana::{DataSource, query};
use gpx_tests::logs::Line;
use gpx_tests::plugin::Plugin;
use gpx_tests::proto::pluginv2::{publish_stream_response, subscribe_stream_response};
use gpx_tests::trace::{Span, TRACE, TRACEPARENT};
use gpx_tests::upstream::{Answer, Upstream};
use serde_json::{Value, json};
use tonic::Code;

use self::ends::ended;
use crate::data_source::count;

fn source() -> DataSource {
    DataSource::new("")
}

#[gpx_tests::test]
async fn whoever_subscribes_or_publishes_is_told_whether_that_is_permitted() {
    use publish_stream_response::Status as Published;
    use subscribe_stream_response::Status as Subscribed;
    let plugin = Plugin::guest("probe").start().await;
    for (path, status, data) in [
        ("anything", Subscribed::Ok, None),
        ("denied", Subscribed::PermissionDenied, None),
        ("missing", Subscribed::NotFound, None),
        ("echo", Subscribed::Ok, Some(json!({ "a": 1 }))),
    ] {
        let reply = plugin.subscribe(&source(), path, r#"{"a":1}"#).await.unwrap();
        assert_eq!(reply.status(), status, "{path}");
        assert_eq!(serde_json::from_slice(&reply.data).ok(), data, "{path}");
    }
    for (path, status, data) in [
        ("anything", Published::Ok, None),
        ("denied", Published::PermissionDenied, None),
        ("missing", Published::NotFound, None),
        ("echo", Published::Ok, Some(json!({ "published": { "a": 1 } }))),
    ] {
        let reply = plugin.publish(&source(), path, r#"{"a":1}"#).await.unwrap();
        assert_eq!(reply.status(), status, "{path}");
        assert_eq!(serde_json::from_slice(&reply.data).ok(), data, "{path}");
    }
    let text = |status: tonic::Status| (status.code(), status.message().to_owned());
    let bad = plugin.subscribe(&source(), "echo", "{").await.unwrap_err();
    assert!(text(bad).1.starts_with("the data of stream `echo`: "));
    let uneven = plugin.subscribe(&source(), "uneven", "").await.unwrap_err();
    let expected = "frame \"uneven\", fields[1] \"two\": it has 2 rows and the first field has 1; give all fields of a \
                    frame the same length";
    assert_eq!(text(uneven), (Code::Unknown, expected.to_owned()));
    let panicked = plugin.subscribe(&source(), "panic", "").await.unwrap_err();
    assert!(panicked.message().starts_with("the plugin panicked: "), "{panicked:?}");
}

#[gpx_tests::test]
async fn a_caller_that_does_not_read_stops_the_stream_from_sending() {
    let plugin = Plugin::guest("probe").start().await;
    let packets = plugin.run_stream(&source(), "flood", "").await.unwrap();
    // Many other calls are answered meanwhile, on the same connection, until nothing more can be on its way.
    let mut passed = 0;
    loop {
        for _ in 0..20 {
            plugin.query(&source(), [query("A").kind("count")]).await.unwrap();
        }
        let before = std::mem::replace(&mut passed, messages(&plugin).await);
        if before == passed {
            break;
        }
    }
    assert!((1..200).contains(&passed), "{passed} packets of 40 KB were sent though nobody had read them");
    drop(packets);
    let line = plugin.logs.wait_for_message("flood ended").await;
    let sent = line.fields["sent"].as_u64().unwrap();
    // One in each of the places between the component and the connection.
    assert!(sent <= passed + 3, "{sent} packets were taken, and {passed} of them passed on");
}

/// Returns how many messages of streams have been passed to the connection.
async fn messages(plugin: &Plugin) -> u64 {
    let metrics = plugin.metrics().await.unwrap();
    let of_streams =
        |line: &&str| line.starts_with("grpc_server_msg_sent_total{") && line.contains("\"RunStream\"");
    let line = metrics.lines().find(of_streams).unwrap_or_else(|| panic!("{metrics}"));
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

#[gpx_tests::test]
async fn what_is_not_valid_is_refused_and_the_stream_goes_on() {
    let plugin = Plugin::guest("probe").start().await;
    let (packets, status) = plugin.run_stream(&source(), "invalid", "").await.unwrap().rest().await;
    assert_eq!((packets, status.map(|status| status.code())), (vec![json!("the end")], None));
    // The log may arrive after the packets. Lines keep their order.
    plugin.logs.wait_for_message("Plugin Request Completed").await;
    let all = plugin.logs.all();
    let refused: Vec<_> =
        all.iter().filter(|line| line.message == "refused").map(|line| line.text("error")).collect();
    let [meta, uneven, empty, open, two, nan, deep] = refused.as_slice() else { panic!("{refused:?}") };
    assert!(meta.starts_with("frame \"bad\": its meta is not JSON"), "{meta}");
    assert!(uneven.starts_with("frame \"uneven\", fields[1] \"two\": it has 2 rows"), "{uneven}");
    for text in [empty, open, two, nan, deep] {
        assert!(text.starts_with("the packet is not JSON (expected "), "{text}");
    }
}

#[gpx_tests::test]
async fn streams_take_nothing_from_queries() {
    let launch = Plugin::guest("probe").setting("gpx_instances_max", "1").setting("gpx_streams_max", "2");
    let (plugin, source) = (launch.start().await, source());
    let mut running = Vec::new();
    for _ in 0..2 {
        let mut packets = plugin.run_stream(&source, "sleep", "").await.unwrap();
        assert_eq!(packets.next().await, true, "a stream has no time limit");
        running.push(packets);
    }
    let (_, status) = plugin.run_stream(&source, "sleep", "").await.unwrap().rest().await;
    let text =
        "all 2 streams that a data source may run are running; raise gpx_streams_max if there should be more";
    assert_eq!(status.unwrap().message(), text);
    // The instance that queries share is not one of a stream.
    for calls in 1..4 {
        assert_eq!(count(&plugin, &source).await, f64::from(calls));
    }
    // Another data source has streams of its own.
    let mut other = plugin.run_stream(&DataSource::new(""), "sleep", "").await.unwrap();
    assert_eq!(other.next().await, true);
}

#[gpx_tests::test]
async fn a_stream_keeps_its_settings_until_grafana_ends_it() {
    let plugin = Plugin::guest("probe").start().await;
    let same = source();
    let settings = |database: &str| {
        let mut source = same.clone();
        source.settings.database = database.to_owned();
        source
    };
    let mut old = plugin.run_stream(&settings("old"), "settings", "").await.unwrap();
    assert_eq!(old.next().await, "old");
    let mut new = plugin.run_stream(&settings("new").updated(), "settings", "").await.unwrap();
    assert_eq!(new.next().await, "new");
    // The old one is still there: Grafana hangs up when it learns of the change.
    let ends = |line: &Line| line.message == "Plugin Request Completed";
    assert!(!plugin.logs.all().iter().any(ends));
    drop(old);
    assert_eq!(ended(&plugin).await.0, "cancelled");
}

#[gpx_tests::test]
async fn each_round_of_a_stream_is_a_trace_of_its_own() {
    let (upstream, collector) = (Upstream::points(1).await, Collector::start().await);
    let mut plugin = Plugin::guest("probe").tracing(&collector.address()).start().await;
    let data = json!({ "url": upstream.url(), "rounds": 3 }).to_string();
    let call = plugin.run_stream(&DataSource::new(&upstream.url()), "rounds", data).traceparent(TRACEPARENT);
    let call = call.metadata("baggage", "a=1");
    let (packets, status) = call.await.unwrap().rest().await;
    assert_eq!((packets.len(), status.map(|status| status.code())), (3, None));
    plugin.shutdown().await;
    plugin.exit().await;
    let spans = collector.spans();
    let own: Vec<_> =
        spans.iter().filter(|span| span.trace_id == TRACE).map(|span| span.name.as_str()).collect();
    assert_eq!(own.len(), 2, "{own:?}");
    let stream = spans.iter().find(|span| span.name == "sdk.runStream").unwrap();
    let linked = |span: &Span| span.links == [(stream.trace_id.clone(), stream.span_id.clone())];
    let rounds: Vec<_> = spans.iter().filter(|span| span.name == "round").collect();
    assert_eq!(rounds.len(), 3);
    for round in &rounds {
        assert!(round.parent_id.is_empty() && linked(round), "{round:?}");
        let trace: Vec<_> = spans.iter().filter(|span| span.trace_id == round.trace_id).collect();
        let requests: Vec<_> = trace.iter().filter(|span| span.parent_id == round.span_id).collect();
        assert_eq!((trace.len(), requests.len()), (2, 1));
        assert!(requests[0].name == "HTTP Outgoing Request" && requests[0].links.is_empty());
    }
    // The last request has no span around it, and a name of its own.
    let alone = |span: &&Span| span.name == "alone" && span.parent_id.is_empty();
    let alone: Vec<_> = spans.iter().filter(alone).collect();
    assert!(alone.len() == 1 && linked(alone[0]), "{alone:?}");
    let sent = upstream.requests();
    assert!(sent.iter().all(|request| request.header("baggage") == Some("a=1")));
    let traceparent = sent.last().unwrap().header("traceparent").unwrap().to_owned();
    assert!(traceparent.contains(&alone[0].trace_id), "{traceparent}");
}

#[gpx_tests::test]
async fn a_stream_never_runs_out_of_spans() {
    let collector = Collector::start().await;
    let mut plugin = Plugin::guest("probe").tracing(&collector.address()).start().await;
    let call = plugin.run_stream(&source(), "many-spans", "").traceparent(TRACEPARENT);
    assert_eq!(call.await.unwrap().rest().await.0.len(), 3);
    plugin.shutdown().await;
    plugin.exit().await;
    let spans = collector.spans();
    assert_eq!(spans.iter().filter(|span| span.name == "one of many").count(), 2700);
    assert!(!plugin.logs.mention("Spans beyond the limits"));
}

/// The example: its frames, ten times a second.
#[gpx_tests::test]
async fn the_example_shows_values_as_they_come() {
    let upstream = Upstream::start(|request| {
        assert_eq!(request.path, "/load");
        Answer::json(json!({ "value": 1.5 }))
    })
    .await;
    let plugin = Plugin::guest("gpx_streaming").start().await;
    let source = DataSource::new(&upstream.url());
    let reply = plugin.query(&source, [query("A").json(json!({ "path": "load" }))]).await.unwrap();
    let frame: Value = serde_json::from_slice(&reply.answer("A").raw.frames[0]).unwrap();
    let channel = format!("ds/{}/load", source.settings.uid);
    assert_eq!(frame["schema"]["meta"]["channel"], channel);
    let first = plugin.subscribe(&source, "load", "").await.unwrap();
    let first: Value = serde_json::from_slice(&first.data).unwrap();
    assert_eq!(first["schema"]["fields"], frame["schema"]["fields"]);
    let mut packets = plugin.run_stream(&source, "load", "").await.unwrap();
    let mut last = 0;
    for _ in 0..5 {
        let packet = packets.next().await;
        assert!(packet["schema"].is_null(), "{packet}");
        let [time, value] = [0, 1].map(|field| packet["data"]["values"][field][0].clone());
        assert!(value == 1.5 && time.as_i64().unwrap() > last, "{packet}");
        last = time.as_i64().unwrap();
    }
}
