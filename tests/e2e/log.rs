//! The log: what a guest writes, by whatever means, and what the host adds to each line of a call.

use gpx_tests::grafana::{App, DataSource, query};
use gpx_tests::plugin::Plugin;
use gpx_tests::proto::pluginv2::PluginContext;
use gpx_tests::trace::{TRACE, TRACEPARENT};
use gpx_tests::upstream::Upstream;
use serde_json::json;

#[gpx_tests::test]
async fn a_line_of_a_call_names_plugin_data_source_and_user() {
    let upstream = Upstream::points(1).await;
    let plugin = Plugin::packaged("http-backend").start().await;
    let mut source = DataSource::new(&upstream.url());
    source.plugin = "gpx-httpbackend-datasource".to_owned();
    plugin.query(&source, [query("A")]).traceparent(TRACEPARENT).await.unwrap();
    let line = plugin.logs.wait_for_message("Processing query").await;
    assert_eq!(line.level, "debug");
    for (key, value) in [
        ("pluginId", "gpx-httpbackend-datasource"),
        ("pluginVersion", "1.2.3"),
        ("endpoint", "queryData"),
        ("traceId", TRACE),
        ("dsName", source.settings.name.as_str()),
        ("dsUid", source.settings.uid.as_str()),
        ("uname", "Ada Lovelace"),
        ("ref", "A"),
    ] {
        assert_eq!(line.text(key), value, "{key} of {line}");
    }
    assert_eq!(line.fields.get("number"), Some(&json!(0)));

    let started = plugin.logs.wait_for_message("Plugin Request Started").await;
    let completed = plugin.logs.wait_for_message("Plugin Request Completed").await;
    assert_eq!((started.level.as_str(), completed.level.as_str()), ("debug", "info"));
    assert_eq!((completed.text("status"), completed.text("statusSource")), ("ok", "plugin"));
}

#[gpx_tests::test]
async fn the_log_begins_with_what_runs() {
    let plugin = Plugin::packaged("http-backend").start().await;
    let line = plugin.logs.wait_for_message("The plugin is loaded").await;
    assert_eq!(line.level, "info");
    let versions = ["plugin", "version", "contract"].map(|key| line.text(key).to_owned());
    assert_eq!(versions, ["gpx-httpbackend-datasource", "0.1.0", "0.2.0"]);
    assert!(line.text("sdk").starts_with("gpx-sdk 0."), "{line}");
    assert_eq!(line.text("host"), env!("CARGO_PKG_VERSION"));
}

#[gpx_tests::test]
async fn a_failed_query_is_logged() {
    let upstream = Upstream::points(1).await;
    let plugin = Plugin::packaged("http-backend").start().await;
    plugin.query(&DataSource::new(&upstream.url()), [query("A"), query("B")]).await.unwrap();
    let line = plugin.logs.wait_for_message("Partial data response error").await;
    assert_eq!((line.level.as_str(), line.text("refID")), ("error", "B"));
    assert_eq!(line.fields.get("status"), Some(&json!(400)));
}

#[gpx_tests::test]
async fn the_guests_log_lines_and_its_standard_output() {
    let plugin = Plugin::guest("probe").start().await;
    let source = DataSource::new("");
    plugin.query(&source, [query("A").kind("log")]).await.unwrap();
    plugin.query(&source, [query("A").kind("stdout")]).await.unwrap();
    for level in ["trace", "debug", "info", "warn", "error"] {
        let line = plugin.logs.wait_for(|line| line.message.ends_with(&format!("{level} line"))).await;
        assert_eq!(line.level, level, "{line}");
    }
    let line = plugin.logs.wait_for_message("a debug line").await;
    assert_eq!((&line.fields["count"], &line.fields["ratio"]), (&json!(3), &json!(0.5)));
    for stream in ["stdout", "stderr"] {
        for printed in ["one line on ", "no end of line on "] {
            let line = plugin.logs.wait_for(|line| line.message == format!("{printed}{stream}")).await;
            // Every line of a call names its data source, including printed ones.
            assert_eq!(line.text("dsUid"), source.settings.uid, "{line}");
        }
    }
    // When the plugin is dropped, it is checked that stdout stayed empty and that every line has hclog's form.
}

#[gpx_tests::test]
async fn a_guest_cannot_forge_a_line_or_its_origin() {
    let plugin = Plugin::guest("probe").start().await;
    let source = DataSource::new("");
    plugin.query(&source, [query("A").kind("log")]).traceparent(TRACEPARENT).await.unwrap();
    let line = plugin.logs.wait_for(|line| line.message.starts_with("hostile")).await;
    assert_eq!((line.level.as_str(), line.text("traceId")), ("info", TRACE));
    assert_eq!(line.text("pluginId"), "gpx-test-datasource");
    let logs = plugin.logs.clone();
    assert!(plugin.stop().await.success());
    let forged =
        logs.all().into_iter().find(|line| line.message == "forged" || line.text("traceId") == "forged");
    assert!(forged.is_none(), "{forged:?}");
}

#[gpx_tests::test]
async fn a_guest_cannot_forge_what_the_host_does_not_know_either() {
    let plugin = Plugin::guest("probe").start().await;
    // Without a trace, a user and a data source.
    let mut context = PluginContext::from(&App::default());
    context.user = None;
    plugin.query(context, [query("A").kind("log")]).await.unwrap();
    let line = plugin.logs.wait_for(|line| line.message.starts_with("hostile")).await;
    for name in ["traceId", "traceID", "dsName", "dsUid", "uname"] {
        assert_eq!((line.text(name), line.text(&format!("_{name}"))), ("", "forged"), "{line}");
    }
    for name in ["pluginId", "pluginVersion", "endpoint"] {
        assert_ne!(line.text(name), "forged", "{line}");
    }
}
