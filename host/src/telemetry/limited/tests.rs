use opentelemetry::trace::{SpanBuilder, SpanId, TraceFlags, TraceId, TraceState};
use opentelemetry::{Array, Value};

use super::*;
use crate::telemetry::test::{Ended, recording};
use crate::telemetry::{CALL_BYTES, MAX_SPANS, Tracer};

/// The spans of one call.
struct Call {
    tracer: Tracer,
    ended: Ended,
    allowance: Arc<SpanAllowance>,
}

fn call() -> Call {
    let (telemetry, ended) = recording();
    Call { tracer: telemetry.plugin(), ended, allowance: SpanAllowance::of_call(None) }
}

fn text(length: usize) -> String {
    "x".repeat(length)
}

fn attribute(length: usize) -> KeyValue {
    KeyValue::new("key", text(length))
}

fn linked(state: &str) -> SpanContext {
    let state: TraceState = state.parse().unwrap();
    SpanContext::new(TraceId::from(1), SpanId::from(1), TraceFlags::SAMPLED, true, state)
}

impl Call {
    fn start(&self) -> Option<LimitedSpan> {
        self.tracer.start_limited(SpanBuilder::from_name("span"), &Context::new(), &self.allowance)
    }

    fn span(&self) -> LimitedSpan {
        self.start().unwrap()
    }
}

/// Fills a span in every way, until nothing more is kept.
fn fill(span: &LimitedSpan, text_length: usize) {
    for round in 0..300 {
        let list = || vec![attribute(text_length); 3].into_iter();
        span.set_attributes(list());
        span.add_event(text(text_length), list());
        span.add_link(linked("a=1,b=2"), list());
        span.update_name(text(text_length + round));
        span.set_status(Status::error(text(text_length + round)));
    }
}

#[test]
fn whatever_a_span_is_given_it_keeps_no_more_than_it_may() {
    for length in [0, 10, 300, 5000] {
        let call = call();
        let span = call.span();
        fill(&span, length);
        span.end(None);
        let spans = call.ended.spans();
        let [span] = spans.as_slice() else { panic!("{spans:?}") };
        let weight = weight::span(span);
        assert!(weight <= SPAN_BYTES, "{length}: {weight}");
        assert!(weight <= call.allowance.bytes(), "{length}: {weight}");
        assert!(span.attributes.len().max(span.events.len()).max(span.links.len()) <= SPAN_ITEMS);
    }
}

#[test]
fn a_call_cannot_put_more_into_all_its_spans_than_it_may() {
    for length in [0, 10, 300, 5000] {
        let call = call();
        let mut open = Vec::new();
        for index in 0..2 * MAX_SPANS {
            let Some(span) = call.start() else { continue };
            fill(&span, length);
            // Ended spans count, too: their data is in the queue.
            if index % 2 == 0 {
                span.end(None);
            } else {
                open.push(span);
            }
        }
        open.iter().for_each(|span| span.end(None));
        let spans = call.ended.spans();
        let weight: usize = spans.iter().map(weight::span).sum();
        assert!(weight <= CALL_BYTES, "{length}: {weight}");
        assert!(weight > CALL_BYTES / 2, "{length}: {weight}");
        assert_eq!(call.allowance.refused() + spans.len(), 2 * MAX_SPANS);
    }
}

#[test]
fn a_call_starts_no_more_spans_than_it_may() {
    let call = call();
    let started = (0..2 * MAX_SPANS).filter(|_| call.start().is_some()).count();
    assert_eq!((started, call.allowance.refused()), (MAX_SPANS, MAX_SPANS));
    assert!(call.allowance.bytes() < CALL_BYTES, "their bytes are not what keeps them few");
}

#[test]
fn what_is_missing_is_counted_as_opentelemetry_has_it() {
    let call = call();
    let span = call.span();
    span.set_attributes(vec![attribute(1); 200].into_iter());
    span.set_attributes([attribute(1)].into_iter());
    for _ in 0..130 {
        span.add_event("event", Vec::new().into_iter());
        span.add_link(linked(""), Vec::new().into_iter());
    }
    // Counted although they were not read.
    span.lose_links(7);
    assert_eq!(call.allowance.missing(), Missing { attributes: 73, events: 2, links: 9 });
    span.end(None);
    let span = call.ended.spans().remove(0);
    let counts = (span.dropped_attributes_count, span.events.dropped_count, span.links.dropped_count);
    assert_eq!(counts, (73, 2, 9));
}

#[test]
fn what_does_not_fit_is_dropped_whole_and_the_rest_is_kept() {
    let call = call();
    let span = call.span();
    let list = Value::Array(Array::String(vec![text(SPAN_TEXT).into(); SPAN_ITEMS]));
    let large = || vec![KeyValue::new("large", list.clone())].into_iter();
    span.set_attributes(large());
    span.add_event("large", large());
    span.add_link(linked(""), large());
    span.set_attributes([attribute(1)].into_iter());
    span.add_event("small", [attribute(1)].into_iter());
    span.end(None);
    let span = call.ended.spans().remove(0);
    assert_eq!((span.attributes.len(), span.events.len(), span.links.len()), (1, 1, 0));
    assert_eq!(span.events[0].name, "small");
    assert_eq!(call.allowance.missing(), Missing { attributes: 1, events: 1, links: 1 });
}

#[test]
fn a_list_is_not_read_beyond_what_is_kept() {
    let call = call();
    let span = call.span();
    let mut read = 0;
    let endless = (0..100_000).map(|_| {
        read += 1;
        attribute(1)
    });
    span.set_attributes(endless);
    assert!(read <= SPAN_ITEMS, "{read}");
    read = 0;
    let large = (0..100_000).map(|_| {
        read += 1;
        attribute(SPAN_TEXT)
    });
    span.add_event("event", large);
    assert!(read <= SPAN_ITEMS, "{read}");
    assert_eq!(call.allowance.missing().events, 1);
}

#[test]
fn a_list_that_is_kept_has_no_room_for_one_that_is_longer() {
    let call = call();
    let span = call.span();
    span.add_event("event", vec![attribute(0); 100_000].into_iter());
    span.end(None);
    let capacity = call.ended.take().remove(0).events.events.remove(0).attributes.capacity();
    assert_eq!(capacity, SPAN_ITEMS);
}

#[test]
fn names_and_statuses_replace_each_other() {
    let call = call();
    let (span, failing) = (call.span(), call.span());
    for round in 0..1000 {
        span.update_name(text(3000 + round));
    }
    assert!(call.allowance.bytes() < 6000, "{}", call.allowance.bytes());
    // Whoever fails still fails when no text fits any more.
    fill(&span, SPAN_TEXT);
    while call.start().is_some() {}
    call.allowance.take(call.allowance.left());
    let other = call.allowance.bytes();
    assert_eq!(other, CALL_BYTES);
    failing.set_status(Status::error(text(SPAN_BYTES)));
    failing.end(None);
    assert_eq!(call.ended.spans().pop().unwrap().status, Status::error(DROPPED));
}
