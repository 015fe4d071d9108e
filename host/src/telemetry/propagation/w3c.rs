//! W3C Trace Context: `traceparent` and `tracestate`.
//!
//! Not the propagator of `opentelemetry_sdk`: version 0.33 accepts ids that are too short, and writes an empty
//! `tracestate` where there is none. This one follows the specification to the letter, and reads a `traceparent` without
//! allocating.

mod state;

use std::borrow::Cow;

use http::{HeaderMap, HeaderValue};
use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState};

const TRACEPARENT: &str = "traceparent";
const TRACESTATE: &str = "tracestate";

/// The flag of level 2, which is only handed on.
const RANDOM: TraceFlags = TraceFlags::new(0b10);

/// `00-<32 hex>-<16 hex>-<2 hex>`.
const LENGTH: usize = 55;

/// The trace's id is random, as level 2 has it. The SDK loses the flag where it records nothing, so it travels beside the span.
#[derive(Clone, Copy)]
struct Random;

/// Returns `context` with the remote parent that the headers name, if they name a valid one.
pub(super) fn extract_to(context: Context, headers: &HeaderMap) -> Context {
    match extract(headers) {
        Some(remote) if remote.trace_flags() & RANDOM == RANDOM => {
            context.with_value(Random).with_remote_span_context(remote)
        }
        Some(remote) => context.with_remote_span_context(remote),
        None => context,
    }
}

/// Returns the remote parent if the headers name a valid one. A `tracestate` that cannot be read is ignored (§3.3.1.1).
pub(super) fn extract(headers: &HeaderMap) -> Option<SpanContext> {
    let mut values = headers.get_all(TRACEPARENT).iter();
    let parent = values.next()?.as_bytes();
    // Two parents count as none.
    if values.next().is_some() {
        return None;
    }
    let (trace_id, span_id, flags) = parse(parent)?;
    let context = SpanContext::new(trace_id, span_id, flags, true, state(headers));
    context.is_valid().then_some(context)
}

/// Replaces both headers; an invalid context leaves them alone.
pub(super) fn inject(context: &Context, headers: &mut HeaderMap) {
    let random = context.get::<Random>().map_or(TraceFlags::default(), |_| RANDOM);
    let span = context.span();
    let context = span.span_context();
    if !context.is_valid() {
        return;
    }
    let flags = context.trace_flags() & TraceFlags::SAMPLED | random;
    if let Ok(value) = HeaderValue::from_bytes(&format(context, flags)) {
        headers.insert(TRACEPARENT, value);
    }
    let state = context.trace_state().header();
    match HeaderValue::try_from(state) {
        Ok(value) if !value.is_empty() => headers.insert(TRACESTATE, value),
        _ => headers.remove(TRACESTATE),
    };
}

fn parse(value: &[u8]) -> Option<(TraceId, SpanId, TraceFlags)> {
    let (known, rest) = value.split_first_chunk::<LENGTH>()?;
    let (version, fields) = known.split_first_chunk::<2>()?;
    // §3.2.2, §4.3: version 00 ends here; a later one may continue after another dash; ff is forbidden.
    match (hex(version)?, rest) {
        (0xff, _) => return None,
        (0, []) | (1.., [] | [b'-', ..]) => {}
        _ => return None,
    }
    let (trace_id, fields) = fields.strip_prefix(b"-")?.split_first_chunk::<32>()?;
    let (span_id, fields) = fields.strip_prefix(b"-")?.split_first_chunk::<16>()?;
    let flags = fields.strip_prefix(b"-")?.first_chunk::<2>()?;
    let trace_id = TraceId::from(hex(trace_id)?);
    let span_id = SpanId::from(u64::try_from(hex(span_id)?).ok()?);
    // §3.2.2.5: flags without a meaning are ignored, and not handed on.
    let flags = TraceFlags::new(u8::try_from(hex(flags)?).ok()?) & (TraceFlags::SAMPLED | RANDOM);
    Some((trace_id, span_id, flags))
}

/// Lower-case hexadecimal only; at most 32 digits.
pub(super) fn hex(digits: &[u8]) -> Option<u128> {
    digits.iter().try_fold(0, |number, digit| {
        let value = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(number << 4 | u128::from(value))
    })
}

fn format(context: &SpanContext, flags: TraceFlags) -> [u8; LENGTH] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut out = *b"00-00000000000000000000000000000000-0000000000000000-00";
    let trace_id = context.trace_id().to_bytes();
    let span_id = context.span_id().to_bytes();
    let flags = [flags.to_u8()];
    let bytes = trace_id.iter().chain(&span_id).chain(&flags);
    let digits = bytes.flat_map(|byte| [byte >> 4, byte & 0xf]);
    // After the version, every place that is not a dash takes the next digit.
    let places = out.iter_mut().skip(3).filter(|place| **place != b'-');
    for (place, digit) in places.zip(digits) {
        *place = DIGITS.get(usize::from(digit)).copied().unwrap_or(b'0');
    }
    out
}

/// Several headers are one list (§3.3.1).
fn state(headers: &HeaderMap) -> TraceState {
    let mut values = headers.get_all(TRACESTATE).iter().map(HeaderValue::to_str);
    let mut list = match values.next() {
        Some(Ok(first)) => Cow::Borrowed(first),
        _ => return TraceState::NONE,
    };
    for value in values {
        let Ok(value) = value else { return TraceState::NONE };
        let list = list.to_mut();
        list.push(',');
        list.push_str(value);
    }
    state::parse(&list)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    fn from(parent: &str) -> Option<SpanContext> {
        extract(&headers(&[(TRACEPARENT, parent)]))
    }

    #[test]
    fn a_parent_is_read() {
        let context = from(PARENT).unwrap();
        assert_eq!(context.trace_id().to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(context.span_id().to_string(), "00f067aa0ba902b7");
        assert!(context.is_sampled() && context.is_remote());
        assert!(!from("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-fe").unwrap().is_sampled());
    }

    #[test]
    fn a_later_version_is_read_as_far_as_it_is_known() {
        assert!(from("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01").is_some());
        assert!(from("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more").is_some());
        assert!(from("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.more").is_none());
    }

    #[test]
    fn a_malformed_parent_is_ignored() {
        for bad in [
            "",
            "00",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0g",
            "0x-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            " 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            assert!(from(bad).is_none(), "{bad}");
        }
        assert!(extract(&headers(&[(TRACEPARENT, PARENT), (TRACEPARENT, PARENT)])).is_none());
    }

    #[test]
    fn the_state_is_one_list_and_never_costs_the_parent() {
        let state = |values: &[&str]| {
            let mut all = vec![(TRACEPARENT, PARENT)];
            all.extend(values.iter().map(|value| (TRACESTATE, *value)));
            extract(&headers(&all)).unwrap().trace_state().header()
        };
        assert_eq!(state(&["a=1,b=2", "c=3"]), "a=1,b=2,c=3");
        assert_eq!(state(&["no list"]), "");
        assert_eq!(state(&[]), "");
    }

    #[test]
    fn what_is_written_is_what_was_read() {
        let incoming = headers(&[(TRACEPARENT, PARENT), (TRACESTATE, "a=1")]);
        let mut outgoing = headers(&[(TRACEPARENT, "old"), (TRACEPARENT, "older"), (TRACESTATE, "old=1")]);
        inject(&extract_to(Context::new(), &incoming), &mut outgoing);
        assert_eq!(outgoing, incoming);
    }

    #[test]
    fn an_old_state_does_not_outlive_its_parent() {
        let mut outgoing = headers(&[(TRACESTATE, "old=1")]);
        inject(&extract_to(Context::new(), &headers(&[(TRACEPARENT, PARENT)])), &mut outgoing);
        assert!(!outgoing.contains_key(TRACESTATE));
    }

    #[test]
    fn an_invalid_context_changes_nothing() {
        let mut outgoing = headers(&[(TRACEPARENT, "guest's own")]);
        inject(&Context::new(), &mut outgoing);
        assert_eq!(outgoing, headers(&[(TRACEPARENT, "guest's own")]));
    }
}
