//! Admission and conversion next to those of the example's twin on the Go SDK.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gpx_tests::collector::Collector;
use gpx_tests::peer::{self, Peer};
use gpx_tests::plugin::Plugin;
use gpx_tests::proto::pluginv2::DataSourceInstanceSettings;
use gpx_tests::trace::{Span, assert_alike};
use prost::Message as _;
use serde_json::{Value, json};

use crate::peer::{invoked, trace_id};

const ADMISSION: &str = "pluginv2.AdmissionControl";
const CONVERSION: &str = "pluginv2.ResourceConversion/ConvertObjects";

fn context() -> Value {
    let settings = json!({ "uid": "u", "name": "n", "url": "http://localhost:9", "jsonData": "e30=" });
    let user = json!({ "name": "Ada", "login": "ada" });
    json!({ "orgId": 1, "pluginId": "gpx-test", "user": user, "dataSourceInstanceSettings": settings })
}

/// Returns bytes as protobuf's JSON format has them.
fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

fn admission(method: &str, kind: &str, operation: &str, object: &str, old: &str) -> (String, Value) {
    let kind = json!({ "group": "test.example", "version": "v1", "kind": kind });
    let request = json!({
        "pluginContext": context(), "operation": operation, "kind": kind,
        "objectBytes": base64(object.as_bytes()), "oldObjectBytes": base64(old.as_bytes()),
    });
    (format!("{ADMISSION}/{method}"), request)
}

fn conversion(version: &str, objects: &[(&str, &str)]) -> (String, Value) {
    let objects: Vec<_> = objects
        .iter()
        .map(|(content_type, raw)| json!({ "raw": base64(raw.as_bytes()), "contentType": content_type }))
        .collect();
    let target = json!({ "group": "test.example", "version": version });
    let request =
        json!({ "pluginContext": context(), "uid": "7", "objects": objects, "targetVersion": target });
    (CONVERSION.to_owned(), request)
}

fn calls() -> Vec<(String, Value)> {
    let mut calls = Vec::new();
    for method in ["ValidateAdmission", "MutateAdmission"] {
        for (kind, operation, object, old) in [
            ("Echo", "CREATE", r#"{"a":1}"#, ""),
            ("Echo", "UPDATE", r#"{"a":1}"#, "{}"),
            ("Echo", "DELETE", "", "{}"),
            ("Denied", "CREATE", "{}", ""),
            ("Stamped", "CREATE", r#"{"a":[1,"é"]}"#, ""),
            ("Anything", "CREATE", "not JSON", ""),
            ("Fault", "CREATE", "{}", ""),
        ] {
            calls.push(admission(method, kind, operation, object, old));
        }
    }
    calls.push(settings());
    let json = "application/json";
    calls.push(conversion("v2", &[(json, r#"{"a":1}"#), ("application/yaml", r#"{"b":{}}"#)]));
    calls.push(conversion("v2", &[]));
    calls.push(conversion("v9", &[(json, "{}")]));
    calls.push(conversion("fault", &[(json, "{}")]));
    calls
}

/// The settings of a data source, as a message of the protocol.
fn settings() -> (String, Value) {
    let (method, mut request) = admission("MutateAdmission", "DataSourceInstanceSettings", "CREATE", "", "");
    request["kind"]["group"] = gpx_tests::grafana::objects::SETTINGS.into();
    let mut source = DataSourceInstanceSettings {
        id: 3,
        name: "Prices".to_owned(),
        url: "https://example.com/api".to_owned(),
        user: "user".to_owned(),
        database: "database".to_owned(),
        basic_auth_enabled: true,
        basic_auth_user: "basic".to_owned(),
        json_data: r#"{"a":1}"#.into(),
        last_updated_ms: 1_700_000_000_000,
        uid: "prices".to_owned(),
        api_version: "v0alpha1".to_owned(),
        ..Default::default()
    };
    source.decrypted_secure_json_data.insert("token".to_owned(), "geheim".to_owned());
    request["objectBytes"] = base64(&source.encode_to_vec()).into();
    (method, request)
}

async fn called(peer: &mut Peer, (method, request): &(String, Value)) -> Value {
    let answer = peer.get("invoke", json!({ "method": method, "request": request })).await;
    json!([answer["messages"], answer["error"]["code"], answer["error"]["message"]])
}

#[gpx_tests::test]
async fn objects_are_admitted_and_converted_as_the_twin_does() {
    let Some(tools) = peer::tools() else { return };
    let objects = Plugin::guest("objects");
    let mut recorded = Vec::new();
    for executable in [objects.executable(), tools.twin.as_path()] {
        let mut peer = tools.run(executable, json!({ "TWIN_SERVES": "admission,conversion" })).await;
        let mut answers = Vec::new();
        for call in calls() {
            answers.push((call.clone(), called(&mut peer, &call).await));
        }
        recorded.push((answers, peer.recorded().await));
        peer.end().await;
    }
    let [(ours, our_record), (theirs, their_record)] = recorded.as_slice() else { unreachable!() };
    for (ours, theirs) in ours.iter().zip(theirs) {
        assert_eq!(ours, theirs);
    }
    assert_eq!(our_record, their_record);
}

/// On the Go SDK, the conversion of queries passes none of what records other calls.
#[gpx_tests::test]
async fn queries_are_converted_as_the_twin_does() {
    let Some(tools) = peer::tools() else { return };
    let objects = Plugin::guest("objects");
    let json = "application/json";
    let calls = [
        conversion(
            "",
            &[
                (json, r#"{"queries":[{"refId":"A"},{"refId":"B"}]}"#),
                (json, r#"{"Queries":[{"refId":"C"}]}"#),
            ],
        ),
        conversion("", &[(json, r#"{"queries":[]}"#)]),
        conversion("", &[(json, r#"{"queries":[{"refId":"fault"}]}"#)]),
        // What is no request with queries goes to the other conversion.
        conversion("v2", &[("application/yaml", r#"{"queries":[]}"#)]),
        conversion("v2", &[(json, r#"{"queries":7}"#)]),
    ];
    let mut recorded = Vec::new();
    for executable in [objects.executable(), tools.twin.as_path()] {
        let environment = json!({ "TWIN_SERVES": "admission,conversion,query-conversion" });
        let mut peer = tools.run(executable, environment).await;
        let mut answers = Vec::new();
        for call in &calls {
            let mut answer = called(&mut peer, call).await;
            if let Some(message) = answer[0].get_mut(0) {
                // Go forgets the id of the request here.
                message["uid"].take();
            }
            answers.push((call, answer));
        }
        recorded.push((answers, peer.recorded().await.1.len()));
        peer.end().await;
    }
    for (ours, theirs) in recorded[0].0.iter().zip(&recorded[1].0) {
        assert_eq!(ours, theirs);
    }
    assert_eq!((recorded[0].1, recorded[1].1), (5, 2));
}

#[gpx_tests::test]
async fn reflection_lists_what_is_served() {
    let Some(tools) = peer::tools() else { return };
    let guests = [("probe", ""), ("objects", "admission,conversion"), ("together", "query-conversion")];
    for (guest, served) in guests {
        let guest = Plugin::guest(guest);
        let mut listed = Vec::new();
        for executable in [guest.executable(), tools.twin.as_path()] {
            let mut peer = tools.run(executable, json!({ "TWIN_SERVES": served })).await;
            listed.push(peer.get("reflect", json!({ "packages": [] })).await["services"].take());
            peer.end().await;
        }
        assert_eq!(listed[0], listed[1], "{served}");
        let text = listed[0].to_string();
        assert_eq!(text.contains("AdmissionControl"), served.contains("admission"), "{text}");
        assert_eq!(text.contains("ResourceConversion"), served.contains("conversion"), "{text}");
    }
}

#[gpx_tests::test]
async fn the_spans_of_objects_are_the_twins() {
    let Some(tools) = peer::tools() else { return };
    let calls = [
        admission("ValidateAdmission", "Echo", "CREATE", "{}", ""),
        admission("ValidateAdmission", "Denied", "CREATE", "{}", ""),
        admission("ValidateAdmission", "Fault", "CREATE", "{}", ""),
        admission("MutateAdmission", "Stamped", "CREATE", "{}", ""),
        admission("MutateAdmission", "Fault", "CREATE", "{}", ""),
        conversion("v2", &[("application/json", "{}")]),
        conversion("v9", &[("application/json", "{}")]),
        conversion("fault", &[("application/json", "{}")]),
    ];
    let objects = Plugin::guest("objects");
    let serves = json!({ "TWIN_SERVES": "admission,conversion" });
    let ours = invoked(&tools, objects.executable(), &serves, &calls).await;
    let theirs = invoked(&tools, &tools.twin, &serves, &calls).await;
    for (((method, request), ours), theirs) in calls.iter().zip(&ours).zip(&theirs) {
        assert!(ours.has(&[&format!("sdk.{}", endpoint(method))]), "{method}");
        assert_alike(&format!("{method} {request}"), ours, theirs);
    }
}

/// A call of a service that is not there has a server span and nothing else. On the Go SDK, that span never ends.
#[gpx_tests::test]
async fn the_span_of_a_service_that_is_not_there() {
    let Some(tools) = peer::tools() else { return };
    let (method, request) = admission("ValidateAdmission", "Echo", "CREATE", "{}", "");
    let probe = Plugin::guest("probe");
    let mut spans = Vec::new();
    for executable in [probe.executable(), tools.twin.as_path()] {
        let collector = Collector::start().await;
        let mut peer = tools.run(executable, peer::tracing(&collector.address(), "1.2.3")).await;
        let traceparent = format!("00-{}-b7ad6b7169203331-01", trace_id(0));
        let call = json!({ "method": method, "request": request, "traceparent": traceparent });
        assert_eq!(peer.get("invoke", call).await["error"]["code"], "Unimplemented");
        let (counts, ends) = peer.recorded().await;
        assert_eq!((counts.len(), ends.len()), (0, 0));
        peer.end().await;
        let of_call = |span: &Span| span.trace_id == trace_id(0);
        spans.push(collector.spans().into_iter().filter(of_call).map(|span| span.name).collect::<Vec<_>>());
    }
    assert_eq!(spans, [vec![method], vec![]]);
}

/// Returns the endpoint of a method: `validateAdmission`.
fn endpoint(method: &str) -> String {
    let name = method.rsplit('/').next().unwrap();
    format!("{}{}", name[..1].to_lowercase(), &name[1..])
}
