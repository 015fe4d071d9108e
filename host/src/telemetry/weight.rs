//! What spans weigh, in bytes: never less than the memory that they take, and never less than their encoding.

use opentelemetry::trace::{Event, Link, SpanContext, Status};
use opentelemetry::{Array, KeyValue, StringValue, Value};
use opentelemetry_sdk::trace::SpanData;

/// A span without a name, attributes, events and links, in bytes: its data, its ids, and its place in every list.
pub(super) const SPAN: usize = 512;

/// What the allocator needs for a block, and the encoding for a field.
const BLOCK: usize = 16;

/// A number in a list: encoded, it is a message of its own.
const NUMBER: usize = 16;

/// A list that grows may have twice the room that it needs.
const SLACK: usize = 2;

pub(super) fn attribute(attribute: &KeyValue) -> usize {
    SLACK * size_of::<KeyValue>() + text(attribute.key.as_str()) + value(&attribute.value)
}

/// Returns the weight of an event without its attributes.
pub(super) fn event(name: &str) -> usize {
    SLACK * size_of::<Event>() + text(name)
}

/// Returns the weight of a link without its attributes.
pub(super) fn link(context: &SpanContext) -> usize {
    SLACK * size_of::<Link>() + trace_state(context)
}

pub(super) fn status(status: &Status) -> usize {
    match status {
        Status::Error { description } => text(description),
        Status::Unset | Status::Ok => 0,
    }
}

pub(super) fn text(text: &str) -> usize {
    BLOCK + text.len()
}

pub(super) fn trace_state(context: &SpanContext) -> usize {
    let pairs = context.trace_state().into_iter();
    pairs.map(|(key, value)| SLACK * size_of::<(String, String)>() + text(key) + text(value)).sum()
}

/// Returns the weight of a whole span.
pub(super) fn span(span: &SpanData) -> usize {
    let attributes = |list: &[KeyValue]| list.iter().map(attribute).sum::<usize>();
    let events = span.events.events.iter().map(|kept| event(&kept.name) + attributes(&kept.attributes));
    let links = span.links.links.iter().map(|kept| link(&kept.span_context) + attributes(&kept.attributes));
    let own = SPAN + text(&span.name) + status(&span.status) + trace_state(&span.span_context);
    own + attributes(&span.attributes) + events.sum::<usize>() + links.sum::<usize>()
}

fn value(value: &Value) -> usize {
    let strings = |list: &[StringValue]| {
        list.iter().map(|item| size_of::<StringValue>() + text(item.as_str())).sum::<usize>()
    };
    match value {
        Value::String(item) => text(item.as_str()),
        Value::Array(Array::String(list)) => BLOCK + strings(list),
        Value::Array(Array::Bool(list)) => BLOCK + NUMBER * list.len(),
        Value::Array(Array::I64(list)) => BLOCK + NUMBER * list.len(),
        Value::Array(Array::F64(list)) => BLOCK + NUMBER * list.len(),
        // Single numbers have their place in the attribute. The type may get more variants; none holds more than that.
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::time::{Duration, SystemTime};

    use opentelemetry::InstrumentationScope;
    use opentelemetry::trace::{SpanId, SpanKind, TraceFlags, TraceId, TraceState};
    use opentelemetry_proto::tonic::trace::v1::Span;
    use opentelemetry_sdk::trace::{SpanEvents, SpanLinks};
    use prost::Message as _;

    use super::*;

    fn context(state: &str) -> SpanContext {
        let (trace, span) = (TraceId::from(u128::MAX), SpanId::from(u64::MAX));
        SpanContext::new(trace, span, TraceFlags::SAMPLED, true, state.parse::<TraceState>().unwrap())
    }

    fn attributes(count: usize, text: &str) -> Vec<KeyValue> {
        let texts = (0..count).map(|_| StringValue::from(text.to_owned())).collect();
        let values = [
            Value::String(text.to_owned().into()),
            Value::I64(-1),
            Value::F64(0.1),
            Value::Bool(true),
            Value::Array(Array::String(texts)),
            Value::Array(Array::I64(vec![i64::MIN; count])),
            Value::Array(Array::F64(vec![0.1; count])),
            Value::Array(Array::Bool(vec![true; count])),
        ];
        values.into_iter().map(|value| KeyValue::new(text.to_owned(), value)).collect()
    }

    fn data(count: usize, text: &str) -> SpanData {
        let attributes = attributes(count, text);
        let time = SystemTime::UNIX_EPOCH + Duration::from_nanos(u64::MAX);
        let mut events = SpanEvents::default();
        events.events =
            (0..count).map(|_| Event::new(text.to_owned(), time, attributes.clone(), u32::MAX)).collect();
        let mut links = SpanLinks::default();
        links.links =
            (0..count).map(|_| Link::new(context("a=1,b=2"), attributes.clone(), u32::MAX)).collect();
        SpanData {
            span_context: context("vendor=x"),
            parent_span_id: SpanId::from(u64::MAX),
            parent_span_is_remote: true,
            span_kind: SpanKind::Client,
            name: Cow::Owned(text.to_owned()),
            start_time: time,
            end_time: time,
            attributes,
            dropped_attributes_count: u32::MAX,
            events,
            links,
            status: Status::error(text.to_owned()),
            instrumentation_scope: InstrumentationScope::default(),
        }
    }

    #[track_caller]
    fn check(data: SpanData) {
        let weight = span(&data);
        let encoded = Span::from(data).encoded_len();
        assert!(encoded <= weight, "{encoded} > {weight}");
    }

    #[test]
    fn no_span_is_encoded_in_more_than_its_weight() {
        for (count, text) in [(0, ""), (0, "x"), (1, ""), (128, ""), (3, "text"), (20, &"x".repeat(20_000))] {
            check(data(count, text));
        }
    }

    #[test]
    fn no_kind_of_data_is_encoded_in_more_than_its_weight() {
        const MANY: usize = 10_000;
        let plain = || data(0, "");
        for list in attributes(MANY, "") {
            check(SpanData { attributes: vec![list], ..plain() });
        }
        for short in attributes(1, "") {
            check(SpanData { attributes: vec![short; MANY], ..plain() });
        }
        let mut events = SpanEvents::default();
        events.events = vec![Event::new("", plain().start_time, Vec::new(), u32::MAX); MANY];
        check(SpanData { events, ..plain() });
        let mut links = SpanLinks::default();
        links.links = vec![Link::new(context("a=1"), Vec::new(), u32::MAX); MANY];
        check(SpanData { links, ..plain() });
    }

    #[test]
    fn an_open_span_without_data_takes_no_more_than_its_weight() {
        assert!(size_of::<SpanData>() <= SPAN, "{}", size_of::<SpanData>());
    }
}
