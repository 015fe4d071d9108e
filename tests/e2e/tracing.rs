//! Whether tracing works: what the log, the health check, metrics and `gpx-host doctor` say.

use std::process::Output;
use std::time::Duration;

use gpx_tests::collector::Collector;
use gpx_tests::grafana::{DataSource, query};
use gpx_tests::plugin::{Launch, Plugin};
use gpx_tests::proto::pluginv2::CheckHealthResponse;
use gpx_tests::trace::TRACEPARENT;
use gpx_tests::upstream::{Answer, Gate, Upstream, points};
use serde_json::{Value, json};

use crate::metrics::assert_has;

fn details(health: &CheckHealthResponse) -> Value {
    serde_json::from_slice(&health.json_details).unwrap_or_else(|error| panic!("{health:?}: {error}"))
}

#[gpx_tests::test]
async fn a_collector_that_is_not_there_is_told_everywhere() {
    let collector = Collector::refusing().await;
    let plugin = Plugin::guest("probe").tracing(&collector.address()).start().await;
    let source = DataSource::new("");
    let health = plugin.health(&source).await.unwrap();
    assert_eq!(details(&health)["gpx"]["tracing"]["state"], "untried");
    plugin.query(&source, [query("A").kind("count")]).await.unwrap();

    let line = plugin.logs.wait_for_message("Spans cannot be exported").await;
    assert_eq!((line.level.as_str(), line.text("cause")), ("warn", "refused"));
    assert!(line.text("remedy").contains("check that the collector runs"), "{line}");
    assert!(line.text("collector").contains(&collector.address()), "{line}");

    let details = details(&plugin.health(&source).await.unwrap());
    let tracing = &details["gpx"]["tracing"];
    assert_eq!((&tracing["state"], &tracing["cause"]), (&json!("failing"), &json!("refused")), "{details}");
    assert_eq!(tracing["remedy"], line.text("remedy"));
    assert_eq!(tracing["protocol"], "grpc");
    let metrics = plugin.metrics().await.unwrap();
    assert_has(
        &metrics,
        &[
            r#"gpx_export_failing{cause="refused"} 1"#,
            r#"gpx_export_failing{cause="timeout"} 0"#,
            r#"gpx_export_requests_total{result="ok"} 0"#,
            r#"gpx_spans_dropped_total{reason="queue_full"} 0"#,
            "gpx_spans_exported_total 0",
        ],
    );
    assert!(plugin.stop().await.success());
}

#[gpx_tests::test]
async fn without_tracing_the_details_are_the_components_own() {
    let upstream = Upstream::points(1).await;
    let source = DataSource::new(&upstream.url());
    let without = Plugin::packaged("http-backend").start().await.health(&source).await.unwrap();
    let collector = Collector::start().await;
    let traced = Plugin::packaged("http-backend").tracing(&collector.address()).start().await;
    let traced = traced.health(&source).await.unwrap();
    assert!(!String::from_utf8_lossy(&without.json_details).contains("gpx"), "{without:?}");
    let mut both = details(&traced);
    assert!(both.as_object_mut().unwrap().remove("gpx").is_some(), "{both}");
    let own = if without.json_details.is_empty() { json!({}) } else { details(&without) };
    assert_eq!((both, traced.status, traced.message), (own, without.status, without.message));
}

/// A call that hangs when the process must end, and a collector that takes most of the time that is left.
#[gpx_tests::test]
async fn a_slow_collector_gets_the_spans_of_running_calls() {
    let gate = Gate::closed();
    let upstream = Upstream::always(Answer::json(points(1)).after(&gate)).await;
    let collector = Collector::slow(Duration::from_millis(500)).await;
    let mut plugin = Plugin::packaged("http-backend").tracing(&collector.address()).start().await;
    let source = DataSource::new(&upstream.url());
    let call = tokio::spawn(plugin.query(&source, [query("A")]).traceparent(TRACEPARENT).into_future());
    upstream.wait_for_requests(1).await;
    plugin.shutdown().await;
    assert_eq!(plugin.exit().await.code(), Some(0));
    assert!(call.await.unwrap().is_err());
    let spans = collector.spans();
    for name in ["pluginv2.Data/QueryData", "sdk.queryData", "query processing", "HTTP Outgoing Request"] {
        assert!(spans.iter().any(|span| span.name == name), "{name} is missing among {spans:?}");
    }
}

/// As many calls as the machine manages: every span is counted, and every span arrives.
#[gpx_tests::test]
async fn no_span_of_many_calls_is_lost() {
    const CALLS: usize = 2000;
    const AT_ONCE: usize = 50;
    let collector = Collector::start().await;
    let plugin = Plugin::guest("probe").tracing(&collector.address()).start().await;
    let source = DataSource::new("");
    let mut calls = tokio::task::JoinSet::new();
    for number in 0..CALLS {
        calls.spawn(plugin.query(&source, [query("A").kind("count")]).into_future());
        if number >= AT_ONCE {
            calls.join_next().await.unwrap().unwrap().unwrap();
        }
    }
    while let Some(call) = calls.join_next().await {
        call.unwrap().unwrap();
    }
    let metrics = plugin.metrics().await.unwrap();
    let dropped = metrics.lines().filter(|line| line.starts_with("gpx_spans_dropped_total{"));
    assert!(dropped.clone().count() == 5 && dropped.clone().all(|line| line.ends_with(" 0")), "{metrics}");
    assert!(plugin.stop().await.success());
    let spans = collector.spans();
    for name in ["pluginv2.Data/QueryData", "sdk.queryData"] {
        assert_eq!(spans.iter().filter(|span| span.name == name).count(), CALLS, "{name}");
    }
}

async fn doctor(launch: Launch) -> (Output, String) {
    let output = launch.output(&["doctor"]).await;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    (output, text)
}

#[gpx_tests::test]
async fn the_doctor_sends_a_span_and_says_where_everything_comes_from() {
    let collector = Collector::start().await;
    let launch = Plugin::guest("minimal").tracing(&collector.address());
    let launch = launch.setting("gpx_otlp_headers", "authorization=Bearer hidden-token");
    let (output, text) = doctor(launch).await;
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(output.stderr.is_empty(), "{output:?}");
    let address = collector.address();
    for words in [
        "gpx-test-datasource",
        "gpx_test.wasm",
        &address,
        "[tracing.opentelemetry.otlp]",
        "grpc",
        "authorization",
        "gpx_otlp_headers",
        "the collector has taken it",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(!text.contains("hidden-token"), "{text}");
    let [span] = collector.spans().try_into().unwrap();
    assert_eq!(
        (span.name.as_str(), &span.resource["service.name"]),
        ("gpx-host doctor", &json!("gpx-test-datasource"))
    );
    assert!(text.contains(&span.trace_id), "{text}");
}

#[gpx_tests::test]
async fn the_doctor_names_the_cause_and_the_remedy() {
    let collector = Collector::refusing().await;
    let (output, text) = doctor(Plugin::guest("minimal").tracing(&collector.address())).await;
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("failed (refused)") && text.contains("check that the collector runs"), "{text}");

    let collector = Collector::hanging().await;
    let launch = Plugin::guest("minimal").tracing(&collector.address()).setting("gpx_otlp_timeout", "100ms");
    let (output, text) = doctor(launch).await;
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("failed (timeout): no answer within 100ms"), "{text}");
    assert!(text.contains("100ms (gpx_otlp_timeout"), "{text}");
}

#[gpx_tests::test]
async fn the_doctor_says_which_grants_cannot_be_read() {
    let launch = Plugin::guest("minimal").setting("gpx_allow_hosts", "ftp://a");
    let launch = launch.setting("gpx_allow_headers", "x(y").setting("gpx_allow_paths", "admin");
    let (_, text) = doctor(launch).await;
    for words in ["gpx_allow_hosts: `ftp://a`", "gpx_allow_headers: `x(y`", "gpx_allow_paths: `admin`"] {
        assert!(text.contains(words), "{words}: {text}");
    }
}

#[gpx_tests::test]
async fn the_doctor_says_what_is_missing() {
    let launch = Plugin::guest("minimal").without(".wasm").file("plugin.json", b"{}");
    let (output, text) = doctor(launch.setting("gpx_call_timout", "1s")).await;
    assert_eq!(output.status.code(), Some(1), "{text}");
    for words in ["cannot read the component", "plugin.json is not complete", "gpx_call_timout", "off"] {
        assert!(text.contains(words), "{words}: {text}");
    }
}
