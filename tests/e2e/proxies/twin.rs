//! The same calls of the example and of its twin on the Go SDK: proxies are asked the same.

use std::path::Path;

use gpx_tests::grafana::{DataSource, query};
use gpx_tests::peer::{self, Tools};
use gpx_tests::plugin::Plugin;
use gpx_tests::proxy::Proxy;
use gpx_tests::upstream::Upstream;
use serde_json::{Value, json};

use super::secure;

/// What Go and the host say of themselves.
const OWN: [&str; 5] = ["user-agent", "traceparent", "tracestate", "accept-encoding", "content-length"];

/// Returns the first line of a request, and its headers in alphabetical order.
fn outline(head: &str) -> Vec<String> {
    let mut lines = head.split("\r\n").filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default().to_owned();
    let mut headers: Vec<_> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value))
        .filter(|(name, _)| !OWN.contains(&name.as_str()))
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    headers.sort_unstable();
    headers.insert(0, first);
    headers
}

/// Queries the data source, and returns what the answer is: its status, or how the query failed.
async fn ask(tools: &Tools, executable: &Path, environment: Value, source: &DataSource) -> Value {
    let mut peer = tools.run(executable, environment).await;
    let call = json!({ "plugin_context": peer::context(source), "queries": [peer::query(&query("A"))] });
    let mut answer = peer.get("query", call).await;
    peer.end().await;
    let answer = answer["responses"]["A"].take();
    json!([answer["status"], answer["frames"].as_array().map_or(0, Vec::len)])
}

fn source(url: &str) -> DataSource {
    DataSource::new(url).plugin("gpx-httpbackend-datasource")
}

#[gpx_tests::test]
async fn an_http_proxy_is_asked_what_the_twin_asks() {
    let Some(tools) = peer::tools() else { return };
    let upstream = Upstream::points(1).await;
    let launch = Plugin::packaged("http-backend");
    for (url, credentials) in [
        ("http://upstream.example:8080/a%20b?c=d", "ada:geh%40im@"),
        ("http://upstream.example", "token@"),
        ("http://192.0.2.1/", ""),
        ("http://[2001:db8::1]:81/", ""),
        ("https://upstream.example/", "ada:geh%40im@"),
        ("https://[2001:db8::1]/", ""),
    ] {
        let mut asked = Vec::new();
        for executable in [launch.executable(), &tools.twin] {
            let proxy = Proxy::http(upstream.address()).await;
            let value = format!("http://{credentials}{}", proxy.address());
            let environment = json!({ "HTTP_PROXY": value, "HTTPS_PROXY": value });
            let answer = ask(&tools, executable, environment, &source(url)).await;
            asked.push((answer, proxy.asked().iter().map(|head| outline(head)).collect::<Vec<_>>()));
        }
        assert!(!asked[0].1.is_empty(), "{url}");
        assert_eq!(asked[0], asked[1], "{url}");
    }
}

#[gpx_tests::test]
async fn socks_proxies_are_asked_what_the_twin_asks() {
    let Some(tools) = peer::tools() else { return };
    let upstream = Upstream::points(1).await;
    let launch = Plugin::packaged("http-backend");
    let on = || json!({ "enableSecureSocksProxy": true });
    let named = json!({ "enableSecureSocksProxy": true, "secureSocksProxyUsername": "team" });
    for (source, of_environment) in [
        (source("http://upstream.example:8080/"), true),
        (source("http://192.0.2.1/"), true),
        (source("http://[2001:db8::1]/"), true),
        (source("http://upstream.example:8080/").json(on()), false),
        (source("http://127.0.0.1:81/").json(on()).secret("secureSocksProxyPassword", "geheim"), false),
        (source("http://upstream.example/").json(named).secret("secureSocksProxyPassword", ""), false),
    ] {
        let mut asked = Vec::new();
        for executable in [launch.executable(), &tools.twin] {
            let proxy = Proxy::socks(upstream.address()).await;
            let (environment, source) = if of_environment {
                (
                    json!({ "HTTP_PROXY": format!("socks5://ada:geh%40im@{}", proxy.address()) }),
                    source.clone(),
                )
            } else {
                (json!({}), secure(source.clone(), &proxy))
            };
            let answer = ask(&tools, executable, environment, &source).await;
            asked.push((answer, proxy.asked()));
        }
        assert!(!asked[0].1.is_empty(), "{}", source.settings.url);
        assert_eq!(asked[0], asked[1], "{}", source.settings.url);
    }
}

#[gpx_tests::test]
async fn a_proxy_that_lets_nothing_through_fails_the_query_as_the_twins() {
    let Some(tools) = peer::tools() else { return };
    let launch = Plugin::packaged("http-backend");
    let url = "https://upstream.example/";
    for says in [
        &b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"[..],
        b"HTTP/1.1 403 Forbidden\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\n\r\n",
        b"",
    ] {
        let mut answers = Vec::new();
        for executable in [launch.executable(), &tools.twin] {
            let proxy = Proxy::saying(says).await;
            let environment = json!({ "HTTPS_PROXY": proxy.address().to_string() });
            answers.push(ask(&tools, executable, environment, &source(url)).await);
        }
        assert_eq!(answers[0], answers[1], "{}", String::from_utf8_lossy(says));
    }
}
