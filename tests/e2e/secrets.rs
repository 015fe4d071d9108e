//! Secrets: which of them a guest gets, and that it does not leak them by accident.

use gpx_tests::collector::Collector;
use gpx_tests::grafana::{DataSource, query};
use gpx_tests::plugin::Plugin;
use gpx_tests::trace::{TRACE, TRACEPARENT};

const TOKEN: &str = "tell-nobody";

fn source() -> DataSource {
    DataSource::new("http://localhost:9").secret("apiToken", TOKEN).secret("password", "of-the-host")
}

#[gpx_tests::test]
async fn a_guest_gets_the_secrets_that_it_asks_for_and_the_operator_does_not_deny() {
    let plugin = Plugin::guest("probe").start().await;
    let reply = plugin.query(&source(), [query("A").kind("settings")]).await.unwrap();
    assert_eq!(reply.frame("A").pairs().get("secret.apiToken"), Some(&TOKEN));
    let seen = reply.frame("A").json.to_string();
    assert!(!seen.contains("of-the-host"), "{seen}");

    let plugin = Plugin::guest("probe").setting("gpx_deny_secrets", "apiToken").start().await;
    let reply = plugin.query(&source(), [query("A").kind("settings")]).await.unwrap();
    let seen = reply.frame("A").json.to_string();
    assert!(!seen.contains("secret.") && !seen.contains(TOKEN), "{seen}");
}

#[gpx_tests::test]
async fn a_secret_is_redacted_in_spans_log_lines_and_errors() {
    let collector = Collector::start().await;
    let plugin = Plugin::guest("probe").tracing(&collector.address()).start().await;
    let call = plugin.query(&source(), [query("A").kind("leak")]);
    let reply = call.traceparent(TRACEPARENT).await.unwrap();
    assert_eq!(reply.answer("A").error, "fault [secret]");
    for line in ["line [secret]", "printed [secret]"] {
        plugin.logs.wait_for_message(line).await;
    }
    let logs = plugin.logs.clone();
    assert!(plugin.stop().await.success());
    // Once the process has ended, the log is complete.
    assert!(logs.mention("Plugin Request Completed") && !logs.mention(TOKEN), "{logs}");
    let trace = collector.wait_for_trace(TRACE, |trace| trace.has(&["leak [secret]"])).await;
    let everything = format!("{trace:?}");
    assert!(!everything.contains(TOKEN), "{everything}");
}
