//! The plugin with a fake host, which plays the service.

use std::time::Duration;

use gpx_sdk::Source;
use gpx_sdk::http::Cause;
use gpx_sdk::test::{Host, Opened, ResourceRequest, any, data_source, failure, get, json, query, status};
use serde_json::json;

use super::*;

fn open(host: &Host) -> Opened<'_, HttpBackend> {
    host.open(data_source("http://service.example/points")).unwrap()
}

#[test]
fn points_become_a_frame_within_a_span() {
    let host = Host::new();
    let points = json!({ "datapoints": [{ "time": "2026-01-01T00:00:00Z", "value": 6.5 }] });
    host.given(get("/points").query("multiplier", 3)).respond(json(&points).delay(Duration::from_millis(20)));

    let frames =
        open(&host).query(query("A").query_type("points").model(&json!({ "multiplier": 3 }))).unwrap();

    let times = [Time::parse("2026-01-01T00:00:00Z").unwrap()];
    assert_eq!(frames, [Frame::new("response").time("time", times).field("values", [6.5])]);
    let span = host.span("query processing");
    assert_eq!(span.attributes["query.type"], "points");
    let events: Vec<_> = span.events.iter().map(|event| event.name.as_str()).collect();
    assert_eq!(
        events,
        ["HTTP request done", "JSON response decoded", "Datapoints created", "Frames created"]
    );
    assert_eq!(span.end.unwrap().unix_millis() - span.start.unix_millis(), 20);
    assert_eq!(host.requests()[0].span.as_deref(), Some("query processing"));
    assert_eq!(host.logs()[0].message, "Processing query");
}

#[test]
fn every_second_query_is_refused() {
    let host = Host::new();
    let fault = open(&host).query(query("B").position(1, 3)).unwrap_err();
    assert_eq!((fault.status, fault.source), (400, Source::Plugin));
    assert!(fault.message.starts_with("query 2 is refused on purpose"), "{fault}");
    assert!(host.requests().is_empty());
}

#[test]
fn a_service_that_fails_is_a_gateway_error() {
    let host = Host::new();
    host.given(any()).once().respond(failure(Cause::Timeout));
    host.given(any()).once().respond(failure(Cause::Refused));
    host.given(any()).once().respond(status(500));
    host.given(any()).once().respond(json(&json!({ "datapoints": 1 })));
    let plugin = open(&host);
    let told = || plugin.query(query("A")).map_err(|fault| (fault.status, fault.message)).unwrap_err();
    assert_eq!(told(), (504, "gateway timeout".to_owned()));
    assert_eq!(told(), (502, "bad gateway request".to_owned()));
    assert_eq!(told(), (400, "bad gateway response".to_owned()));
    assert_eq!(told(), (502, "bad gateway request".to_owned()));
    assert_eq!(host.logs().iter().filter(|line| line.message == "upstream failed").count(), 3);
}

#[test]
fn a_query_of_an_older_editor_is_migrated() {
    let host = Host::new();
    let request = ResourceRequest::post("migrate-query").json(&json!({ "multiply": 7 }));
    let response = open(&host).call_resource(request).unwrap();
    assert_eq!(response.text(), r#"{"version":1,"multiplier":7}"#);
}

#[test]
fn health_is_what_the_service_answers() {
    let host = Host::new();
    host.given(any()).once().respond(status(200));
    host.given(any()).once().respond(status(503));
    let plugin = open(&host);
    assert_eq!(plugin.check_health().unwrap().message, "Data source is working");
    assert_eq!(plugin.check_health().unwrap().message, "got response code 503");
}
