//! Faults of the guest, its settings and the collector: they are reported where they matter, and do not affect
//! anything else.

use gpx_tests::collector::Collector;
use gpx_tests::grafana::{DataSource, query};
use gpx_tests::plugin::Plugin;
use gpx_tests::trace::{OnlySpan as _, TRACE, TRACEPARENT};
use gpx_tests::upstream::Upstream;
use serde_json::json;

#[gpx_tests::test]
async fn a_panic_is_shown_in_panel_and_log_and_affects_no_other_call() {
    let plugin = Plugin::guest("probe").start().await;
    let source = DataSource::new("");
    let queries = [query("A").kind("panic"), query("B").kind("count")];
    let reply = plugin.query(&source, queries).await.unwrap();
    let answer = reply.answer("A");
    assert_eq!((answer.status, answer.source.as_str()), (500, "plugin"));
    let place = answer.error.strip_prefix("the plugin panicked: the probe panicked on purpose (");
    let place = place.and_then(|rest| rest.strip_suffix(", in probe::misbehave::panic)"));
    let place = place.unwrap_or_else(|| panic!("{}", answer.error));
    assert!(place.contains("src/misbehave.rs:"), "{}", answer.error);
    assert!(place.ends_with(|char: char| char.is_ascii_digit()), "{}", answer.error);
    assert_eq!(reply.frame("B").rows(), 1);
    let line = plugin.logs.wait_for_message("The plugin's instance was discarded").await;
    assert_eq!((line.level.as_str(), line.text("error")), ("error", answer.error.as_str()));
    let reply = plugin.query(&source, [query("A").kind("count")]).await.unwrap();
    assert_eq!(reply.answer("A").error, "", "the next call works");
}

#[gpx_tests::test]
async fn calls_fail_while_the_guest_refuses_the_settings() {
    let plugin = Plugin::guest("probe").start().await;
    let source = DataSource::new("").json(json!({ "open": "fault" }));
    for _ in 0..2 {
        let reply = plugin.query(&source, [query("A"), query("B")]).await.unwrap();
        assert_eq!(reply.answer("A").failure(), (418, "plugin", "open failed on purpose"));
        assert_eq!(reply.answer("B").failure(), (418, "plugin", "open failed on purpose"));
    }
    let health = plugin.health(&source).await.unwrap();
    assert_eq!(health.message, "open failed on purpose");
    let corrected = source.json(json!({})).updated();
    let reply = plugin.query(&corrected, [query("A").kind("count")]).await.unwrap();
    assert_eq!(reply.answer("A").error, "");
}

#[gpx_tests::test]
async fn a_trap_ends_only_its_own_call() {
    let plugin = Plugin::guest("probe").start().await;
    let source = DataSource::new("");
    let reply = plugin.query(&source, [query("A").kind("trap")]).await.unwrap();
    let (status, blamed, error) = reply.answer("A").failure();
    assert_eq!((status, blamed), (500, "plugin"));
    let text = "the plugin failed: it aborted in probe::misbehave::trap without a message (wasm `unreachable` instruction)";
    assert_eq!(error, text);
    let reply = plugin.query(&source, [query("A").kind("count")]).await.unwrap();
    assert_eq!(reply.frame("A").fields[0].numbers(), [1.0], "the instance was discarded");
}

#[gpx_tests::test]
async fn a_frame_that_cannot_be_encoded_is_the_guests_fault() {
    let plugin = Plugin::guest("probe").start().await;
    let source = DataSource::new("");
    let queries = [query("A").kind("bad-frame"), query("B").kind("count")];
    let reply = plugin.query(&source, queries).await.unwrap();
    let answer = reply.answer("A");
    assert_eq!((answer.status, answer.source.as_str()), (500, "plugin"));
    let text = "it has 3 rows and the first field has 2; give all fields of a frame the same length";
    assert!(answer.error.contains("\"three\"") && answer.error.ends_with(text), "{}", answer.error);
    assert_eq!(reply.answer("B").error, "");
}

#[gpx_tests::test]
async fn a_missing_or_silent_collector_delays_nothing() {
    let upstream = Upstream::points(1).await;
    let (refusing, silent) = (Collector::refusing().await, Collector::hanging().await);
    for (collector, failed) in [(refusing, true), (silent, false)] {
        let plugin = Plugin::packaged("http-backend").tracing(&collector.address()).start().await;
        let source = DataSource::new(&upstream.url());
        let reply = plugin.query(&source, [query("A")]).traceparent(TRACEPARENT).await.unwrap();
        assert_eq!(reply.frame("A").rows(), 1);
        let logs = plugin.logs.clone();
        assert!(plugin.stop().await.success());
        // If the collector is silent, the plugin gives up before the export itself would fail.
        assert_eq!(logs.mention("Spans cannot be exported"), failed, "{logs}");
        assert_eq!(logs.mention("Spans were not sent in time"), !failed, "{logs}");
    }
}

#[gpx_tests::test]
async fn an_invalid_tracing_setting_does_not_stop_the_plugin() {
    let (upstream, collector) = (Upstream::points(1).await, Collector::start().await);
    for (address, propagation, message) in [
        (
            "not an address",
            "w3c",
            "tracing is off: the collector's address \"not an address\" is not host:port",
        ),
        (&collector.address(), "b3", "trace propagation \"b3\" is not supported, W3C is used"),
    ] {
        let launch = Plugin::packaged("http-backend").tracing(address);
        let plugin = launch.env("GF_INSTANCE_OTLP_PROPAGATION", propagation).start().await;
        let reply = plugin.query(&DataSource::new(&upstream.url()), [query("A")]).await.unwrap();
        assert_eq!(reply.frame("A").rows(), 1);
        assert_eq!(plugin.logs.wait_for_message(message).await.level, "error");
    }
}

#[gpx_tests::test]
async fn a_downstream_error_is_distinguished_from_an_error_of_the_plugin() {
    let collector = Collector::start().await;
    let plugin = Plugin::guest("probe").tracing(&collector.address()).start().await;
    let source = DataSource::new("");
    let model = json!({ "status": 503, "message": "the database is down", "downstream": true });
    let downstream = query("A").kind("fault").json(model);
    let call = plugin.query(&source, [downstream.clone()]).traceparent(TRACEPARENT);
    let reply = call.await.unwrap();
    assert_eq!(reply.answer("A").failure(), (503, "downstream", "the database is down"));
    let line = plugin.logs.wait_for_message("Partial data response error").await;
    assert_eq!((line.text("error"), line.text("statusSource")), ("the database is down", "downstream"));
    let line = plugin.logs.wait_for_message("Plugin Request Completed").await;
    assert_eq!((line.text("status"), line.text("statusSource")), ("error", "downstream"));

    // If both have failed, the plugin is to blame for the request.
    let reply = plugin.query(&source, [downstream, query("B").kind("fault").raw("{}")]).await.unwrap();
    assert_eq!(reply.answer("B").failure(), (500, "plugin", "failed on purpose"));
    let metrics = plugin.metrics().await.unwrap();
    for blamed in ["downstream", "plugin"] {
        let labels = format!(r#"endpoint="queryData",status="error",status_source="{blamed}""#);
        let line = format!("grafana_plugin_request_total{{{labels}}} 1");
        assert!(metrics.lines().any(|known| known == line), "no {line} in\n{metrics}");
    }
    assert!(plugin.stop().await.success());
    let trace = collector.wait_for_trace(TRACE, |trace| trace.has(&["pluginv2.Data/QueryData"])).await;
    let handler = trace.span("sdk.queryData");
    assert_eq!(
        (handler.text("request_status"), handler.text("status_source")),
        ("error".into(), "downstream".into())
    );
}
