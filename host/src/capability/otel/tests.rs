//! What a component can do with `wasi:otel`.

use std::collections::HashMap;

use opentelemetry::Context;
use opentelemetry::trace::{
    SpanBuilder, SpanId, SpanKind as Kind, Status as TraceStatus, TraceContextExt as _,
};
use wasmtime::component::ResourceTable;

use super::bindings::wasi::clocks::wall_clock::Datetime;
use super::bindings::wasi::otel::tracing::{
    Event, Host as _, Link, SpanContext, SpanData, SpanKind, Status, TraceFlags,
};
use super::bindings::wasi::otel::types::{InstrumentationScope, KeyValue};
use crate::budget::MemoryAccount;
use crate::capability::tracer::{CallSpans, TracerView};
use crate::telemetry::test::{Ended, recording};
use crate::telemetry::{MAX_SPANS, Tracer};
use crate::text::Scrub;

struct Instance {
    ended: Ended,
    root: Context,
    spans: CallSpans,
    table: ResourceTable,
    scrub: Scrub,
}

fn instance() -> Instance {
    let (telemetry, ended) = recording();
    let root = telemetry.plugin().start(SpanBuilder::from_name("call"), &Context::new());
    let spans = CallSpans::new(telemetry.plugin(), root.clone());
    Instance { ended, root, spans, table: ResourceTable::new(), scrub: Scrub::new(["hunter2"]) }
}

fn context(span_id: &str) -> SpanContext {
    SpanContext {
        // Of another trace.
        trace_id: "11111111111111111111111111111111".to_owned(),
        span_id: span_id.to_owned(),
        trace_flags: TraceFlags::SAMPLED,
        is_remote: false,
        trace_state: Vec::new(),
    }
}

fn data(span_id: &str, parent: &str) -> SpanData {
    SpanData {
        span_context: context(span_id),
        parent_span_id: parent.to_owned(),
        span_kind: SpanKind::Client,
        name: format!("span {span_id}"),
        start_time: Datetime { seconds: 10, nanoseconds: 5 },
        end_time: Datetime { seconds: 11, nanoseconds: 0 },
        attributes: vec![KeyValue { key: "rows".to_owned(), value: "3".to_owned() }],
        events: vec![Event {
            name: "happened".to_owned(),
            time: Datetime { seconds: 10, nanoseconds: 9 },
            attributes: Vec::new(),
        }],
        links: vec![Link { span_context: context("a"), attributes: Vec::new() }],
        status: Status::Error("hunter2 is wrong".to_owned()),
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

impl Instance {
    fn view(&mut self) -> TracerView<'_> {
        TracerView { spans: &self.spans, scrub: &self.scrub, table: &mut self.table }
    }

    fn start(&mut self, span_id: &str) {
        self.view().on_start(context(span_id)).unwrap();
    }

    fn end(&mut self, span_id: &str, parent: &str) {
        self.view().on_end(data(span_id, parent)).unwrap();
    }

    /// Returns the parents of the spans that have ended, by their names.
    fn parents(&self) -> HashMap<String, SpanId> {
        let spans = self.ended.spans().into_iter();
        spans.map(|span| (span.name.into_owned(), span.parent_span_id)).collect()
    }
}

fn id(number: u64) -> SpanId {
    SpanId::from_bytes(number.to_be_bytes())
}

#[test]
fn a_span_belongs_to_the_calls_trace_and_says_what_the_component_said() {
    let mut instance = instance();
    instance.start("00000000000000a1");
    instance.end("00000000000000a1", "");
    let root = instance.root.span().span_context().clone();
    let spans = instance.ended.spans();
    let [span] = spans.as_slice() else { panic!("{} spans", spans.len()) };
    assert_eq!((span.span_context.trace_id(), span.span_context.span_id()), (root.trace_id(), id(0xa1)));
    assert_eq!((span.parent_span_id, span.span_kind.clone()), (root.span_id(), Kind::Client));
    assert_eq!(span.status, TraceStatus::error("[secret] is wrong"));
    let nanos = |at: std::time::SystemTime| at.duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos();
    assert_eq!((nanos(span.start_time), nanos(span.end_time)), (10_000_000_005, 11_000_000_000));
    assert_eq!(nanos(span.events.events[0].timestamp), 10_000_000_009);
    assert_eq!(span.links.links.len(), 1);
    let attributes: Vec<_> =
        span.attributes.iter().map(|each| format!("{}={}", each.key, each.value)).collect();
    assert_eq!(attributes, ["rows=3", "otel.scope.name=library"]);
}

#[test]
fn spans_nest_by_their_ids_or_by_the_order_of_their_starts() {
    let mut instance = instance();
    for span in ["1", "2", "3"] {
        instance.start(span);
    }
    // A library that ends parents first.
    instance.end("1", "");
    instance.end("3", "1");
    instance.end("2", "no id");
    instance.start("4");
    instance.end("4", "ffffffffffffffff");
    let (parents, root) = (instance.parents(), instance.root.span().span_context().span_id());
    assert_eq!(parents["span 1"], root);
    assert_eq!(parents["span 3"], id(1));
    assert_eq!(parents["span 2"], id(1), "it began in the first");
    assert_eq!(parents["span 4"], root, "of no span of this call");
}

#[test]
fn a_request_is_a_child_of_the_span_that_began_last() {
    let mut instance = instance();
    instance.start("5");
    let parent = instance.spans.parent_of_request(&http::HeaderMap::new()).context;
    assert_eq!(parent.span().span_context().span_id(), id(5));
    instance.end("5", "");
    let parent = instance.spans.parent_of_request(&http::HeaderMap::new()).context;
    assert_eq!(parent.span().span_context(), instance.root.span().span_context());
}

#[test]
fn ids_that_are_taken_invalid_or_unknown_make_no_span() {
    let mut instance = instance();
    let root = instance.root.span().span_context().span_id().to_string();
    for span in ["", "0", "xyz", "00000000000000000a", root.as_str()] {
        instance.start(span);
        instance.end(span, "");
    }
    instance.end("7", "");
    instance.start("8");
    instance.start("8");
    instance.end("8", "");
    instance.end("8", "");
    instance.start("8");
    instance.end("8", "");
    assert_eq!(instance.parents().len(), 1);
    assert_eq!(instance.ended.spans().len(), 1);
}

#[tokio::test]
async fn in_a_stream_a_span_begins_a_trace_that_its_children_and_requests_continue() {
    let (telemetry, ended) = recording();
    let root = telemetry.plugin().start(SpanBuilder::from_name("call"), &Context::new());
    let (account, apart) = (MemoryAccount::new(1 << 30), telemetry.apart(&root));
    let spans = CallSpans::lasting(&account.owner(), telemetry.plugin(), root.clone(), apart);
    let (table, scrub) = (ResourceTable::new(), Scrub::default());
    let mut instance = Instance { ended, root, spans, table, scrub };
    for span in ["1", "2"] {
        instance.start(span);
    }
    let request = instance.spans.parent_of_request(&http::HeaderMap::new()).context;
    for (span, parent) in [("2", "1"), ("1", "")] {
        instance.end(span, parent);
    }
    let spans = instance.ended.spans();
    let [child, first] = spans.as_slice() else { panic!("{} spans", spans.len()) };
    let (request, call) =
        (request.span().span_context().clone(), instance.root.span().span_context().clone());
    assert_eq!(request, child.span_context);
    assert_eq!(first.span_context.trace_id(), child.span_context.trace_id());
    assert_ne!(first.span_context.trace_id(), call.trace_id());
    assert_eq!((first.parent_span_id, child.parent_span_id), (SpanId::INVALID, id(1)));
    assert_eq!(first.links.links[0].span_context, call);
}

#[test]
fn what_is_not_completed_ends_with_the_call() {
    let mut instance = instance();
    instance.start("9");
    instance.spans.end_of_call().stopped("the plugin panicked");
    let spans = instance.ended.spans();
    let [span] = spans.as_slice() else { panic!("{} spans", spans.len()) };
    assert_eq!((span.name.as_ref(), span.span_context.span_id()), ("(unfinished)", id(9)));
    assert_eq!(span.status, TraceStatus::error("the plugin panicked"));
}

#[test]
fn a_flood_is_bounded() {
    let mut instance = instance();
    for number in 1..3 * MAX_SPANS {
        let span = format!("{number:x}");
        instance.start(&span);
        let attributes = vec![KeyValue { key: "k".repeat(5000), value: "v".repeat(100_000) }; 200];
        let list = if number % 100 == 1 { attributes } else { Vec::new() };
        instance.view().on_end(SpanData { attributes: list, ..data(&span, "") }).unwrap();
    }
    assert!(instance.ended.spans().len() <= MAX_SPANS && instance.ended.weight() <= 2 << 20);
}

#[test]
fn without_tracing_nothing_is_kept() {
    let spans = CallSpans::new(Tracer::Off, Context::new());
    let (mut table, scrub) = (ResourceTable::new(), Scrub::default());
    let mut view = TracerView { spans: &spans, scrub: &scrub, table: &mut table };
    view.on_start(context("1")).unwrap();
    view.on_end(data("1", "")).unwrap();
    let outer = view.outer_span_context().unwrap();
    assert_eq!((outer.span_id.as_str(), outer.trace_flags), ("0000000000000000", TraceFlags::empty()));
}
