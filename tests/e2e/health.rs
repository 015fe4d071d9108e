//! CheckHealth and CollectMetrics.

use gpx_tests::grafana::{DataSource, query};
use gpx_tests::plugin::Plugin;
use gpx_tests::proto::pluginv2::check_health_response::HealthStatus;
use gpx_tests::upstream::{Answer, Upstream};
use serde_json::json;

#[gpx_tests::test]
async fn a_working_data_source() {
    let upstream = Upstream::points(1).await;
    let plugin = Plugin::packaged("http-backend").start().await;
    let health = plugin.health(&DataSource::new(&upstream.url())).await.unwrap();
    assert_eq!((health.status(), health.message.as_str()), (HealthStatus::Ok, "Data source is working"));
}

#[gpx_tests::test]
async fn an_upstream_that_fails_or_does_not_answer() {
    let plugin = Plugin::packaged("http-backend").start().await;
    let upstream = Upstream::always(Answer::status(503)).await;
    let health = plugin.health(&DataSource::new(&upstream.url())).await.unwrap();
    assert_eq!((health.status(), health.message.as_str()), (HealthStatus::Error, "got response code 503"));

    let closed = Upstream::always(Answer::Close).await;
    let health = plugin.health(&DataSource::new(&closed.url())).await.unwrap();
    assert_eq!((health.status(), health.message.as_str()), (HealthStatus::Error, "request error"));
}

#[gpx_tests::test]
async fn each_status_and_a_fault() {
    let plugin = Plugin::guest("probe").start().await;
    for (wanted, status, message) in [
        ("ok", HealthStatus::Ok, "all is well"),
        ("error", HealthStatus::Error, "unwell on purpose"),
        ("unknown", HealthStatus::Unknown, "who knows"),
        ("fault", HealthStatus::Error, "health failed on purpose"),
        ("panic", HealthStatus::Error, "the plugin panicked: health panicked on purpose ("),
    ] {
        let source = DataSource::new("").json(json!({ "health": wanted }));
        let health = plugin.health(&source).await.unwrap();
        assert_eq!(health.status(), status, "{wanted}: {}", health.message);
        assert!(health.message.starts_with(message), "{wanted}: {}", health.message);
        let details = if wanted == "ok" { r#"{"calls":0}"# } else { "" };
        assert_eq!(health.json_details, details, "{wanted}");
    }
    let line = plugin.logs.wait_for(|line| line.text("error") == "health failed on purpose").await;
    assert_eq!(
        (line.message.as_str(), line.text("statusSource")),
        ("Plugin Request Completed", "downstream")
    );
}

#[gpx_tests::test]
async fn services_that_a_component_does_not_export_are_unimplemented() {
    let plugin = Plugin::guest("minimal").start().await;
    let source = DataSource::new("");
    let status = plugin.query(&source, [query("A")]).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::Unimplemented, "{status}");
    let status = plugin.health(&source).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::Unimplemented, "{status}");
    let status = plugin.resource(&source, "GET", "x", "").await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::Unimplemented, "{status}");
}

#[gpx_tests::test]
async fn metrics_count_calls() {
    let upstream = Upstream::points(1).await;
    let plugin = Plugin::packaged("http-backend").start().await;
    let source = DataSource::new(&upstream.url());
    plugin.query(&source, [query("A")]).await.unwrap();
    plugin.query(&source, [query("A"), query("B")]).await.unwrap();
    let metrics = plugin.metrics().await.unwrap();
    let count = |status: &str| {
        let line = metrics.lines().find(|line| {
            line.starts_with("grafana_plugin_request_total{")
                && line.contains("endpoint=\"queryData\"")
                && line.contains(&format!("status=\"{status}\""))
        });
        line.and_then(|line| line.rsplit(' ').next()).map(str::to_owned)
    };
    assert_eq!(count("ok").as_deref(), Some("1"), "{metrics}");
    assert_eq!(count("error").as_deref(), Some("1"), "{metrics}");
}

#[gpx_tests::test]
async fn metrics_show_memory_by_what_it_is_for() {
    // It accepts connections, and never answers: spans wait.
    let collector = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = collector.local_addr().unwrap().to_string();
    let plugin = Plugin::guest("probe").tracing(&address).start().await;
    let value = |metrics: &str, name: &str| {
        let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {name} in\n{metrics}")).parse::<f64>().unwrap()
    };
    // Once the component is loaded, and before any of its spans has ended.
    plugin.health(&DataSource::new("").json(json!({ "open": "fault" }))).await.unwrap();
    plugin.query(&DataSource::new(""), [query("A").kind("spans-nested")]).await.unwrap();
    let metrics = plugin.metrics().await.unwrap();
    let waiting = value(&metrics, "gpx_spans_waiting_bytes");
    assert!(waiting > 1000.0, "{waiting}");
    let kinds = ["linear", "tables", "instance", "handles", "spans", "answers"];
    let [linear, tables, instance, ..] =
        kinds.map(|kind| value(&metrics, &format!("gpx_memory_bytes{{kind=\"{kind}\"}}")));
    assert!(linear >= 65_536.0 && tables > 0.0 && instance > 524_288.0, "{metrics}");
    assert_eq!(value(&metrics, "gpx_memory_total_bytes"), 1_342_177_280.0);
    assert_eq!(value(&metrics, "gpx_memory_waiting"), 0.0);
    // The queue has nothing else in it.
    plugin.query(&DataSource::new(""), [query("A").kind("spans-nested")]).await.unwrap();
    assert!(value(&plugin.metrics().await.unwrap(), "gpx_spans_waiting_bytes") > waiting);
}

#[gpx_tests::test]
async fn an_invalid_setting_is_reported_and_does_not_stop_the_plugin() {
    let upstream = Upstream::points(1).await;
    let launch = Plugin::packaged("http-backend").setting("gpx_call_timeout", "soon");
    let plugin = launch.setting("gpx_call_timout", "2s").start().await;
    let known = "gpx_call_timout: this setting does not exist and is ignored; the settings are gpx_";
    let bad = "gpx_call_timeout: `soon` must be a time with its unit";
    for problem in [known, bad] {
        let line = plugin.logs.wait_for(|line| line.message.starts_with(problem)).await;
        assert_eq!(line.level, "error");
    }
    let source = DataSource::new(&upstream.url());
    assert_eq!(plugin.query(&source, [query("A")]).await.unwrap().frame("A").rows(), 1);
    let health = plugin.health(&source).await.unwrap();
    assert_eq!(health.status(), HealthStatus::Error);
    assert!(health.message.contains(known) && health.message.contains(bad), "{}", health.message);
}
