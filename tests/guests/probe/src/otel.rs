//! What an SDK of OpenTelemetry does within a component: it makes the spans itself, and tells the host of them.

use gpx_sdk::{Frame, Query, Result, http};
use serde::Deserialize;

use self::bindings::wasi::clocks::wall_clock::Datetime;
use self::bindings::wasi::otel::tracing::{
    SpanContext, SpanData, SpanKind, Status, on_end, on_start, outer_span_context,
};
use self::bindings::wasi::otel::types::{InstrumentationScope, KeyValue};

mod bindings {
    wit_bindgen::generate!({ path: "../../../wit/otel", world: "imports", generate_all });
}

#[derive(Deserialize)]
struct Wanted {
    url: String,
}

/// Two spans, one within the other, with a request in the inner one; and one that is never completed.
pub fn spans(query: &Query) -> Result<Vec<Frame>> {
    let Wanted { url } = query.json()?;
    let outer = outer_span_context();
    let context = |span_id: &str| SpanContext { span_id: span_id.to_owned(), ..outer.clone() };
    let (parent, child) = (context("00000000000000aa"), context("00000000000000bb"));
    on_start(&parent);
    on_start(&child);
    http::get(&url).send()?.text()?;
    on_end(&data(child, &parent.span_id, "child"));
    on_end(&data(parent, &outer.span_id, "parent"));
    // As of another trace.
    let other = SpanContext { trace_id: "2".repeat(32), ..context("00000000000000cc") };
    on_start(&other);
    on_end(&data(other, "", "elsewhere"));
    on_start(&context("00000000000000dd"));
    Ok(Vec::new())
}

fn data(span_context: SpanContext, parent: &str, name: &str) -> SpanData {
    SpanData {
        span_context,
        parent_span_id: parent.to_owned(),
        span_kind: SpanKind::Internal,
        name: name.to_owned(),
        start_time: Datetime { seconds: 1_700_000_000, nanoseconds: 1 },
        end_time: Datetime { seconds: 1_700_000_001, nanoseconds: 0 },
        attributes: vec![KeyValue { key: "rows".to_owned(), value: "[1, 2]".to_owned() }],
        events: Vec::new(),
        links: Vec::new(),
        status: Status::Ok,
        instrumentation_scope: InstrumentationScope {
            name: "library".to_owned(),
            version: None,
            schema_url: None,
            attributes: Vec::new(),
        },
        dropped_attributes: 0,
        dropped_events: 0,
        dropped_links: 0,
    }
}
