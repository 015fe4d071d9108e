//! The app with a fake host.

use gpx_sdk::HealthStatus;
use gpx_sdk::test::{Host, ResourceRequest, SettingsBuilder, app};
use serde_json::json;

use super::*;

fn configured() -> SettingsBuilder {
    app().json(&json!({ "topics": ["rivers"] })).secret("apiToken", "secret")
}

#[test]
fn the_page_lists_the_topics_and_reads_a_note() {
    let host = Host::new();
    let app = host.open::<App>(configured()).unwrap();
    let topics: Vec<String> = app.call_resource(ResourceRequest::get("topics")).unwrap().json().unwrap();
    assert_eq!(topics, ["rivers"]);
    let note = app.call_resource(ResourceRequest::get("topics/rivers/note")).unwrap();
    assert_eq!(note.text(), r#"{"topic":"rivers","text":"Grafana reads about rivers"}"#);
    assert_eq!(app.call_resource(ResourceRequest::get("topics/lakes/note")).unwrap().status, 404);
}

#[test]
fn an_app_that_nobody_has_configured_says_so() {
    let host = Host::new();
    let health = host.open::<App>(app()).unwrap().check_health().unwrap();
    assert_eq!(health.status, HealthStatus::Error);
    let health = host.open::<App>(configured()).unwrap().check_health().unwrap();
    assert_eq!(health.message, "1 topics, and a token");
}
