//! The capture of a call's exchanges with its upstreams (HAR), alone and next to that of the twin on the Go SDK.

use std::path::Path;

use gpx_tests::grafana::{DataSource, Reply, query};
use gpx_tests::peer::{self, Tools};
use gpx_tests::plugin::Plugin;
use gpx_tests::upstream::{Answer, Request, Upstream};
use serde_json::{Value, json};

const HEADER: &str = "X-Grafana-HAR-Capture";
const SECRET: &str = "hunter2-and-more";

/// Headers that are the HTTP client's own, or that its server adds.
const OF_THE_CLIENT: [&str; 6] = ["user-agent", "accept-encoding", "host", "referer", "date", "connection"];

fn answer(request: &Request) -> Answer {
    match request.path.as_str() {
        "/start" => return Answer::redirect("/end?token=t&q=a+b&q=c"),
        "/broken" => return Answer::Reset,
        _ => {}
    }
    let headers =
        [("content-type", "application/json"), ("set-cookie", "session=s; Path=/"), ("x-echo", SECRET)];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let body = json!({ "said": SECRET, "sent": String::from_utf8_lossy(&request.body) }).to_string();
    Answer::Full { status: 200, headers, body: body.into() }
}

fn source(url: &str) -> DataSource {
    let source = DataSource::new(url).basic_auth("ada", "pass-and-more").secret("httpHeaderValue1", SECRET);
    source.json(json!({ "httpHeaderName1": "X-Custom" }))
}

/// Returns the HAR document among the answers, in JSON.
fn document(frame: &Value) -> Value {
    let har = &frame["custom"]["har"];
    serde_json::from_str(har.as_str().unwrap_or_else(|| panic!("no HAR in {frame}"))).unwrap()
}

fn captured(reply: &Reply, source: &DataSource) -> Value {
    let frame = reply.frame(&format!("__har__{}", source.settings.uid));
    document(frame.meta.as_ref().expect("a frame's meta"))
}

/// Returns the capture of two queries of a plugin, of which the second gets no answer.
async fn of_queries(
    tools: &Tools,
    executable: &Path,
    source: &DataSource,
    urls: [&str; 2],
    format: &str,
) -> (Value, Value) {
    let mut peer = tools.run(executable, json!({})).await;
    let queries = [("A", urls[0]), ("B", urls[1])]
        .map(|(ref_id, url)| peer::query(&query(ref_id).kind("decode").json(json!({ "url": url }))));
    let call = json!({
        "plugin_context": peer::context(source), "queries": queries, "format": format,
        "headers": { HEADER: "true" },
    });
    let mut answer = peer.get("query", call).await;
    peer.end().await;
    let mut responses = answer["responses"].take();
    let mut response = responses[format!("__har__{}", source.settings.uid)].take();
    let outline = json!([
        response["status"],
        response["error"],
        response["frames"][0]["name"],
        response["frames"][0]["ref_id"],
        response["frames"][0]["fields"],
        responses["A"]["status"],
        responses["B"]["status"]
    ]);
    (outline, document(&response["frames"][0]["meta"].take()))
}

/// Leaves out what differs between two runs, and what is each client's own.
fn alike(mut har: Value) -> Value {
    let pairs = |value: &mut Value| {
        let mut pairs: Vec<_> = value
            .as_array()
            .into_iter()
            .flatten()
            .map(|pair| {
                (
                    pair["name"].as_str().unwrap().to_ascii_lowercase(),
                    pair["value"].as_str().unwrap().to_owned(),
                )
            })
            .filter(|(name, _)| !OF_THE_CLIENT.contains(&name.as_str()))
            .map(|(name, value)| match name.as_str() {
                "location" => (name, value.split('?').next().unwrap().to_owned()),
                _ => (name, value),
            })
            .collect();
        pairs.sort_unstable();
        *value = json!(pairs);
    };
    for entry in har["log"]["entries"].as_array_mut().unwrap() {
        assert!(entry["startedDateTime"].as_str().unwrap().ends_with('Z'), "{entry}");
        assert_eq!(entry["time"], entry["timings"]["wait"]);
        (entry["startedDateTime"], entry["time"], entry["timings"]["wait"]) = Default::default();
        // After a redirect, Go does not know the version.
        assert!(["", "HTTP/1.1"].contains(&entry["request"]["httpVersion"].as_str().unwrap()), "{entry}");
        entry["request"]["httpVersion"] = Value::Null;
        // Go shows the values of their queries.
        for (of, key) in [("request", "url"), ("response", "redirectURL")] {
            entry[of][key] = entry[of][key].as_str().unwrap().split('?').next().into();
        }
        for of in ["request", "response"] {
            pairs(&mut entry[of]["headers"]);
            pairs(&mut entry[of]["cookies"]);
        }
        pairs(&mut entry["request"]["queryString"]);
        if let Some(comment) = entry.get_mut("comment") {
            assert!(comment.as_str().unwrap().starts_with("transport error: "), "{comment}");
            *comment = "transport error".into();
        }
    }
    har
}

#[gpx_tests::test]
async fn a_capture_is_that_of_the_twin() {
    let Some(tools) = peer::tools() else { return };
    let upstream = Upstream::start(answer).await;
    let [start, broken] = ["start", "broken"].map(|path| format!("{}/{path}", upstream.url()));
    let probe = Plugin::guest("probe");
    // One after the other, as in Go.
    let source = source(&upstream.url()).grafana("GF_CONCURRENT_QUERY_COUNT", "1");
    for format in ["json", "arrow"] {
        let urls = [start.as_str(), broken.as_str()];
        let (our_outline, ours) = of_queries(&tools, probe.executable(), &source, urls, format).await;
        let (their_outline, theirs) = of_queries(&tools, &tools.twin, &source, urls, format).await;
        assert_eq!(our_outline, their_outline);
        assert_eq!(ours["log"]["entries"].as_array().unwrap().len(), 3, "{ours}");
        assert!(!ours.to_string().contains("hunter"), "{ours}");
        let redirect = &ours["log"]["entries"][0]["response"];
        assert_eq!(redirect["redirectURL"], "/end?token=REDACTED&q=a+b&q=c");
        assert!(!ours.to_string().contains("token=t"), "{ours}");
        assert!(theirs.to_string().contains(SECRET), "the twin does not hide it: {theirs}");
        let theirs: Value = serde_json::from_str(&theirs.to_string().replace(SECRET, "[secret]")).unwrap();
        assert_eq!(alike(ours), alike(theirs));
    }
}

#[gpx_tests::test]
async fn a_capture_has_what_was_sent_and_received_without_secrets() {
    let upstream = Upstream::start(answer).await;
    let plugin = Plugin::guest("probe").start().await;
    let source = source(&upstream.url());
    let fetch = json!({ "url": format!("{}/x?api_key=k", upstream.url()), "method": "POST", "body": format!("I say {SECRET}") });
    let call = || plugin.query(&source, [query("A").kind("fetch-json").json(fetch.clone())]);
    let wanted = |value: &str| call().header(HEADER, value);
    let plain = call().await.unwrap();
    let unwanted = wanted("1").await.unwrap();
    let reply = wanted("true").await.unwrap();
    assert_eq!((plain.responses.len(), unwanted.responses.len(), reply.responses.len()), (1, 1, 2));
    assert_eq!(plain.frame("A").field("json").values, reply.frame("A").field("json").values);
    let har = captured(&reply, &source);
    let entry = &har["log"]["entries"][0];
    assert_eq!(entry["request"]["postData"]["text"], "I say [secret]");
    assert!(entry["request"]["url"].as_str().unwrap().ends_with("/x?api_key=REDACTED"), "{entry}");
    assert_eq!(entry["response"]["content"]["text"], r#"{"said":"[secret]","sent":"I say [secret]"}"#);
    let text = har.to_string();
    assert!(!text.contains("hunter2") && !text.contains("pass-and-more"), "{text}");
    assert!(text.contains(r#"{"name":"authorization","value":"REDACTED"}"#), "{text}");
}

#[gpx_tests::test]
async fn a_capture_reads_no_more_than_the_component() {
    let upstream = Upstream::always(Answer::Endless("no JSON ".repeat(100).into())).await;
    let plugin = Plugin::guest("probe").start().await;
    let source = DataSource::new(&upstream.url());
    let fetch = query("A").kind("fetch-json").json(json!({ "url": upstream.url() }));
    let call = plugin.query(&source, [fetch]);
    let reply = call.header(HEADER, "true").await.unwrap();
    assert_eq!(reply.answer("A").status, 500);
    let har = captured(&reply, &source);
    let response = &har["log"]["entries"][0]["response"];
    assert_eq!((&response["status"], &response["bodySize"]), (&json!(200), &json!(-1)));
    let text = response["content"]["text"].as_str().unwrap();
    assert!(text.starts_with("no JSON no JSON ") && text.len() < 1 << 20, "{} bytes", text.len());
}

#[gpx_tests::test]
async fn a_query_that_has_the_captures_ref_id_keeps_its_answer() {
    let upstream = Upstream::start(answer).await;
    let plugin = Plugin::guest("probe").start().await;
    let source = DataSource::new(&upstream.url());
    let ref_id = format!("__har__{}", source.settings.uid);
    let fetch = query(&ref_id).kind("fetch-json").json(json!({ "url": upstream.url() }));
    let call = plugin.query(&source, [fetch]);
    let reply = call.header(HEADER, "true").await.unwrap();
    assert_eq!(reply.frame(&ref_id).name, "json");
    let line = plugin.logs.wait_for_message("The HAR capture of the call is missing").await;
    assert_eq!(line.text("error"), "a query has its refId");
}
