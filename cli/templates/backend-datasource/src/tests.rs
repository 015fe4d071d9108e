//! The data source with a fake host, which plays the service.

use std::time::Duration;

use gpx_sdk::Source;
use gpx_sdk::test::{Host, ResourceRequest, data_source, get, json, query, status};
use serde_json::json;

use super::*;

const URL: &str = "http://service.example/api";

#[test]
fn a_series_becomes_a_frame() {
    let host = Host::new();
    let points = json!([{ "time": "2026-01-01T00:00:00Z", "value": 1.5 }]);
    host.given(get("/api/series/a%20b").query("step", 60_000)).respond(json(&points));
    let source = host.open::<DataSource>(data_source(URL)).unwrap();

    let asked = query("A").interval(Duration::from_secs(60)).model(&json!({ "series": "a b" }));
    let frames = source.query(asked).unwrap();

    let times = [Time::parse("2026-01-01T00:00:00Z").unwrap()];
    assert_eq!(frames, [Frame::new("a b").time("time", times).field("value", [1.5])]);
    assert_eq!(host.span("read series").attributes["series.points"], 1);
}

#[test]
fn a_service_that_fails_is_told_as_the_cause() {
    let host = Host::new();
    host.given(get("/api/series/daily")).respond(status(503));
    let source = host.open::<DataSource>(data_source(URL)).unwrap();
    let fault = source.query(query("A").model(&json!({ "series": "daily" }))).unwrap_err();
    assert_eq!((fault.status, fault.source), (503, Source::Downstream));
}

#[test]
fn a_query_without_a_series_is_refused() {
    let host = Host::new();
    let source = host.open::<DataSource>(data_source("")).unwrap();
    let fault = source.query(query("A").model(&json!({}))).unwrap_err();
    assert_eq!(fault.status, 400);
    assert!(fault.message.contains("series"), "{fault}");
}

#[test]
fn the_editor_lists_the_series() {
    let host = Host::new();
    host.given(get("/api/series")).respond(json(&["daily"]));
    let source = host.open::<DataSource>(data_source(URL)).unwrap();
    let names: Vec<String> = source.call_resource(ResourceRequest::get("series")).unwrap().json().unwrap();
    assert_eq!(names, ["daily"]);
    assert_eq!(source.check_health().unwrap().message, "1 series can be read");
}

#[test]
fn without_a_url_there_is_a_demo() {
    let host = Host::new();
    let source = host.open::<DataSource>(data_source("")).unwrap();
    let (from, to) = (Time::from_unix_seconds(0), Time::from_unix_seconds(3600));
    let asked = query("A").range(from, to).interval(Duration::from_secs(900));
    let frames = source.query(asked.model(&json!({ "series": "hourly" }))).unwrap();
    assert_eq!(frames[0].rows(), Some(5));
    assert!(host.requests().is_empty());
}
