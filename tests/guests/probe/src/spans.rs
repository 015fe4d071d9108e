//! Spans of all kinds.

use gpx_sdk::span::{Link, SpanContext, SpanKind, Status};
use gpx_sdk::{Frame, Query, Result, attributes, http, span};
use serde::Deserialize;

/// Returns while two spans are open, one of them detached.
pub fn open() -> Result<Vec<Frame>> {
    std::mem::forget(span!("left open"));
    std::mem::forget(span::builder("left open, detached").detached().start());
    Ok(Vec::new())
}

/// Three levels, of which the middle one ends before the inner one, and then a sibling.
pub fn nested() -> Result<Vec<Frame>> {
    let outer = span!("outer", "level" = 1);
    let middle = span!("middle", "level" = 2);
    let inner = span!("inner", "level" = 3);
    drop(middle);
    drop(inner);
    let sibling = span!("sibling");
    let ids = [
        outer.span_context(),
        sibling.span_context(),
        span::current().unwrap_or_else(|| outer.span_context()),
    ];
    Ok(vec![Frame::new("spans").field("traceparent", ids.map(|id: SpanContext| id.traceparent()))])
}

#[derive(Deserialize)]
struct Wanted {
    /// How many spans to start; each ends before the next one starts.
    #[serde(default)]
    spans: u32,
    /// How many KiB to put into each of them.
    #[serde(default)]
    kilobytes: usize,
    /// How many attributes and events to add to one more span.
    #[serde(default)]
    attributes: u32,
    #[serde(default)]
    events: u32,
    /// The length of the text in one attribute.
    #[serde(default)]
    text: usize,
}

/// Makes as many of everything as the query says: `{"spans", "kilobytes", "attributes", "events", "text"}`.
pub fn many(query: &Query) -> Result<Vec<Frame>> {
    let wanted: Wanted = query.json()?;
    let full = span!("full", "text" = "x".repeat(wanted.text));
    for number in 0..wanted.attributes {
        full.set_attribute(&format!("attribute.{number}"), number);
    }
    for number in 0..wanted.events {
        full.add_event("event", attributes!("number" = number));
    }
    for number in 0..wanted.spans {
        let span = span!("one of many", "number" = number);
        for _ in 0..wanted.kilobytes {
            span.add_event("text", attributes!("text" = "x".repeat(1024)));
        }
    }
    Ok(Vec::new())
}

/// A library that is instrumented with the crate `tracing`, with a request and a span of ours within, and two of its spans that take
/// turns.
pub fn instrumented(query: &Query) -> Result<Vec<Frame>> {
    #[derive(Deserialize)]
    struct Wanted {
        url: String,
    }
    let Wanted { url } = query.json()?;
    gpx_sdk::tracing::install(gpx_sdk::tracing::Level::INFO);
    let get = || http::get(&url).send()?.text();
    tracing::info_span!("library", answer = 42).in_scope(|| {
        let _ours = span!("ours");
        tracing::info!(half = true, "half done");
        get()
    })?;
    let (first, second) = (tracing::info_span!("first"), tracing::info_span!("second"));
    for _ in 0..2 {
        first.in_scope(get)?;
        second.in_scope(get)?;
    }
    get()?;
    Ok(Vec::new())
}

/// Everything that can be set on a span.
pub fn all() -> Result<Vec<Frame>> {
    let first = span!("first", "text" = "a", "flag" = true, "integer" = -1, "float" = 0.5);
    first.set_attribute("texts", ["a", "b"]);
    first.set_attribute("integers", [1_i64, 2]);
    first.set_attribute("text", "replaced");
    first.add_event("happened", []);
    first.add_event("happened again", attributes!("times" = 2));
    first.update_name("renamed");
    let linked = span::builder("second")
        .with_kind(SpanKind::Client)
        .with_links([Link::new(first.span_context(), attributes!("why" = "to have a link"))])
        .with_parent(first.span_context())
        .with_attributes(attributes!("recording" = first.is_recording()))
        .start();
    linked.error("failed on purpose");
    drop(linked);
    let detached = span::builder("detached").detached().start();
    drop(span!("child of the renamed one"));
    detached.set_status(Status::Ok);
    first.set_status(Status::Ok);
    Ok(Vec::new())
}
