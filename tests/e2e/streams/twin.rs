//! Streams next to those of the example's twin on the Go SDK.

use std::path::Path;

use gpx_tests::collector::Collector;
use gpx_tests::peer::{self, Peer, Tools};
use gpx_tests::plugin::Plugin;
use gpx_tests::trace::{Trace, assert_alike};
use serde_json::{Value, json};

use crate::peer::trace_id;

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

/// Returns the trace of each call.
async fn traces(tools: &Tools, executable: &Path, calls: &[(&str, &str, u64)]) -> Vec<Trace> {
    let collector = Collector::start().await;
    let environment = peer::tracing(&collector.address(), "1.2.3");
    let mut peer = tools.run(executable, environment).await;
    for (number, (method, path, cancel_after)) in calls.iter().enumerate() {
        let settings = json!({ "uid": "u", "name": "n", "database": "stream", "jsonData": "e30=" });
        let user = json!({ "name": "Ada", "login": "ada" });
        let context = json!({ "orgId": 1, "pluginId": "gpx-test", "user": user, "dataSourceInstanceSettings": settings });
        let call = json!({
            "method": format!("pluginv2.Stream/{method}"), "request": { "pluginContext": context, "path": path },
            "cancel_after_ms": cancel_after, "traceparent": format!("00-{}-b7ad6b7169203331-01", trace_id(number)),
        });
        peer.get("invoke", call).await;
    }
    // Shutdown flushes.
    peer.get("kill", json!({})).await;
    peer.end().await;
    let mut traces = Vec::new();
    for (number, (method, ..)) in calls.iter().enumerate() {
        let (server, first) = (format!("pluginv2.Stream/{method}"), method[..1].to_lowercase());
        let own = format!("sdk.{first}{}", &method[1..]);
        let mut trace =
            collector.wait_for_trace(&trace_id(number), |trace| trace.has(&[&server, &own])).await;
        // The twin is another plugin, whose attributes of the resource are not those of the tests' component.
        trace.spans.iter_mut().for_each(|span| span.resource.clear());
        traces.push(trace);
    }
    traces
}

#[gpx_tests::test]
async fn the_spans_of_streams_are_the_twins() {
    let Some(tools) = peer::tools() else { return };
    let calls = [
        ("SubscribeStream", "anything", 0),
        ("SubscribeStream", "fault", 0),
        ("PublishStream", "anything", 0),
        ("PublishStream", "fault", 0),
        ("RunStream", "frames", 0),
        ("RunStream", "fail", 0),
    ];
    let probe = Plugin::guest("probe");
    let ours = traces(&tools, probe.executable(), &calls).await;
    let theirs = traces(&tools, &tools.twin, &calls).await;
    for ((call, ours), theirs) in calls.iter().zip(&ours).zip(&theirs) {
        assert_alike(&format!("{call:?}"), ours, theirs);
    }
}
