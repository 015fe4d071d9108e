//! Converts between `wasi:otel` and OpenTelemetry.

use std::time::{Duration, SystemTime};

use opentelemetry::trace::{self, SpanId, SpanKind, TraceFlags, TraceId, TraceState};
use opentelemetry::{Array, KeyValue, StringValue, Value};
use serde_json::Value as Json;

use super::bindings::wasi::clocks::wall_clock::Datetime;
use super::bindings::wasi::otel::{tracing as wit, types};
pub(super) use crate::capability::tracer::text;
use crate::capability::tracer::{MAX_KEY, MAX_LIST};
use crate::text::Scrub;

/// How many members a `tracestate` has at most (W3C Trace Context).
const MAX_MEMBERS: usize = 32;

/// How many bytes of JSON are read, which may take many times as much when they are. More would not be kept.
const MAX_JSON: usize = 64 << 10;

/// Returns `None` unless the text is an id. Zeros at the beginning may be missing: some SDKs print numbers.
pub(super) fn span_id(text: &str) -> Option<SpanId> {
    let id = SpanId::from_hex(hex(text, 16)?).ok()?;
    (id != SpanId::INVALID).then_some(id)
}

fn hex(text: &str, digits: usize) -> Option<&str> {
    let is_hex = (1..=digits).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex.then_some(text)
}

pub(super) fn kind(kind: wit::SpanKind) -> SpanKind {
    match kind {
        wit::SpanKind::Client => SpanKind::Client,
        wit::SpanKind::Server => SpanKind::Server,
        wit::SpanKind::Producer => SpanKind::Producer,
        wit::SpanKind::Consumer => SpanKind::Consumer,
        wit::SpanKind::Internal => SpanKind::Internal,
    }
}

pub(super) fn status(status: wit::Status, scrub: &Scrub) -> trace::Status {
    match status {
        wit::Status::Unset => trace::Status::Unset,
        wit::Status::Ok => trace::Status::Ok,
        wit::Status::Error(why) => trace::Status::error(text(why, scrub)),
    }
}

/// Times after 2554 become the last that can be exported.
pub(super) fn time(time: Datetime) -> SystemTime {
    let since = Duration::new(time.seconds, time.nanoseconds.min(999_999_999));
    SystemTime::UNIX_EPOCH + since.min(Duration::from_nanos(u64::MAX))
}

pub(super) fn attributes(
    list: Vec<types::KeyValue>,
    scrub: &Scrub,
) -> impl ExactSizeIterator<Item = KeyValue> {
    list.into_iter().map(|types::KeyValue { key, value }| {
        KeyValue::new(scrub.shorten(key, MAX_KEY), self::value(value, scrub))
    })
}

/// Reads JSON. What attributes cannot hold, such as an object, stays as it is written.
fn value(json: String, scrub: &Scrub) -> Value {
    let written = |json: String| Value::String(text(json, scrub).into());
    if json.len() > MAX_JSON {
        return written(json);
    }
    match serde_json::from_str(&json) {
        Ok(Json::String(item)) => written(item),
        Ok(Json::Bool(item)) => Value::Bool(item),
        Ok(Json::Number(item)) => match (item.as_i64(), item.as_f64()) {
            (Some(item), _) => Value::I64(item),
            (None, Some(item)) => Value::F64(item),
            (None, None) => written(json),
        },
        Ok(Json::Array(items)) => array(items, scrub).map_or_else(|| written(json), Value::Array),
        _ => written(json),
    }
}

/// Returns a list whose items are all of the type of the first.
fn array(mut items: Vec<Json>, scrub: &Scrub) -> Option<Array> {
    items.truncate(MAX_LIST);
    let first = items.first()?;
    if first.is_string() {
        let item = |item: &Json| Some(StringValue::from(text(item.as_str()?.to_owned(), scrub)));
        return items.iter().map(item).collect::<Option<_>>().map(Array::String);
    }
    if first.is_boolean() {
        return items.iter().map(Json::as_bool).collect::<Option<_>>().map(Array::Bool);
    }
    let integers = items.iter().map(Json::as_i64).collect::<Option<_>>().map(Array::I64);
    integers.or_else(|| items.iter().map(Json::as_f64).collect::<Option<_>>().map(Array::F64))
}

/// Returns `None` if the ids are invalid. A state that is invalid, or contains a secret, is left out.
pub(super) fn linked(context: wit::SpanContext, scrub: &Scrub) -> Option<trace::SpanContext> {
    let trace_id = TraceId::from_hex(hex(&context.trace_id, 32)?).ok()?;
    let sampled = context.trace_flags.contains(wit::TraceFlags::SAMPLED);
    let flags = if sampled { TraceFlags::SAMPLED } else { TraceFlags::default() };
    let state = context.trace_state;
    let is_fit = |(key, value): &(String, String)| !scrub.is_in(key) && !scrub.is_in(value);
    let is_kept = state.len() <= MAX_MEMBERS && state.iter().all(is_fit);
    let state =
        if is_kept { TraceState::from_key_value(state).unwrap_or_default() } else { TraceState::default() };
    let linked = trace::SpanContext::new(trace_id, span_id(&context.span_id)?, flags, true, state);
    linked.is_valid().then_some(linked)
}

pub(super) fn span_context(context: &trace::SpanContext) -> wit::SpanContext {
    let flags = if context.is_sampled() { wit::TraceFlags::SAMPLED } else { wit::TraceFlags::empty() };
    let state = context.trace_state().header();
    let members = state.split(',').filter_map(|member| member.split_once('='));
    wit::SpanContext {
        trace_id: context.trace_id().to_string(),
        span_id: context.span_id().to_string(),
        trace_flags: flags,
        is_remote: false,
        trace_state: members.map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_json() {
        let read = |json: &str| value(json.to_owned(), &Scrub::new(["hunter2"]));
        for (json, expected) in [
            (r#""a""#, Value::from("a")),
            ("true", Value::Bool(true)),
            ("-7", Value::I64(-7)),
            ("0.5", Value::F64(0.5)),
            ("[1,2]", Value::Array(Array::I64(vec![1, 2]))),
            ("[1,2.5]", Value::Array(Array::F64(vec![1.0, 2.5]))),
            (r#"["a","hunter2"]"#, Value::Array(Array::String(vec!["a".into(), "[secret]".into()]))),
            ("[true]", Value::Array(Array::Bool(vec![true]))),
            // What attributes cannot hold, and what is no JSON.
            (r#"["a",1]"#, Value::from(r#"["a",1]"#)),
            ("[]", Value::from("[]")),
            (r#"{"a":1}"#, Value::from(r#"{"a":1}"#)),
            ("null", Value::from("null")),
            ("not json hunter2", Value::from("not json [secret]")),
            (r#""{base64}:AAEC""#, Value::from("{base64}:AAEC")),
        ] {
            assert_eq!(read(json), expected, "{json}");
        }
        assert_eq!(read(&"[".repeat(1 << 20)).as_str().len(), crate::telemetry::SPAN_TEXT);
    }

    #[test]
    fn an_id_may_lack_zeros_and_nothing_else() {
        for (text, id) in [("1", Some(1)), ("b7ad6b7169203331", Some(0xb7ad_6b71_6920_3331)), ("0", None)] {
            assert_eq!(span_id(text), id.map(u64::to_be_bytes).map(SpanId::from_bytes), "{text}");
        }
        for text in ["", "+1", "xyz", "b7ad6b71692033310", " 1"] {
            assert_eq!(span_id(text), None, "{text}");
        }
    }
}
