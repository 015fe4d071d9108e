//! Components that answer with what cannot be stored, or with too much of it, and callers that do not wait.

use bytes::Bytes;
use gpx_tests::logs::Line;
use gpx_tests::plugin::Plugin;
use gpx_tests::proto::pluginv2::RawObject;
use gpx_tests::proto::pluginv2::admission_request::Operation;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tonic::Code;

use super::{nobody, source};

/// Waits until a line says that a call of that endpoint has ended, and returns how.
async fn ended(plugin: &Plugin, endpoint: &str) -> (String, String) {
    let is_end =
        |line: &Line| line.message == "Plugin Request Completed" && line.text("endpoint") == endpoint;
    let line = plugin.logs.wait_for(is_end).await;
    (line.text("status").to_owned(), line.text("statusSource").to_owned())
}

#[gpx_tests::test]
async fn a_denial_has_a_status_of_an_error() {
    let plugin = Plugin::guest("objects").start().await;
    for (given, code) in [(0, 400), (200, 400), (404, 404), (599, 599), (600, 400), (65_535, 400)] {
        let verdict = plugin.validate(&source(), "Status", given.to_string()).await.unwrap();
        let result = verdict.result.unwrap();
        assert_eq!(
            (verdict.allowed, result.code, result.status.as_str()),
            (false, code, "Failure"),
            "{given}"
        );
    }
    let verdict = plugin.validate(&source(), "Refused", "{").await.unwrap();
    let result = verdict.result.unwrap();
    assert!(result.code == 400 && result.message.starts_with("the object is not valid: "), "{result:?}");
}

#[gpx_tests::test]
async fn texts_are_cut() {
    let plugin = Plugin::guest("objects").start().await;
    let verdict = plugin.validate(&source(), "Warnings", "{}").await.unwrap();
    assert_eq!((verdict.allowed, verdict.warnings.len()), (true, 32));
    let verdict = plugin.validate(&source(), "Long", "{}").await.unwrap();
    let result = verdict.result.unwrap();
    assert_eq!((result.message.len(), result.reason.len(), verdict.warnings[0].len()), (8192, 256, 256));
}

#[gpx_tests::test]
async fn what_cannot_be_stored_is_refused_in_words() {
    let plugin = Plugin::guest("objects").start().await;
    let large = (16 << 20) + 1;
    let text = format!(
        "the bytes of the object of the plugin's answer take {large} bytes, and at most 16777216 are passed on; return less"
    );
    for (kind, object, text) in [
        ("Large", large.to_string(), text.as_str()),
        (
            "Other",
            "{}".to_owned(),
            "the plugin has made the settings of an app of a serialized object; return an object of the same variant",
        ),
        ("Stamped", "{".to_owned(), "the object is not valid: a name in quotes is missing at byte 1"),
        ("Stamped", String::new(), "there is no object"),
    ] {
        let status = plugin.mutate(&source(), kind, object).await.unwrap_err();
        assert_eq!((status.code(), status.message()), (Code::Unknown, text), "{kind}");
    }
    let deletion = plugin
        .mutate(&source(), "Resurrected", "")
        .with(|request| request.set_operation(Operation::Delete))
        .await
        .unwrap_err();
    let text = "the plugin has changed an object that is to be deleted; return none";
    assert_eq!((deletion.code(), deletion.message()), (Code::Unknown, text));
    let largest = plugin.mutate(&source(), "Large", (16 << 20).to_string()).await.unwrap();
    assert_eq!(largest.object_bytes.len(), 16 << 20);
}

#[gpx_tests::test]
async fn what_cannot_be_read_after_a_conversion_is_refused_in_words() {
    let plugin = Plugin::guest("objects").start().await;
    let status = plugin.convert(&source(), "many", [json!({})]).await.unwrap_err();
    let text = "the plugin returned 20000 objects at once, and at most 10000 are passed on; return fewer";
    assert_eq!((status.code(), status.message()), (Code::Unknown, text));
    let large = plugin.convert(&source(), "large", [json!({})]).await.unwrap();
    assert_eq!(large.objects.iter().map(|object| object.raw.len()).sum::<usize>(), 20 << 20);
    assert!(large.objects.iter().all(|object| object.content_type.len() == 256));
    let fewer = plugin.convert(&source(), "none", [json!({})]).await.unwrap();
    assert_eq!(fewer.objects.len(), 0);

    let plugin = Plugin::guest("together").start().await;
    let convert = async |becomes: Value| {
        let request =
            json!({ "queries": [{ "refId": "A", "becomes": {} }, { "refId": "B", "becomes": becomes }] });
        plugin.convert(&source(), "", [request]).await.map(|reply| reply.objects.len())
    };
    for (becomes, text) in [
        (json!([]), "it is not a JSON object; return one for each query"),
        (json!("{}"), "it is not a JSON object; return one for each query"),
        (json!(null), "it is not a JSON object; return one for each query"),
    ] {
        let status = convert(becomes).await.unwrap_err();
        assert_eq!(
            (status.code(), status.message()),
            (Code::Unknown, format!("converted query 2: {text}").as_str())
        );
    }
    assert_eq!(convert(json!({ "refId": "B" })).await.unwrap(), 2);
}

#[gpx_tests::test]
async fn odd_requests_are_answered() {
    let plugin = Plugin::guest("objects").start().await;
    let text = |status: tonic::Status| (status.code(), status.message().to_owned());
    let operation = plugin.validate(&source(), "Echo", "{}").with(|request| request.operation = 7);
    let unsupported = (Code::Unknown, "unsupported admission operation 7".to_owned());
    assert_eq!(text(operation.await.unwrap_err()), unsupported);
    let nobody = plugin.mutate(nobody(), "Echo", "{}").with(|request| request.plugin_context = None);
    let without = (Code::Unknown, "the request has no plugin context".to_owned());
    assert_eq!(text(nobody.await.unwrap_err()), without);
    let target = plugin.convert(&source(), "v2", [json!({})]).with(|request| request.target_version = None);
    assert_eq!(target.await.unwrap().objects.len(), 1);
    let large = plugin.validate(&source(), "Echo", vec![b' '; (16 << 20) + 1]).await.unwrap_err();
    assert_eq!(large.code(), Code::ResourceExhausted, "{large:?}");
}

#[gpx_tests::test]
async fn objects_of_any_depth_are_answered() {
    let plugin = Plugin::guest("objects").start().await;
    let deep = format!("{}{}", "[".repeat(4 << 20), "]".repeat(4 << 20));
    let stored = plugin.mutate(&source(), "Anything", deep.clone()).await.unwrap();
    assert_eq!(stored.object_bytes.len(), deep.len());
    let stamped = plugin.mutate(&source(), "Stamped", deep.clone()).await.unwrap_err();
    assert!(stamped.message().starts_with("the object is not valid: "), "{stamped:?}");
    for (version, raw) in [("v2", deep.clone()), ("", format!("{{\"queries\":[{{\"refId\":{deep}}}]}}"))] {
        let object = RawObject { raw: raw.into(), content_type: "application/json".to_owned() };
        let call = plugin.convert(&source(), version, []).with(|request| request.objects = vec![object]);
        let status = call.await.unwrap_err();
        assert!(status.code() == Code::Unknown && status.message().contains(" is not valid: "), "{status:?}");
    }
    assert!(plugin.validate(&source(), "Echo", "{}").await.unwrap().allowed);
}

#[gpx_tests::test]
async fn a_component_that_fails_ends_its_own_call_only() {
    let plugin = Plugin::guest("objects").setting("gpx_cpu_timeout", "100ms").start().await;
    for (kind, text) in [
        ("Panic", "the plugin panicked: validation panicked on purpose"),
        ("Loop", "the plugin computed for more than 100ms; raise gpx_cpu_timeout if it needs more"),
    ] {
        let status = plugin.validate(&source(), kind, "{}").await.unwrap_err();
        assert_eq!(status.code(), Code::Unknown, "{status:?}");
        assert!(status.message().starts_with(text), "{status:?}");
    }
    let queries = json!({ "queries": [{ "refId": "panic" }] });
    for (version, object) in [("panic", json!({})), ("", queries)] {
        let status = plugin.convert(&source(), version, [object]).await.unwrap_err();
        assert!(status.message().starts_with("the plugin panicked: "), "{status:?}");
    }
    assert!(plugin.validate(&source(), "Echo", "{}").await.unwrap().allowed);
}

#[gpx_tests::test]
async fn a_component_that_cannot_be_opened_says_why() {
    let plugin = Plugin::guest("objects").start().await;
    for (database, text) in
        [("fault", "open failed on purpose"), ("panic", "the plugin panicked: open panicked on purpose (")]
    {
        let mut source = source();
        source.settings.database = database.to_owned();
        let queries = json!({ "queries": [{ "refId": "A" }] });
        for status in [
            plugin.validate(&source, "Echo", "{}").await.unwrap_err(),
            plugin.mutate(&source, "Echo", "{}").await.unwrap_err(),
            plugin.convert(&source, "v2", [json!({})]).await.unwrap_err(),
            plugin.convert(&source, "", [queries]).await.unwrap_err(),
        ] {
            assert_eq!(status.code(), Code::Unknown, "{status:?}");
            assert!(status.message().starts_with(text), "{status:?}");
        }
    }
    assert!(plugin.validate(&source(), "Echo", "{}").await.unwrap().allowed);
}

/// Calls that wait for an instance have nothing but their messages.
#[gpx_tests::test]
async fn large_objects_that_wait_are_not_copied() {
    const LARGE: usize = 15 << 20;
    const WAITING: usize = 16;
    let plugin = Plugin::guest("objects").setting("gpx_instances_max", "1").start().await;
    let source = source();
    let busy = tokio::spawn(plugin.validate(&source, "Sleep", "{}").into_future());
    plugin.logs.wait_for_message("asleep").await;
    let before = plugin.process().resident();
    let object = Bytes::from(vec![b' '; LARGE]);
    let mutate = |_| plugin.mutate(&source, "Anything", object.clone()).into_future();
    let waiting: JoinSet<_> = (0..WAITING).map(mutate).collect();
    let began =
        |line: &Line| line.message == "Plugin Request Started" && line.text("endpoint") == "mutateAdmission";
    plugin.logs.wait_for_lines(WAITING, began).await;
    let each = plugin.process().resident().saturating_sub(before) as usize / WAITING;
    println!("{} KiB for an object of {} KiB that waits", each >> 10, LARGE >> 10);
    assert!(each < LARGE + LARGE / 2, "{each} bytes");
    busy.abort();
    for stored in waiting.join_all().await {
        assert_eq!(stored.unwrap().object_bytes.len(), LARGE);
    }
}

#[gpx_tests::test]
async fn a_caller_that_hangs_up_ends_the_call() {
    let plugin = Plugin::guest("objects").start().await;
    let source = source();
    let call = tokio::spawn(plugin.validate(&source, "Sleep", "{}").into_future());
    plugin.logs.wait_for_message("asleep").await;
    call.abort();
    assert_eq!(ended(&plugin, "validateAdmission").await, ("cancelled".to_owned(), "downstream".to_owned()));
    let late = plugin.mutate(&source, "Sleep", "{}").deadline(std::time::Duration::from_millis(300));
    assert_eq!(late.await.unwrap_err().code(), Code::DeadlineExceeded);
    assert_eq!(ended(&plugin, "mutateAdmission").await.0, "error");
    assert!(plugin.validate(&source, "Echo", "{}").await.unwrap().allowed);
}
