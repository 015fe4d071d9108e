//! The same calls of the example and of its twin on the Go SDK: the upstream gets the same headers.

use std::collections::BTreeMap;
use std::path::Path;

use gpx_tests::grafana::{DataSource, query};
use gpx_tests::peer::{self, Tools};
use gpx_tests::plugin::Plugin;
use gpx_tests::upstream::Upstream;
use serde_json::{Value, json};

/// What every client has of its own.
const OWN: [&str; 5] = ["accept-encoding", "traceparent", "tracestate", "user-agent", "baggage"];

/// The headers of a call, under the names that Grafana gives them. Grafana removes all cookies but those that are kept.
fn sent() -> Vec<Value> {
    let everything = json!({
        "Authorization": "Bearer of-the-user", "X-ID-Token": "id", "http_X-Grafana-Id": "signed", "Cookie": "kept=1",
        "http_X-Grafana-User": "ada", "http_X-Dashboard-Uid": "d1", "http_X-Panel-Title": "CPU %C3%A4", "X-Other": "no",
        "X-Grafana-HAR-Capture": "no", "FromAlert": "true", "http_X-Rule-Name": "rule", "http_Accept": "text/plain",
        "http_User-Agent": "mine", "http_x-lower": "l", "HTTP_X-Upper": "no",
    });
    let odd = json!({
        "authorization": "Basic raw", "http_Authorization": "Basic raw", "x-id-token": "", "COOKIE": "kept=1",
        "fromalert": "true", "http_FromAlert": "prefixed",
    });
    vec![everything, odd, json!({ "FromAlert": "" }), json!({})]
}

/// Data sources that differ in what they ask for, and in what they send themselves.
fn sources(url: &str) -> Vec<DataSource> {
    let source = |json: Value| DataSource::new(url).plugin("gpx-httpbackend-datasource").json(json);
    let pass = || json!({ "oauthPassThru": true });
    vec![
        source(json!({})),
        source(pass()),
        source(pass()).basic_auth("user", "password"),
        source(json!({ "oauthPassThru": true, "httpHeaderName1": "Authorization", "httpHeaderName2": "X-Dashboard-Uid" }))
            .secret("httpHeaderValue1", "Custom token")
            .secret("httpHeaderValue2", "mine")
            .basic_auth("user", "password"),
        source(json!({ "oauthPassThru": true, "keepCookies": ["kept"] })),
        source(json!({ "oauthPassThru": "true", "keepCookies": [] })),
    ]
}

/// Makes all calls, and returns the headers of each request at the upstream.
async fn headers(tools: &Tools, executable: &Path, upstream: &Upstream) -> Vec<BTreeMap<String, String>> {
    upstream.forget();
    let mut peer = tools.run(executable, json!({})).await;
    for source in sources(&upstream.url()) {
        let context = peer::context(&source);
        for mut headers in sent() {
            if context["data_source"]["json_data"]["keepCookies"].as_array().is_none_or(Vec::is_empty) {
                headers.as_object_mut().unwrap().retain(|name, _| !name.eq_ignore_ascii_case("cookie"));
            }
            let queries = [peer::query(&query("A"))];
            let call = json!({ "plugin_context": context, "headers": headers, "queries": queries });
            peer.get("query", call).await;
            peer.get("health", json!({ "plugin_context": context, "headers": headers })).await;
        }
    }
    peer.end().await;
    seen(upstream)
}

/// Returns the headers of each request at the upstream.
fn seen(upstream: &Upstream) -> Vec<BTreeMap<String, String>> {
    let all = upstream.requests().into_iter().map(|request| {
        request.headers.into_iter().filter(|(name, _)| !OWN.contains(&name.as_str())).collect()
    });
    all.collect()
}

#[gpx_tests::test]
async fn the_upstream_gets_the_headers_that_the_twins_gets() {
    let Some(tools) = peer::tools() else { return };
    let upstream = Upstream::points(1).await;
    let launch = Plugin::packaged("http-backend");
    let ours = headers(&tools, launch.executable(), &upstream).await;
    let theirs = headers(&tools, &tools.twin, &upstream).await;
    assert_eq!(ours.len(), 6 * 4 * 2);
    for (number, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
        assert_eq!(ours, theirs, "request {number}");
    }
    assert_eq!(theirs.len(), ours.len());
}

/// The headers of a resource call, which Grafana passes on under their own names, many of them the browser's.
fn sent_to_a_resource() -> Vec<Value> {
    let everything = json!({
        "Authorization": ["Bearer of-the-user"], "X-Id-Token": ["id"], "X-Grafana-Id": ["signed"],
        "X-Grafana-User": ["ada"], "X-Twice": ["one", "two"], "x-lower": ["l"], "http_X-Prefixed": ["p"],
        "Accept": ["text/plain", "*/*"], "Content-Type": ["application/json"], "X-Panel-Title": ["CPU %C3%A4"],
        "Referer": ["http://grafana.example/d/1"], "X-Forwarded-For": ["192.0.2.1"], "FromAlert": ["true"],
        // What delimits the call's own message.
        "Content-Length": ["3"], "Host": ["grafana.example"], "Transfer-Encoding": ["chunked"],
    });
    let odd =
        json!({ "authorization": ["Basic raw"], "x-id-token": [""], "fromalert": ["true"], "X-None": [] });
    vec![everything, odd, json!({ "FromAlert": ["", "true"] }), json!({ "Cookie": ["kept=1"] }), json!({})]
}

/// Calls a resource that asks the data source's own URL, and returns the headers of each request at the upstream.
async fn of_resources(
    tools: &Tools,
    executable: &Path,
    upstream: &Upstream,
) -> Vec<BTreeMap<String, String>> {
    upstream.forget();
    let mut peer = tools.run(executable, json!({})).await;
    for source in sources(&upstream.url()) {
        let context = peer::context(&source);
        for mut headers in sent_to_a_resource() {
            if context["data_source"]["json_data"]["keepCookies"].as_array().is_none_or(Vec::is_empty) {
                headers.as_object_mut().unwrap().retain(|name, _| name != "Cookie");
            }
            let call = json!({
                "plugin_context": context, "method": "GET", "path": "upstream", "url": "upstream", "headers": headers,
            });
            let answer = peer.get("resource", call).await;
            assert_eq!(answer["chunks"][0]["status"], 200, "{answer}");
        }
    }
    peer.end().await;
    seen(upstream)
}

#[gpx_tests::test]
async fn a_resource_has_the_upstream_get_the_headers_that_the_twins_gets() {
    let Some(tools) = peer::tools() else { return };
    let upstream = Upstream::points(1).await;
    let launch = Plugin::guest("probe");
    let ours = of_resources(&tools, launch.executable(), &upstream).await;
    let theirs = of_resources(&tools, &tools.twin, &upstream).await;
    assert_eq!((ours.len(), theirs.len()), (6 * 5, 6 * 5));
    assert!(ours.iter().any(|headers| headers.get("x-twice").is_some_and(|value| value == "one, two")));
    for (number, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
        assert_eq!(ours, theirs, "request {number}");
    }
}
