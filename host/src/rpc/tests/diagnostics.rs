use std::time::Duration;

use tonic::Code;

use crate::plugin::test::Guest;
use crate::proto::pluginv2::check_health_response::HealthStatus;
use crate::rpc::test::{Grafana, a_while};

/// Returns what a person who presses the button sees.
async fn seen(grafana: &Grafana, script: &str) -> (HealthStatus, String, String) {
    let health = grafana.health(script).await.unwrap();
    let details = String::from_utf8(health.json_details.to_vec()).unwrap();
    (health.status(), health.message, own(details))
}

/// Takes off what the host has added.
fn own(details: String) -> String {
    match details.split_once("\"gpx\":") {
        Some(("{", _)) => String::new(),
        Some((before, _)) => format!("{}}}", before.trim_end_matches(',')),
        None => details,
    }
}

#[tokio::test]
async fn the_component_reports_its_own_health() {
    let ok = "say it works";
    let unknown = "health 0\nsay who knows";
    let error = "health 2\nsay no table\ndetails {\"table\":\"t\"}";
    for (script, status, message, details) in [
        (ok, HealthStatus::Ok, "it works", ""),
        (unknown, HealthStatus::Unknown, "who knows", ""),
        (error, HealthStatus::Error, "no table", r#"{"table":"t"}"#),
    ] {
        let grafana = Grafana::new().await;
        assert_eq!(seen(&grafana, script).await, (status, message.to_owned(), details.to_owned()));
        assert_eq!(grafana.counted("checkHealth", "ok", "plugin"), "1");
    }
}

#[tokio::test]
async fn a_component_without_health_says_so() {
    let status = Grafana::of(Guest::without("diagnostics")).await.health("").await.unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented);
    assert_eq!(status.message(), "the plugin does not export gpx:plugin/diagnostics");
}

#[tokio::test]
async fn a_component_that_cannot_be_loaded_is_not_healthy() {
    let grafana = Grafana::broken().await;
    let (status, message, _) = seen(&grafana, "").await;
    assert_eq!(status, HealthStatus::Error);
    assert!(message.contains("it is not WebAssembly"), "{message}");
    assert_eq!(grafana.counted("checkHealth", "error", "plugin"), "1");
}

#[tokio::test]
async fn a_fault_is_not_healthy() {
    let grafana = Grafana::new().await;
    let seen = seen(&grafana, "fail 502 1 it is down").await;
    assert_eq!(seen, (HealthStatus::Error, "it is down".to_owned(), String::new()));
    assert_eq!(grafana.counted("checkHealth", "error", "downstream"), "1");
}

#[tokio::test]
async fn details_must_be_an_object() {
    for (details, what) in [
        ("[1]", "a list"),
        ("\"x\"", "a string"),
        ("1", "a value"),
        ("nonsense", "not valid JSON"),
        ("{\"x\":", "not valid JSON"),
        ("{} {}", "not valid JSON"),
    ] {
        let grafana = Grafana::new().await;
        let (status, message, none) = seen(&grafana, &format!("details {details}")).await;
        let text = format!(
            "the details of the health check are {what}; they must be a JSON object, such as {{\"version\": 1}}"
        );
        assert_eq!((status, message, none), (HealthStatus::Error, text, String::new()));
        assert_eq!(grafana.counted("checkHealth", "error", "plugin"), "1");
    }
}

#[tokio::test]
async fn null_and_blanks_are_no_details() {
    for details in ["null", " null ", "\n"] {
        let (status, _, none) = seen(&Grafana::new().await, &format!("details {details}")).await;
        assert_eq!((status, none), (HealthStatus::Ok, String::new()), "{details:?}");
    }
}

#[tokio::test]
async fn a_trap_is_not_healthy() {
    let (status, message, _) = seen(&Grafana::new().await, "trap").await;
    assert!(status == HealthStatus::Error && message.starts_with("the plugin failed: "), "{message}");
}

#[tokio::test]
async fn problems_with_the_settings_come_first() {
    let grafana = Grafana::misconfigured(&["one is wrong", "so is the other"]).await;
    let (status, message, _) = seen(&grafana, "").await;
    assert_eq!((status, message.as_str()), (HealthStatus::Error, "one is wrong; so is the other"));
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_process_ends_a_check() {
    let grafana = Grafana::new().await;
    let check = tokio::spawn({
        let grafana = grafana.clone();
        async move { grafana.health("wait 60000").await }
    });
    a_while().await;
    grafana.shutdown.trigger();
    assert_eq!(check.await.unwrap().unwrap_err().code(), Code::Cancelled);
    assert_eq!(grafana.counted("checkHealth", "cancelled", "downstream"), "1");
}

#[tokio::test]
async fn metrics_are_the_hosts_own() {
    let grafana = Grafana::of(Guest::without("diagnostics")).await;
    let metrics = grafana.metrics().await;
    assert!(metrics.contains("\nplugins_datasource_instances_total 0\n"), "{metrics}");
}

#[tokio::test(start_paused = true)]
async fn the_callers_deadline_ends_a_check() {
    let grafana = Grafana::new().await;
    let status = grafana.health_within(Duration::from_millis(300), "wait 60000").await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert_eq!(grafana.counted("checkHealth", "error", "plugin"), "1");
}

#[tokio::test]
async fn a_long_message_is_cut_and_long_details_are_told_with_their_limit() {
    let (status, message, _) = seen(&Grafana::new().await, "say-long 20000000").await;
    assert!((8000..=8192).contains(&message.len()) && message.ends_with("x…"));
    assert_eq!(status, HealthStatus::Ok);
    // They are no object, but not too long.
    let (_, message, _) = seen(&Grafana::new().await, "details-long 1048576").await;
    assert!(message.contains("are not valid JSON"), "{message}");
    let (status, message, _) = seen(&Grafana::new().await, "details-long 1048577").await;
    let text = "the details of the plugin's answer take 1048577 bytes, and at most 1048576 are passed on; return less";
    assert_eq!((status, message.as_str()), (HealthStatus::Error, text));
}
