//! Streams next to those of the example's twin on the Go SDK.

use std::path::Path;

use gpx_tests::peer::{self, Peer, Tools};
use gpx_tests::plugin::Plugin;
use gpx_tests::trace::assert_alike;
use serde_json::{Value, json};

use crate::peer::invoked;

/// Calls through the Go client. Returns the packets or data, decoded, and how the call ended.
async fn called(peer: &mut Peer, method: &str, path: &str, cancel_after: u64) -> Value {
    let settings =
        json!({ "uid": "u", "url": "http://localhost:9", "database": "stream", "jsonData": "e30=" });
    let context = json!({ "orgId": 1, "pluginId": "gpx-test", "dataSourceInstanceSettings": settings });
    // {"a":1}
    let request = json!({ "pluginContext": context, "path": path, "data": "eyJhIjoxfQ==" });
    let method = format!("pluginv2.Stream/{method}");
    let call = json!({ "method": method, "request": request, "cancel_after_ms": cancel_after });
    let answer = peer.get("invoke", call).await;
    json!([answer["messages"], answer["error"]["code"], answer["error"]["message"]])
}

const CALLS: [(&str, &str, u64); 15] = [
    ("SubscribeStream", "anything", 0),
    ("SubscribeStream", "denied", 0),
    ("SubscribeStream", "missing", 0),
    ("SubscribeStream", "frame", 0),
    ("SubscribeStream", "schema", 0),
    ("SubscribeStream", "echo", 0),
    ("SubscribeStream", "fault", 0),
    ("PublishStream", "denied", 0),
    ("PublishStream", "missing", 0),
    ("PublishStream", "echo", 0),
    ("PublishStream", "fault", 0),
    ("RunStream", "frames", 0),
    ("RunStream", "json", 0),
    ("RunStream", "fail", 0),
    ("RunStream", "sleep", 500),
];

/// Makes all calls. Returns their answers, how they were counted, and their lines about their ends.
async fn all_called(tools: &Tools, executable: &Path) -> (Vec<Value>, Vec<String>, Vec<Value>) {
    let mut peer = tools.run(executable, json!({})).await;
    let mut answers = Vec::new();
    for (method, path, cancel_after) in CALLS {
        answers.push(json!([method, path, called(&mut peer, method, path, cancel_after).await]));
    }
    peer.wait_for_cancelled().await;
    let (counts, ends) = peer.recorded().await;
    peer.end().await;
    (answers, counts, ends)
}

#[gpx_tests::test]
async fn streams_are_the_twins() {
    let Some(tools) = peer::tools() else { return };
    let probe = Plugin::guest("probe");
    let (ours, our_counts, our_ends) = all_called(&tools, probe.executable()).await;
    let (theirs, their_counts, their_ends) = all_called(&tools, &tools.twin).await;
    for (ours, theirs) in ours.iter().zip(&theirs) {
        assert_eq!(ours, theirs);
    }
    assert_eq!((our_counts, our_ends), (their_counts, their_ends));
}

#[gpx_tests::test]
async fn the_spans_of_streams_are_the_twins() {
    let Some(tools) = peer::tools() else { return };
    let calls = [
        ("SubscribeStream", "anything"),
        ("SubscribeStream", "fault"),
        ("PublishStream", "anything"),
        ("PublishStream", "fault"),
        ("RunStream", "frames"),
        ("RunStream", "fail"),
    ];
    let calls = calls.map(|(method, path)| {
        let settings = json!({ "uid": "u", "name": "n", "database": "stream", "jsonData": "e30=" });
        let user = json!({ "name": "Ada", "login": "ada" });
        let context = json!({ "orgId": 1, "pluginId": "gpx-test", "user": user, "dataSourceInstanceSettings": settings });
        (format!("pluginv2.Stream/{method}"), json!({ "pluginContext": context, "path": path }))
    });
    let probe = Plugin::guest("probe");
    let ours = invoked(&tools, probe.executable(), &json!({}), &calls).await;
    let theirs = invoked(&tools, &tools.twin, &json!({}), &calls).await;
    for (((method, request), ours), theirs) in calls.iter().zip(&ours).zip(&theirs) {
        assert_eq!(ours.spans.len(), 2, "{method}");
        assert_alike(&format!("{method} {}", request["path"]), ours, theirs);
    }
}
