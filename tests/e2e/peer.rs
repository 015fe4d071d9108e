//! Tests against the code that Grafana itself runs, go-plugin's client and the Go SDK, and comparisons with the same
//! example written on the Go SDK.

use std::path::Path;

use gpx_tests::artifacts;
use gpx_tests::collector::Collector;
use gpx_tests::grafana::{DataSource, Query, query};
use gpx_tests::peer::{self, Tools};
use gpx_tests::plugin::Plugin;
use gpx_tests::trace::{Trace, assert_alike};
use gpx_tests::upstream::{Answer, Upstream, points};
use serde_json::{Value, json};

/// Returns the environment that Grafana passes to a plugin whose spans go to `collector`.
fn environment(collector: &Collector) -> Value {
    let description = std::fs::read(artifacts::packaged("http-backend").join("plugin.json")).unwrap();
    let description: Value = serde_json::from_slice(&description).unwrap();
    peer::tracing(&collector.address(), description["info"]["version"].as_str().unwrap())
}

#[gpx_tests::test]
async fn go_plugin_starts_calls_and_stops_it() {
    let Some(tools) = peer::tools() else { return };
    let upstream = Upstream::points(3).await;
    let launch = Plugin::packaged("http-backend");
    let mut peer = tools.run(launch.executable(), json!({})).await;
    peer.get("ping", json!({})).await;

    let context = peer::context(&DataSource::new(&upstream.url()));
    let queries = [query("A"), query("B")].each_ref().map(peer::query);
    for format in ["arrow", "json"] {
        let asked = json!({ "plugin_context": context, "queries": queries, "format": format });
        let answer = peer.get("query", asked).await;
        let (a, b) = (&answer["responses"]["A"], &answer["responses"]["B"]);
        let frame = &a["frames"][0];
        assert_eq!((&frame["name"], &frame["ref_id"]), (&json!("response"), &json!("A")), "{answer}");
        let [time, values] = [0, 1].map(|number| &frame["fields"][number]);
        assert_eq!((&time["type"], &time["nullable"]), (&json!("time.Time"), &json!(false)));
        assert_eq!(time["values"][1], "2026-01-01T00:00:01Z");
        assert_eq!((&values["type"], &values["values"]), (&json!("float64"), &json!([0, 1, 2])));
        assert_eq!((&b["status"], &b["error_source"]), (&json!(400), &json!("plugin")));
    }
    let health = peer.get("health", json!({ "plugin_context": context })).await;
    assert_eq!((&health["status"], &health["message"]), (&json!("OK"), &json!("Data source is working")));
    let echo =
        json!({ "plugin_context": context, "method": "POST", "path": "echo", "url": "echo", "body": "hi" });
    let answer = peer.get("resource", echo).await;
    assert_eq!((&answer["chunks"][0]["status"], &answer["chunks"][0]["body"]), (&json!(200), &json!("hi")));
    let metrics = peer.get("metrics", json!({})).await;
    assert!(metrics["prometheus"].as_str().unwrap().contains("grafana_plugin_request_total"));

    let logs = json!({ "wait_for": "Processing query", "timeout_ms": 5000 });
    let lines = peer.get("logs", logs).await;
    let line = lines["lines"].as_array().unwrap().iter().find(|line| line["message"] == "Processing query");
    assert_eq!(line.unwrap()["level"], "debug", "go-plugin parsed the line");

    let exit = peer.get("kill", json!({})).await;
    assert_eq!((&exit["exit_code"], &exit["socket_gone"]), (&json!(0), &json!(true)), "{exit}");
    peer.end().await;
}

#[gpx_tests::test]
async fn the_sdk_decodes_every_field_type_alike_in_both_formats() {
    let Some(tools) = peer::tools() else { return };
    let launch = Plugin::guest("probe");
    let mut peer = tools.run(launch.executable(), json!({})).await;
    let asked = |format: &str| {
        json!({
            "plugin_context": peer::context(&DataSource::new("")),
            "queries": [peer::query(&query("A").kind("all-types"))], "format": format,
        })
    };
    let arrow = peer.get("query", asked("arrow")).await;
    let json = peer.get("query", asked("json")).await;
    assert_eq!(arrow["responses"]["A"]["error"], "");
    let fields = |frame: usize| arrow["responses"]["A"]["frames"][frame]["fields"].as_array().map(Vec::len);
    assert_eq!([fields(0), fields(1)], [Some(30), Some(30)], "{arrow}");
    assert_eq!(arrow["responses"]["A"]["frames"], json["responses"]["A"]["frames"]);
    peer.end().await;
}

#[gpx_tests::test]
async fn the_protocol_is_the_same_as_the_twins() {
    let Some(tools) = peer::tools() else { return };
    let launch = Plugin::packaged("http-backend");
    let (mut services, mut schemas) = (Vec::new(), Vec::new());
    for executable in [launch.executable(), tools.twin.as_path()] {
        let mut peer = tools.run(executable, json!({})).await;
        let mut answer = peer.get("reflect", json!({ "packages": ["pluginv2", "plugin"] })).await;
        services.push(answer["services"].take());
        schemas.push(answer["schemas"].take());
        peer.end().await;
    }
    let packages: Vec<_> = schemas[0].as_array().unwrap().iter().map(|schema| &schema["package"]).collect();
    assert_eq!(packages, ["pluginv2", "plugin"]);
    assert_eq!(schemas[0], schemas[1]);
    assert_eq!(services[0], services[1]);
}

/// Makes the calls one after the other in one process, and returns the trace of each.
async fn traces(tools: &Tools, executable: &Path, source: &DataSource, calls: &[Vec<Query>]) -> Vec<Trace> {
    let collector = Collector::start().await;
    let mut peer = tools.run(executable, environment(&collector)).await;
    for (number, queries) in calls.iter().enumerate() {
        let asked = json!({
            "plugin_context": peer::context(source), "format": "json",
            "queries": queries.iter().map(peer::query).collect::<Vec<_>>(),
            "traceparent": format!("00-{}-b7ad6b7169203331-01", trace_id(number)),
        });
        peer.get("query", asked).await;
    }
    // Shutdown flushes.
    peer.get("kill", json!({})).await;
    peer.end().await;
    let mut traces = Vec::new();
    for number in 0..calls.len() {
        let whole = |trace: &Trace| trace.has(&["pluginv2.Data/QueryData", "sdk.queryData"]);
        traces.push(collector.wait_for_trace(&trace_id(number), whole).await);
    }
    traces
}

/// Makes these calls, methods with requests in protobuf's JSON format, one after the other in one process that has these
/// variables. Returns the trace of each, without the attributes of its resource: those of the tests' component are others than
/// the twin's.
pub(crate) async fn invoked(
    tools: &Tools,
    executable: &Path,
    variables: &Value,
    calls: &[(String, Value)],
) -> Vec<Trace> {
    let collector = Collector::start().await;
    let mut environment = peer::tracing(&collector.address(), "1.2.3");
    for (name, value) in variables.as_object().unwrap() {
        environment[name] = value.clone();
    }
    let mut peer = tools.run(executable, environment).await;
    for (number, (method, request)) in calls.iter().enumerate() {
        let traceparent = format!("00-{}-b7ad6b7169203331-01", trace_id(number));
        peer.get("invoke", json!({ "method": method, "request": request, "traceparent": traceparent })).await;
    }
    // Shutdown flushes.
    peer.get("kill", json!({})).await;
    peer.end().await;
    let mut traces = Vec::new();
    for (number, (method, _)) in calls.iter().enumerate() {
        let mut trace = collector.wait_for_trace(&trace_id(number), |trace| trace.has(&[method])).await;
        trace.spans.iter_mut().for_each(|span| span.resource.clear());
        traces.push(trace);
    }
    traces
}

/// Returns the id of the trace of one of several calls.
pub(crate) fn trace_id(number: usize) -> String {
    format!("0af7651916cd43dd8448eb211c8031{number:02x}")
}

async fn compare(tools: &Tools, url: &str, calls: &[Vec<Query>]) {
    let launch = Plugin::packaged("http-backend");
    let mut source = DataSource::new(url);
    source.plugin = "gpx-httpbackend-datasource".to_owned();
    let ours = traces(tools, launch.executable(), &source, calls).await;
    let theirs = traces(tools, &tools.twin, &source, calls).await;
    for (number, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
        assert_alike(&format!("call {number}"), ours, theirs);
    }
}

#[gpx_tests::test]
async fn the_span_tree_is_the_same_as_the_twins_on_a_new_and_on_a_warm_connection() {
    let Some(tools) = peer::tools() else { return };
    let upstream = Upstream::points(3).await;
    let one = vec![query("A").json(json!({ "multiplier": 2 }))];
    compare(&tools, &upstream.url(), &[one.clone(), one]).await;
}

#[gpx_tests::test]
async fn the_span_tree_is_the_same_as_the_twins_if_a_query_fails() {
    let Some(tools) = peer::tools() else { return };
    let refused = Upstream::always(Answer::status(500)).await;
    compare(&tools, &refused.url(), &[vec![query("A")]]).await;
    let broken = Upstream::always(Answer::text("application/json", "{")).await;
    compare(&tools, &broken.url(), &[vec![query("A")]]).await;
    let ok = Upstream::always(Answer::json(points(1))).await;
    compare(&tools, &ok.url(), &[vec![query("A").raw("{")]]).await;
}

#[gpx_tests::test]
async fn the_span_tree_is_the_same_as_the_twins_for_several_queries() {
    let Some(tools) = peer::tools() else { return };
    let upstream = Upstream::points(3).await;
    let calls = [vec![query("A"), query("B"), query("C")]];
    let launch = Plugin::packaged("http-backend");
    let source = DataSource::new(&upstream.url());
    let mut ours = traces(&tools, launch.executable(), &source, &calls).await;
    let mut theirs = traces(&tools, &tools.twin, &source, &calls).await;
    // Which of the requests opens a connection depends on their order, because the host sends them concurrently.
    for span in ours.iter_mut().chain(&mut theirs).flat_map(|trace| &mut trace.spans) {
        span.events.retain(|event| !event.name.starts_with("http."));
    }
    assert_alike("several queries", &ours[0], &theirs[0]);
}
