//! Answers, statuses and blame next to those of the example's twin on the Go SDK. What differs on purpose is in
//! docs/differences.md, and tested here, too.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use gpx_tests::grafana::{DataSource, query};
use gpx_tests::peer::{self, Tools};
use gpx_tests::plugin::Plugin;
use gpx_tests::proto::pluginv2::PluginContext;
use gpx_tests::upstream::{Answer, Gate, Upstream, points};
use gpx_tests::wire::Wire;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tonic::Code;

/// A data source in protobuf's JSON format.
fn context(url: &str) -> Value {
    let settings = json!({ "uid": "u", "url": url, "jsonData": "e30=" });
    json!({ "orgId": 1, "pluginId": "gpx-httpbackend-datasource", "dataSourceInstanceSettings": settings })
}

/// Returns what two plugins have in common if they answer alike: the parts of a query's answer besides its frames, the
/// status of anything else, and the code of a failure.
fn outline(answer: &Value) -> Value {
    let of_query = |response: &Value| {
        let frames = response["frames"].as_array().map_or(0, Vec::len);
        json!([response["status"], response["error"], response["errorSource"], frames])
    };
    let messages = answer["messages"].as_array().unwrap().iter().map(|message| {
        let responses = message["responses"].as_object().into_iter().flatten();
        let responses: serde_json::Map<_, _> =
            responses.map(|(ref_id, response)| (ref_id.clone(), of_query(response))).collect();
        json!([responses, message["status"], message["code"]])
    });
    json!([messages.collect::<Vec<_>>(), answer["error"]["code"]])
}

/// Checks that both answer the calls alike and, if they should, record them alike. Ours never panics.
async fn compare(calls: &[(&str, Value)], records: bool) {
    let Some(tools) = peer::tools() else { return };
    let launch = Plugin::packaged("http-backend");
    let mut ours = tools.run(launch.executable(), json!({})).await;
    let mut theirs = tools.run(&tools.twin, json!({})).await;
    for (method, request) in calls {
        let call = json!({ "method": format!("pluginv2.{method}"), "request": request });
        let answer = ours.get("invoke", call.clone()).await;
        let twins = theirs.get("invoke", call).await;
        assert_eq!(outline(&answer), outline(&twins), "{method} {request}:\n{answer}\n{twins}");
        let text = answer["error"]["message"].as_str().unwrap_or_default();
        assert!(!text.contains("panic"), "{method} {request}: {text}");
    }
    if records {
        let (our_counts, our_ends) = ours.recorded().await;
        let (their_counts, their_ends) = theirs.recorded().await;
        assert_eq!((our_counts, our_ends), (their_counts, their_ends));
    }
    ours.end().await;
    theirs.end().await;
}

#[gpx_tests::test]
async fn requests_that_nobody_serves_are_recorded_like_the_twins() {
    let context = || json!({ "pluginContext": context("") });
    compare(
        &[
            ("Stream/SubscribeStream", context()),
            ("Stream/RunStream", context()),
            ("Stream/PublishStream", context()),
            ("Data/QueryChunkedData", context()),
            ("AdmissionControl/ValidateAdmission", context()),
            ("ResourceConversion/ConvertObjects", context()),
            (
                "Data/QueryData",
                json!({ "pluginContext": { "orgId": 1 }, "queries": [{ "refId": "A", "timeRange": {} }] }),
            ),
        ],
        true,
    )
    .await;
}

#[gpx_tests::test]
async fn odd_requests_have_the_twins_answers() {
    let upstream = Upstream::points(1).await;
    let one = json!([{ "refId": "A", "timeRange": {} }]);
    let (known, url) = (context(&upstream.url()), upstream.url());
    let same = |count: usize| {
        let queries = vec![json!({ "refId": "A", "timeRange": {} }); count];
        json!({ "pluginContext": context(&url), "queries": queries })
    };
    compare(
        &[
            ("Data/QueryData", json!({ "pluginContext": known, "format": 7, "queries": one })),
            ("Data/QueryData", json!({ "queries": one })),
            ("Data/QueryData", json!({ "pluginContext": known })),
            ("Diagnostics/CheckHealth", json!({})),
            ("Resource/CallResource", json!({ "path": "echo" })),
            // The example refuses every second query.
            ("Data/QueryData", same(2)),
            ("Data/QueryData", same(3)),
            (
                "Data/QueryData",
                json!({
                    "pluginContext": known,
                    "queries": [{ "refId": "A", "maxDataPoints": "-1", "intervalMS": "-9223372036854775808",
                        "timeRange": { "fromEpochMS": "9223372036854775807", "toEpochMS": "-1" } }],
                }),
            ),
        ],
        false,
    )
    .await;
}

/// Returns status, source and text of the query `decode` of each URL.
async fn decoded(tools: &Tools, executable: &Path, urls: &[&str]) -> Vec<(Value, Value, Value)> {
    let mut peer = tools.run(executable, json!({})).await;
    let mut answers = Vec::new();
    for url in urls {
        let query = query("A").kind("decode").json(json!({ "url": url }));
        let context = peer::context(&DataSource::new(url).plugin("gpx-httpbackend-datasource"));
        let asked = json!({ "plugin_context": context, "queries": [peer::query(&query)] });
        let answer = peer.get("query", asked).await["responses"]["A"].take();
        answers.push((answer["status"].clone(), answer["error_source"].clone(), answer["error"].clone()));
    }
    peer.end().await;
    answers
}

/// Returns the URL of a server that sends a head and the beginning of a body, and closes the connection.
async fn half_a_body() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[1,").await;
        }
    });
    url
}

#[gpx_tests::test]
async fn who_is_to_blame_for_a_failed_request_is_as_in_go() {
    let Some(tools) = peer::tools() else { return };
    let refused = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let refused_url = format!("http://{}/", refused.local_addr().unwrap());
    drop(refused);
    let ok = Upstream::always(Answer::json(points(1))).await;
    let garbage = Wire::start().await;
    garbage.answer(vec!["garbage\r\n\r\n".to_owned(); 8]);
    let upstreams = [
        Answer::Reset,
        Answer::text("application/json", "no"),
        Answer::redirect("/again"),
        Answer::redirect("file:///x"),
        Answer::Close,
    ];
    let mut running = Vec::new();
    for answer in upstreams {
        running.push(Upstream::always(answer).await);
    }
    let urls: Vec<String> = running.iter().map(Upstream::url).collect();
    let tls = ok.url().replace("http://", "https://");
    let garbage = format!("http://{}/", garbage.address());
    let cases = [
        ("it answers", ok.url(), 200, ""),
        ("refused", refused_url, 502, "downstream"),
        ("reset", urls[0].clone(), 500, "downstream"),
        ("half a body", half_a_body().await, 500, "plugin"),
        ("not JSON", urls[1].clone(), 500, "plugin"),
        ("redirects without end", urls[2].clone(), 500, "plugin"),
        ("a redirect to a file", urls[3].clone(), 500, "plugin"),
        ("no TLS", tls, 500, "plugin"),
        ("not HTTP", garbage, 500, "plugin"),
        ("closed", urls[4].clone(), 500, "downstream"),
    ];
    let urls: Vec<_> = cases.iter().map(|(_, url, ..)| url.as_str()).collect();
    let probe = Plugin::guest("probe");
    let ours = decoded(&tools, probe.executable(), &urls).await;
    let theirs = decoded(&tools, &tools.twin, &urls).await;
    for (((name, _, status, source), ours), theirs) in cases.iter().zip(&ours).zip(&theirs) {
        assert_eq!((&ours.0, &ours.1), (&json!(status), &json!(source)), "{name}: {}", ours.2);
        let is_told = ours.2.as_str().unwrap().ends_with("ended in the middle of the response");
        assert_eq!(is_told, *name == "half a body", "{name}: {}", ours.2);
        // The SDK's rule for a connection that is closed without an answer does not reach it.
        let go = if *name == "closed" { "plugin" } else { *source };
        assert_eq!((&theirs.0, &theirs.1), (&json!(status), &json!(go)), "{name}: {}", theirs.2);
    }
}

#[gpx_tests::test]
async fn a_query_that_is_cancelled_is_recorded_like_the_twins() {
    let Some(tools) = peer::tools() else { return };
    // The first request is answered, which warms the plugin up, and the second never is.
    let (gate, asked) = (Gate::closed(), Arc::new(AtomicUsize::new(0)));
    let probe = Plugin::guest("probe");
    let mut recordings = Vec::new();
    for executable in [probe.executable(), tools.twin.as_path()] {
        asked.store(0, Ordering::SeqCst);
        let (closed, asked) = (gate.clone(), asked.clone());
        let upstream = Upstream::start(move |_| match asked.fetch_add(1, Ordering::SeqCst) {
            0 => Answer::json(points(1)),
            _ => Answer::json(points(1)).after(&closed),
        })
        .await;
        let mut peer = tools.run(executable, json!({})).await;
        let query = query("A").kind("decode").json(json!({ "url": upstream.url() }));
        let context = peer::context(&DataSource::new(&upstream.url()));
        let call = json!({ "plugin_context": context, "queries": [peer::query(&query)] });
        peer.get("query", call.clone()).await;
        let end = |from: &Value| json!({ "from": from, "wait_for": "Plugin Request Completed", "timeout_ms": 10000 });
        let from = peer.get("logs", end(&json!(0))).await["next"].take();
        let mut cancelled = call;
        cancelled["cancel_after_ms"] = 200.into();
        let error = peer.ask("query", cancelled).await.unwrap_err();
        assert_eq!(error["code"], "Canceled", "{error}");
        peer.get("logs", end(&from)).await;
        peer.wait_for_cancelled().await;
        recordings.push(peer.recorded().await);
        peer.end().await;
    }
    assert_eq!(recordings[0], recordings[1]);
    assert_eq!(recordings[0].1[1], json!(["info", "queryData", "cancelled", "downstream"]));
}

#[gpx_tests::test]
async fn a_resource_that_is_not_found_is_no_failure() {
    let Some(tools) = peer::tools() else { return };
    let launch = Plugin::packaged("http-backend");
    let mut recordings = Vec::new();
    for executable in [launch.executable(), tools.twin.as_path()] {
        let mut peer = tools.run(executable, json!({})).await;
        let context = peer::context(&DataSource::new("http://localhost:9"));
        let call = json!({ "plugin_context": context, "method": "GET", "path": "no-such", "url": "no-such" });
        let chunk = peer.get("resource", call).await["chunks"][0].take();
        assert_eq!(chunk["status"], 404, "{chunk}");
        assert_eq!(chunk["headers"]["Content-Type"].as_array().map(Vec::len), Some(1), "{chunk}");
        recordings.push(peer.recorded().await);
        peer.end().await;
    }
    assert_eq!(recordings[0], recordings[1]);
    assert_eq!(recordings[0].1, [json!(["info", "callResource", "ok", "plugin"])]);
}

/// Returns status, `Allow` and body of each answer. What is no JSON is left out: each has its own text for an error.
async fn routed(tools: &Tools, executable: &Path, calls: &[(&str, &str)]) -> Vec<(Value, Value, Value)> {
    let mut peer = tools.run(executable, json!({})).await;
    let context = peer::context(&DataSource::new("http://localhost:9"));
    let mut answers = Vec::new();
    for (method, url) in calls {
        let path = url.split('?').next().unwrap();
        let call = json!({ "plugin_context": context, "method": method, "path": path, "url": url });
        let answer = peer.get("resource", call).await;
        let chunk = answer["chunks"].get(0).cloned().unwrap_or_default();
        let body = chunk["body"].as_str().and_then(|body| serde_json::from_str::<Value>(body).ok());
        let body = body.filter(|body| body.is_array()).unwrap_or_default();
        answers.push((chunk["status"].clone(), chunk["headers"]["Allow"].clone(), body));
    }
    peer.end().await;
    answers
}

#[gpx_tests::test]
async fn resources_are_routed_as_in_go() {
    let Some(tools) = peer::tools() else { return };
    let probe = Plugin::guest("probe");
    let same = [
        ("GET", "tables"),
        ("HEAD", "tables"),
        ("POST", "tables"),
        ("", "tables"),
        ("PUT", "tables"),
        ("OPTIONS", "tables"),
        ("PATCH", "tables/a"),
        ("GET", "tables/"),
        ("GET", "tables/a"),
        ("GET", "tables/a/"),
        ("GET", "tables/a b"),
        ("GET", "tables/ü;x"),
        ("POST", "tables/new"),
        ("GET", "tables/new"),
        ("DELETE", "tables/a/rows/7"),
        ("GET", "tables/a/rows/7"),
        ("DELETE", "tables/a/rows"),
        ("GET", "files/a/b/c"),
        ("GET", "files/a/b/"),
        ("PURGE", "any/a"),
        ("GET", "any"),
        ("GET", ""),
        ("GET", "nowhere"),
        ("GET", "tables?a=1&b=x+y&a=2&c&%C3%BC=%26"),
        ("GET", "tables?"),
        ("GET", "tables/a?b=c/d?e"),
    ];
    let ours = routed(&tools, probe.executable(), &same).await;
    let theirs = routed(&tools, &tools.twin, &same).await;
    for ((call, ours), theirs) in same.iter().zip(&ours).zip(&theirs) {
        assert_eq!(ours, theirs, "{call:?}");
    }
    let differ = [("GET", "tables/a%20b"), ("GET", "tables/50%"), ("GET", "files//a"), ("GET", "files/")];
    let ours = routed(&tools, probe.executable(), &differ).await;
    let table = |table: &str| (json!(200), Value::Null, json!(["GET", [table, "", ""], {}]));
    let file = (json!(200), Value::Null, json!(["GET", ["", "", "/a"], {}]));
    let missing = (json!(404), Value::Null, Value::Null);
    assert_eq!(ours, [table("a%20b"), table("50%"), file, missing]);
    let theirs = routed(&tools, &tools.twin, &differ).await;
    let statuses: Vec<_> = theirs.iter().map(|(status, ..)| status).collect();
    assert_eq!(statuses, [&json!(200), &Value::Null, &json!(307), &json!(200)]);
    assert_eq!(theirs[0].2[1][0], "a b");
}

#[gpx_tests::test]
async fn a_plugin_can_answer_for_itself() {
    let plugin = Plugin::guest("probe").start().await;
    let nobody = || PluginContext { org_id: 1, ..PluginContext::default() };
    let health = plugin.health(nobody()).await.unwrap();
    assert_eq!(health.message, "all is well");
    let answer = plugin.resource(nobody(), "GET", "empty", "").await.unwrap();
    assert_eq!(answer.status, 200);
    let status = plugin.query(nobody(), [query("A").kind("count")]).await.unwrap_err();
    let text = "the request has no settings of a data source or an app";
    assert_eq!((status.code(), status.message()), (Code::Unknown, text));
}
