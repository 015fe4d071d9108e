//! Converts values between the contract and OpenTelemetry.

use std::borrow::Cow;
use std::str::FromStr as _;
use std::time::{Duration, SystemTime};

use opentelemetry::trace::{SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState};
use opentelemetry::{Array, KeyValue, StringValue, Value};

use crate::capability::bindings::gpx::plugin::{tracer as wit, types};
use crate::telemetry::SPAN_TEXT;
use crate::text::Scrub;

/// How many bytes of a `tracestate` are read: as many as its 32 members may have. Cut, it would mean something else.
const MAX_STATE: usize = 32 * 513;

/// How many bytes of an attribute's key are kept. Keys are short.
pub(crate) const MAX_KEY: usize = 256;

/// How many items of a list are kept, be it a list of attributes or a value. It is OpenTelemetry's own limit for
/// attributes.
pub(crate) const MAX_LIST: usize = 128;

/// Converts an attribute and cuts its strings to what is kept.
pub(crate) fn key_value(attribute: types::Attribute, scrub: &Scrub) -> KeyValue {
    KeyValue::new(scrub.shorten(attribute.key, MAX_KEY), value(attribute.value, scrub))
}

/// Converts one attribute after the other, as they are asked for.
pub(super) fn attributes(
    list: Vec<types::Attribute>,
    scrub: &Scrub,
) -> impl ExactSizeIterator<Item = KeyValue> {
    list.into_iter().map(|attribute| key_value(attribute, scrub))
}

/// Cuts a text to what is kept.
pub(crate) fn text(text: String, scrub: &Scrub) -> String {
    let mut text = scrub.shorten(text, SPAN_TEXT);
    text.shrink_to_fit();
    text
}

fn items<T>(mut list: Vec<T>) -> Vec<T> {
    list.truncate(MAX_LIST);
    list.shrink_to_fit();
    list
}

pub(super) fn kind(kind: wit::SpanKind) -> SpanKind {
    match kind {
        wit::SpanKind::Internal => SpanKind::Internal,
        wit::SpanKind::Client => SpanKind::Client,
        wit::SpanKind::Server => SpanKind::Server,
        wit::SpanKind::Producer => SpanKind::Producer,
        wit::SpanKind::Consumer => SpanKind::Consumer,
    }
}

pub(super) fn status(status: wit::Status, scrub: &Scrub) -> Status {
    match status {
        wit::Status::Unset => Status::Unset,
        wit::Status::Ok => Status::Ok,
        wit::Status::Error(why) => Status::Error { description: Cow::Owned(text(why, scrub)) },
    }
}

/// Returns `None` if the ids are invalid: a link to nowhere helps nobody. A state that contains a secret is left out.
pub(super) fn linked(context: &wit::SpanContext, scrub: &Scrub) -> Option<SpanContext> {
    let wit::SpanContext { trace_id, span_id, sampled, trace_state } = context;
    let trace_id = TraceId::from_hex(hex(trace_id, 32)?).ok()?;
    let flags = if *sampled { TraceFlags::SAMPLED } else { TraceFlags::default() };
    let short = (trace_state.len() <= MAX_STATE && !scrub.is_in(trace_state)).then_some(trace_state);
    let state = short.and_then(|state| TraceState::from_str(state).ok()).unwrap_or_default();
    let context = SpanContext::new(trace_id, self::span_id(span_id)?, flags, true, state);
    context.is_valid().then_some(context)
}

pub(super) fn span_id(text: &str) -> Option<SpanId> {
    SpanId::from_hex(hex(text, 16)?).ok()
}

/// Returns the text if it is exactly that many hex digits. The ids' own parser also accepts a sign, and fewer digits.
fn hex(text: &str, digits: usize) -> Option<&str> {
    (text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(text)
}

pub(super) fn span_context(context: &SpanContext) -> wit::SpanContext {
    wit::SpanContext {
        trace_id: context.trace_id().to_string(),
        span_id: context.span_id().to_string(),
        sampled: context.is_sampled(),
        trace_state: context.trace_state().header(),
    }
}

pub(super) fn time(nanoseconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_nanos(nanoseconds)
}

fn value(value: types::Value, scrub: &Scrub) -> Value {
    let strings = |list: Vec<String>| {
        items(list).into_iter().map(|item| StringValue::from(text(item, scrub))).collect()
    };
    match value {
        types::Value::Text(item) => Value::String(text(item, scrub).into()),
        types::Value::Boolean(item) => Value::Bool(item),
        types::Value::Integer(item) => Value::I64(item),
        types::Value::Float(item) => Value::F64(item),
        types::Value::Texts(list) => Value::Array(Array::String(strings(list))),
        types::Value::Booleans(list) => Value::Array(Array::Bool(items(list))),
        types::Value::Integers(list) => Value::Array(Array::I64(items(list))),
        types::Value::Floats(list) => Value::Array(Array::F64(items(list))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(trace_id: &str, span_id: &str) -> wit::SpanContext {
        wit::SpanContext {
            trace_id: trace_id.to_owned(),
            span_id: span_id.to_owned(),
            sampled: true,
            trace_state: String::new(),
        }
    }

    #[test]
    fn ids_keep_their_leading_zeros() {
        let linked =
            linked(&context("00000000000000000000000000000001", "000000000000000a"), &Scrub::default())
                .unwrap();
        let back = span_context(&linked);
        assert_eq!(back.trace_id, "00000000000000000000000000000001");
        assert_eq!(back.span_id, "000000000000000a");
    }

    #[test]
    fn a_bad_id_is_refused_not_repaired() {
        assert_eq!(linked(&context("1", "000000000000000a"), &Scrub::default()), None);
        assert_eq!(
            linked(&context("00000000000000000000000000000000", "000000000000000a"), &Scrub::default()),
            None
        );
        assert_eq!(
            linked(&context("0000000000000000000000000000000g", "000000000000000a"), &Scrub::default()),
            None
        );
        assert!(span_id("+00000000000000a").is_none());
    }

    #[test]
    fn a_trace_state_is_kept_whole_or_not_at_all() {
        let with = |trace_state: String| {
            let ids = context("00000000000000000000000000000001", "000000000000000a");
            let linked = linked(&wit::SpanContext { trace_state, ..ids }, &Scrub::new(["hunter2"]));
            linked.unwrap().trace_state().header()
        };
        assert_eq!(with("a=1,b=2".to_owned()), "a=1,b=2");
        assert_eq!(with("a=1,".repeat(MAX_STATE)), "");
        assert_eq!(with("a=1,b=hunter2".to_owned()), "", "a secret");
    }

    #[test]
    fn keys_and_values_reveal_no_secret() {
        let scrub = Scrub::new(["hunter2"]);
        let attribute = types::Attribute {
            key: "a hunter2".to_owned(),
            value: types::Value::Texts(vec!["b hunter2".to_owned()]),
        };
        let KeyValue { key, value, .. } = key_value(attribute, &scrub);
        assert_eq!((key.as_str(), value.as_str().as_ref()), ("a [secret]", r#"["b [secret]"]"#));
    }

    #[test]
    fn long_lists_lose_their_end() {
        for list in [
            types::Value::Texts(vec![String::new(); 1000]),
            types::Value::Booleans(vec![true; 1000]),
            types::Value::Integers(vec![1; 1000]),
            types::Value::Floats(vec![0.5; 1000]),
        ] {
            let kept = match value(list, &Scrub::default()) {
                Value::Array(Array::String(list)) => list.len(),
                Value::Array(Array::Bool(list)) => list.len(),
                Value::Array(Array::I64(list)) => list.len(),
                Value::Array(Array::F64(list)) => list.len(),
                other => panic!("{other:?}"),
            };
            assert_eq!(kept, MAX_LIST);
        }
    }

    #[test]
    fn a_long_string_is_cut_between_characters() {
        for begin in ["", "a"] {
            let cut = text(format!("{begin}{}", "é".repeat(SPAN_TEXT)), &Scrub::default());
            assert!((SPAN_TEXT - 2..=SPAN_TEXT).contains(&cut.len()), "{}", cut.len());
            assert!(cut.ends_with("é…") && cut.capacity() == cut.len());
        }
    }
}
