//! Admission and conversion of objects.

mod hostile;
mod settings;
mod twin;

use gpx_tests::grafana::{App, DataSource};
use gpx_tests::plugin::Plugin;
use gpx_tests::proto::pluginv2::admission_request::Operation;
use gpx_tests::proto::pluginv2::{PluginContext, StatusResult};
use serde_json::{Value, json};
use tonic::Code;

fn source() -> DataSource {
    DataSource::new("")
}

/// Returns a call's context without settings.
fn nobody() -> PluginContext {
    PluginContext { org_id: 1, plugin_id: "gpx-test-datasource".to_owned(), ..PluginContext::default() }
}

#[gpx_tests::test]
async fn an_object_is_admitted_denied_or_changed() {
    let plugin = Plugin::guest("objects").start().await;
    let object = json!({ "spec": { "title": "a" } }).to_string();
    let call = plugin.validate(&source(), "Echo", object.clone()).with(|request| {
        request.set_operation(Operation::Update);
        request.old_object_bytes = "{}".into();
    });
    let verdict = call.await.unwrap();
    assert!(verdict.allowed && verdict.result.is_none());
    assert_eq!(verdict.warnings, ["update test.example/v1 Echo 22 2"]);
    let deletion = |request: &mut gpx_tests::proto::pluginv2::AdmissionRequest| {
        request.set_operation(Operation::Delete);
        request.kind = None;
    };
    assert!(
        plugin.validate(&source(), "", "").with(deletion).await.unwrap().allowed,
        "no kind is no failure"
    );

    let denied = plugin.validate(&source(), "Denied", object.clone()).await.unwrap();
    let result = StatusResult {
        status: "Failure".to_owned(),
        message: "the object has no title".to_owned(),
        reason: "Invalid".to_owned(),
        code: 422,
    };
    assert_eq!((denied.allowed, &denied.result), (false, &Some(result.clone())));
    assert_eq!(denied.warnings, ["think twice"]);

    let stored = plugin.mutate(&source(), "Stamped", object.clone()).await.unwrap();
    let changed: Value = serde_json::from_slice(&stored.object_bytes).unwrap();
    assert!(stored.allowed && changed == json!({ "spec": { "title": "a" }, "stamped": true }), "{stored:?}");
    let same = plugin.mutate(&source(), "Anything", object.clone()).await.unwrap();
    assert_eq!((same.allowed, same.object_bytes), (true, object.clone().into()));
    let denied = plugin.mutate(&source(), "Denied", object).await.unwrap();
    assert_eq!((denied.allowed, denied.result, denied.object_bytes.len()), (false, Some(result), 0));
}

#[gpx_tests::test]
async fn an_object_need_not_be_of_a_data_source() {
    let plugin = Plugin::guest("objects").start().await;
    let kinds = [
        ("DataSource", PluginContext::from(&source())),
        ("App", PluginContext::from(&App::default())),
        ("None", nobody()),
    ];
    for (kind, context) in kinds {
        let verdict = plugin.validate(context, "Kind", "{}").await.unwrap();
        assert_eq!(verdict.warnings, [format!("SettingsKind::{kind}")]);
    }
    let verdict = plugin.validate(&source(), "User", "{}").await.unwrap();
    assert_eq!(verdict.warnings, ["ada"]);
}

#[gpx_tests::test]
async fn objects_are_converted_or_not() {
    let plugin = Plugin::guest("objects").start().await;
    let objects = [json!({ "a": 1 }), json!({ "b": 2, "apiVersion": "old" })];
    let converted = plugin.convert(&source(), "v2", objects.clone()).await.unwrap();
    assert_eq!((converted.uid.as_str(), converted.result), ("the id of the request", None));
    let raw: Vec<Value> =
        converted.objects.iter().map(|object| serde_json::from_slice(&object.raw).unwrap()).collect();
    let version = "test.example/v2";
    assert_eq!(raw, [json!({ "a": 1, "apiVersion": version }), json!({ "b": 2, "apiVersion": version })]);
    assert!(converted.objects.iter().all(|object| object.content_type == "application/json"));

    let refused = plugin.convert(&source(), "v9", objects).await.unwrap();
    let result = refused.result.unwrap();
    assert_eq!(
        (result.status.as_str(), result.code, result.message.as_str()),
        ("Failure", 404, "there is no v9")
    );
    assert_eq!((refused.uid.as_str(), refused.objects.len()), ("the id of the request", 0));
    let nothing = plugin.convert(&source(), "v2", []).await.unwrap();
    assert_eq!((nothing.result, nothing.objects.len()), (None, 0));
}

#[gpx_tests::test]
async fn saved_queries_are_converted() {
    let plugin = Plugin::guest("objects").start().await;
    let request = |queries: Value| json!({ "from": "now-1h", "to": "now", "queries": queries });
    let old = [
        request(json!([{ "refId": "A", "multiply": 3 }, { "refId": "B", "multiplier": 4 }])),
        request(json!([{ "refId": "C" }])),
    ];
    let converted = plugin.convert(&source(), "", old).await.unwrap();
    let queries: Vec<Value> =
        converted.objects.iter().map(|object| serde_json::from_slice(&object.raw).unwrap()).collect();
    let expected = [
        json!({ "refId": "A", "version": 2, "multiplier": 3 }),
        json!({ "refId": "B", "version": 2, "multiplier": 4 }),
        json!({ "refId": "C", "version": 2 }),
    ];
    assert_eq!(queries, expected);
    assert!(converted.objects.iter().all(|object| object.content_type == "application/json"));
    // One object that is no request with queries makes all of them objects.
    let mixed = [request(json!([{ "refId": "A" }])), json!({ "kind": "Table" })];
    let converted = plugin.convert(&source(), "v2", mixed).await.unwrap();
    let first: Value = serde_json::from_slice(&converted.objects[0].raw).unwrap();
    assert_eq!(first["apiVersion"], "test.example/v2");

    let unfit = [request(json!([{ "refId": "A", "multiply": "many" }]))];
    let status = plugin.convert(&source(), "", unfit).await.unwrap_err();
    let text = "query A is not valid: `multiply`: a string where a whole number was expected at byte ";
    assert!(status.code() == Code::Unknown && status.message().starts_with(text), "{status:?}");
    // A component that has no other conversion says what it takes.
    let plugin = Plugin::guest("together").start().await;
    let status = plugin.convert(&source(), "v2", [json!({ "kind": "Table" })]).await.unwrap_err();
    let text = "object 1 is no request with queries: it has no `queries`";
    assert_eq!((status.code(), status.message()), (Code::Unknown, text));
}

#[gpx_tests::test]
async fn a_service_that_is_not_exported_is_not_there() {
    let plugin = Plugin::guest("probe").start().await;
    let status = plugin.validate(&source(), "Echo", "{}").await.unwrap_err();
    let text = "the plugin does not export gpx:plugin/admission";
    assert_eq!((status.code(), status.message()), (Code::Unimplemented, text));
    let status = plugin.mutate(&source(), "Echo", "{}").await.unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented);
    let status = plugin.convert(&source(), "v2", []).await.unwrap_err();
    let text = "the plugin does not export gpx:plugin/conversion or gpx:plugin/query-conversion";
    assert_eq!((status.code(), status.message()), (Code::Unimplemented, text));
    let metrics = plugin.metrics().await.unwrap();
    assert!(!metrics.contains("AdmissionControl") && !metrics.contains("Conversion"), "{metrics}");
    assert!(!plugin.logs.mention("Plugin Request"), "{}", plugin.logs);
}
