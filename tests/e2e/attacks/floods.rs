//! Floods of log lines, metrics, output, spans, requests, random numbers and faults.

use gpx_tests::collector::Collector;
use gpx_tests::grafana::{DataSource, query};
use gpx_tests::logs::Line;
use gpx_tests::plugin::Plugin;
use gpx_tests::upstream::Upstream;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::siege::{Siege, assert_ended};

/// Several data sources flood, and succeed or are told why not.
async fn assert_survived(floods: &[(&str, Value)]) {
    let (upstream, collector) = (Upstream::points(1).await, Collector::start().await);
    let launch = Plugin::guest("probe").tracing(&collector.address());
    let siege = Siege::of(launch).await;
    for (kind, model) in floods {
        let mut model = model.clone();
        model["url"] = upstream.url().into();
        assert_ended(&siege.attack(&upstream.url(), &query("A").kind(kind).json(model)).await);
    }
    siege.over().await;
}

#[gpx_tests::test]
async fn log_lines_of_all_sizes() {
    assert_survived(&[
        ("log-flood", json!({ "count": 10_000, "bytes": 10 })),
        ("log-flood", json!({ "count": 200, "bytes": 1 << 20 })),
        ("log-flood", json!({ "count": 4, "bytes": 14 << 20 })),
        ("log-attributes", json!({ "count": 100_000, "bytes": 1 })),
        ("log-attributes", json!({ "count": 100, "bytes": 100_000 })),
    ])
    .await;
}

#[gpx_tests::test]
async fn a_million_sets_of_labels() {
    const ATTACKERS: usize = 4;
    const SETS: usize = 125_000;
    let launch = Plugin::guest("probe").setting("gpx_cpu_timeout", "5m").setting("gpx_memory_max", "16");
    let plugin = launch.start().await;
    let process = plugin.process();
    let flood = |count: usize| {
        let model = json!({ "count": count, "bytes": 100 });
        let attack = |number: usize| {
            let mut model = model.clone();
            model["url"] = number.to_string().into();
            let query = query("A").kind("metric-flood").json(model);
            plugin.query(&DataSource::new(""), [query]).into_future()
        };
        (0..ATTACKERS).map(attack).collect::<JoinSet<_>>().join_all()
    };
    // So that the instances are there.
    flood(0).await;
    process.forget_peak();
    let before = process.resident();
    for reply in flood(SETS).await {
        assert_eq!(reply.unwrap().answer("A").error, "");
    }
    let metrics = plugin.metrics().await.unwrap();
    let grown = process.peak().saturating_sub(before);
    assert!(grown < 48 << 20, "{} MiB", grown >> 20);
    assert!(metrics.len() < 5 << 20, "{} bytes", metrics.len());
    let sets = metrics.lines().filter(|line| line.starts_with("flood_") && line.contains("_count{")).count();
    let dropped = format!("gpx_metrics_dropped_total {}", 2 * ATTACKERS * SETS - sets);
    assert!(
        (1000..=2000).contains(&sets) && metrics.lines().any(|line| line == dropped),
        "{sets} sets, {dropped}"
    );
    let told = |line: &Line| line.message == "A value of the plugin's metric is dropped";
    let reasons = plugin.logs.all().into_iter().filter(told).map(|line| line.text("reason").to_owned());
    let reasons: Vec<_> = reasons.collect();
    assert!((1..=4).contains(&reasons.len()), "{reasons:?}");
    assert_eq!(
        plugin.query(&DataSource::new(""), [query("A").kind("count")]).await.unwrap().frame("A").rows(),
        1
    );
}

#[gpx_tests::test]
async fn output_without_an_end_of_line() {
    assert_survived(&[
        ("stdout-flood", json!({ "count": 32, "bytes": 1 << 20 })),
        ("stdout-flood", json!({ "count": 10_000, "bytes": 1 })),
    ])
    .await;
}

#[gpx_tests::test]
async fn spans_many_and_large() {
    assert_survived(&[
        ("span-flood", json!({ "count": 5000, "bytes": 10 })),
        ("span-flood", json!({ "count": 1000, "bytes": 64 << 10 })),
        ("span-events", json!({ "count": 10, "bytes": 4096 })),
    ])
    .await;
}

#[gpx_tests::test]
async fn requests_that_are_dropped_at_once() {
    assert_survived(&[("request-flood", json!({ "count": 500 }))]).await;
}

#[gpx_tests::test]
async fn random_bytes_and_bulk_memory() {
    assert_survived(&[
        ("random", json!({ "count": 1, "bytes": 64 << 20 })),
        ("random", json!({ "count": 4, "bytes": 1 << 20 })),
        ("fill", json!({ "bytes": 24 << 20 })),
        ("copy", json!({ "bytes": 24 << 20 })),
    ])
    .await;
}

#[gpx_tests::test]
async fn too_much_in_one_log_line_is_told_in_words() {
    let siege = Siege::of_probe().await;
    let line = query("A").kind("log-flood").json(json!({ "count": 1, "bytes": 4 << 20 }));
    siege.refused("", &line, &["2 MiB to the host at once"]).await;
    siege.over().await;
}

#[gpx_tests::test]
async fn too_many_random_bytes_at_once_are_told_in_words() {
    let siege = Siege::of_probe().await;
    let random = query("A").kind("random").json(json!({ "count": 1, "bytes": 1 << 20 }));
    siege.refused("", &random, &["64 KiB of random bytes"]).await;
    siege.over().await;
}

#[gpx_tests::test]
async fn the_lines_of_others_are_written_during_a_flood() {
    let plugin = Plugin::guest("probe").start().await;
    let other = DataSource::new("");
    let model = json!({ "count": 100_000, "bytes": 100 });
    let flood = query("A").kind("log-flood").json(model);
    let flood = |_| plugin.query(&DataSource::new(""), [flood.clone()]).into_future();
    let mut floods: JoinSet<_> = (0..4).map(flood).collect();
    let of_other = |line: &Line| line.text("dsUid") == other.settings.uid && line.message == "a warn line";
    let mut calls = 0;
    while calls < 20 || !floods.is_empty() {
        while floods.try_join_next().is_some() {}
        plugin.query(&other, [query("A").kind("log")]).await.unwrap();
        calls += 1;
        // If a line were lost, this would wait forever.
        plugin.logs.wait_for_lines(calls, of_other).await;
    }
}

#[gpx_tests::test]
async fn long_faults_and_panics_are_cut() {
    let siege = Siege::of_probe().await;
    for kind in ["long-fault", "long-panic"] {
        siege.refused("", &query("A").kind(kind).json(json!({ "bytes": 4 << 20 })), &["xxx"]).await;
    }
    siege.over().await;
}
