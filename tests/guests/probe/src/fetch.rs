//! Outgoing requests. The query's JSON: `{"url", "segments", "method", "headers": {name: value}, "body",
//! "timeout_ms", "span_name", "span_attributes": {key: value}, "without_span", "count"}`.

use std::collections::BTreeMap;
use std::time::Duration;

use gpx_sdk::http::{self, Method};
use gpx_sdk::{Fault, Frame, Query, Result, span};
use serde::Deserialize;

use crate::report::Pairs;

#[derive(Deserialize)]
struct Wanted {
    url: String,
    #[serde(default)]
    segments: Vec<String>,
    #[serde(default = "get")]
    method: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    body: String,
    timeout_ms: Option<u64>,
    /// Of the request's span.
    span_name: Option<String>,
    #[serde(default)]
    span_attributes: BTreeMap<String, String>,
    #[serde(default)]
    without_span: bool,
    #[serde(default = "two")]
    count: usize,
}

fn get() -> String {
    "GET".to_owned()
}

fn two() -> usize {
    2
}

impl Wanted {
    fn request(&self) -> Result<http::Request> {
        let method: Method = self.method.parse().map_err(Fault::bad_request)?;
        let mut request = http::request(method, &self.url).body(self.body.as_str());
        if !self.segments.is_empty() {
            request = request.path(&self.segments);
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if let Some(name) = &self.span_name {
            request = request.span_name(name);
        }
        for (key, value) in &self.span_attributes {
            request = request.span_attribute(key, value.as_str());
        }
        if self.without_span {
            request = request.without_span();
        }
        Ok(match self.timeout_ms {
            Some(millis) => request.timeout(Duration::from_millis(millis)),
            None => request,
        })
    }
}

/// Sends the request and returns status, headers, body and the URL after all redirects.
pub fn fetch(query: &Query) -> Result<Vec<Frame>> {
    let wanted: Wanted = query.json()?;
    Ok(vec![answer(wanted.request()?.send()?)?])
}

/// Reads JSON from the upstream, as authors do.
pub fn fetch_json(query: &Query) -> Result<Vec<Frame>> {
    let wanted: Wanted = query.json()?;
    let value: serde_json::Value = wanted.request()?.send()?.json()?;
    Ok(vec![Frame::new("json").field("json", [value.to_string()])])
}

/// The same, whatever the status.
pub fn fetch_json_of_any_status(query: &Query) -> Result<Vec<Frame>> {
    let wanted: Wanted = query.json()?;
    let value: serde_json::Value = wanted.request()?.send()?.json_of_any_status()?;
    Ok(vec![Frame::new("json").field("json", [value.to_string()])])
}

/// Returns what the upstream says about its health.
pub fn health(url: &str) -> Result<String> {
    Ok(http::get(format!("{url}/health")).send()?.text()?)
}

/// Sends the request `count` times before it waits for the first response.
pub fn fetch_many(query: &Query) -> Result<Vec<Frame>> {
    let wanted: Wanted = query.json()?;
    let mut pending = Vec::new();
    for _ in 0..wanted.count {
        pending.push(wanted.request()?.start()?);
    }
    pending.into_iter().map(|pending| answer(pending.wait()?)).collect()
}

/// Waits for an upstream with a span open. The test decides how long that takes.
pub fn sleep_on_upstream(query: &Query) -> Result<Vec<Frame>> {
    let span = span!("waiting for the upstream");
    let wanted: Wanted = query.json()?;
    let text = wanted.request()?.send()?.text()?;
    span.add_event("answered", []);
    Ok(vec![Frame::new("slept").field("body", [text])])
}

/// Sends two requests with two spans open. The first has a `traceparent` that names the outer span, and must become its
/// child. The second has a `traceparent` that does not name one of our spans, and must become a child of the inner
/// span.
pub fn own_traceparent(query: &Query) -> Result<Vec<Frame>> {
    let wanted: Wanted = query.json()?;
    let outer = span!("outer");
    let _inner = span!("inner");
    let ours = wanted.request()?.header("traceparent", outer.span_context().traceparent()).send()?;
    let foreign = "00-11111111111111111111111111111111-2222222222222222-01";
    let forged = wanted.request()?.header("traceparent", foreign).send()?;
    Ok(vec![answer(ours)?, answer(forged)?])
}

/// Sends requests with descriptions, with two spans open: one that names the outer span as its parent; one with a description that
/// has been used already; and one after more descriptions than a call may have.
pub fn described(query: &Query) -> Result<Vec<Frame>> {
    let wanted: Wanted = query.json()?;
    let outer = span!("outer");
    let _inner = span!("inner");
    let request = wanted.request()?.header("traceparent", outer.span_context().traceparent());
    let first = request.span_name("first").start()?.wait()?;
    let used = span::describe_request(&span::RequestOptions { name: Some("second".to_owned()), ..usual() });
    let second = wanted.request()?.header("traceparent", used.traceparent()).send()?;
    let again = wanted.request()?.header("traceparent", used.traceparent()).send()?;
    for _ in 0..2000 {
        span::describe_request(&span::RequestOptions { name: Some("never sent".to_owned()), ..usual() });
    }
    let beyond = wanted.request()?.span_name("one too many").send()?;
    Ok(vec![answer(first)?, answer(second)?, answer(again)?, answer(beyond)?])
}

fn usual() -> span::RequestOptions {
    span::RequestOptions { name: None, attributes: Vec::new(), parent: None, resend_count: 0, hidden: false }
}

fn answer(response: http::Response) -> Result<Frame> {
    let mut pairs = Pairs::default();
    pairs.add("status", response.status().as_u16());
    pairs.add("url", response.url());
    for (name, value) in response.headers() {
        pairs.add(&format!("header.{name}"), String::from_utf8_lossy(value.as_bytes()));
    }
    pairs.add("body", response.text()?);
    Ok(pairs.frame("answer"))
}
