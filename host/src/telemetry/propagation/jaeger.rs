//! Jaeger's own header, `uber-trace-id`: `{trace id}:{span id}:{parent id}:{flags}`, as Go's propagator reads and writes it.
//!
//! Like that one, it leaves out `uberctx-…`, Jaeger's baggage. Not the crate of OpenTelemetry, which lags behind the SDK.

use http::{HeaderMap, HeaderValue};
use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState};

use super::w3c;

const HEADER: &str = "uber-trace-id";

const SAMPLED: i64 = 1;
const DEBUG: i64 = 2;

/// The caller wants the trace under all circumstances. It is passed on, and means nothing else here.
#[derive(Clone, Copy)]
struct Debug;

/// Returns `context` with the remote parent that the headers name, if they name a valid one.
pub(super) fn extract(context: Context, headers: &HeaderMap) -> Context {
    match headers.get(HEADER).and_then(|value| parse(value.as_bytes())) {
        Some((remote, true)) => context.with_value(Debug).with_remote_span_context(remote),
        Some((remote, false)) => context.with_remote_span_context(remote),
        None => context,
    }
}

/// Replaces the header; an invalid context leaves it alone.
pub(super) fn inject(context: &Context, headers: &mut HeaderMap) {
    let span = context.span();
    let remote = span.span_context();
    if !remote.is_valid() {
        return;
    }
    let flags = match (context.get::<Debug>(), remote.is_sampled()) {
        (Some(_), _) => SAMPLED | DEBUG,
        (None, true) => SAMPLED,
        (None, false) => 0,
    };
    let value = format!("{}:{}:0:{flags:x}", remote.trace_id(), remote.span_id());
    if let Ok(value) = HeaderValue::try_from(value) {
        headers.insert(HEADER, value);
    }
}

/// Returns the context, and whether it is to be debugged.
fn parse(value: &[u8]) -> Option<(SpanContext, bool)> {
    let fields: Vec<_> = value.splitn(5, |byte| *byte == b':').collect();
    // The parent's id is deprecated.
    let [trace_id, span_id, _, flags] = fields.as_slice() else { return None };
    let flags = match flags {
        [] => 0,
        // With a sign, too.
        digits => i64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?,
    };
    let sampled = flags & SAMPLED != 0;
    let trace_id = TraceId::from(id(trace_id, 32)?);
    let span_id = SpanId::from(u64::try_from(id(span_id, 16)?).ok()?);
    let flags_of_trace = if sampled { TraceFlags::SAMPLED } else { TraceFlags::default() };
    let context = SpanContext::new(trace_id, span_id, flags_of_trace, true, TraceState::NONE);
    context.is_valid().then_some((context, sampled && flags & DEBUG != 0))
}

/// Zeros at the beginning may be missing.
fn id(digits: &[u8], longest: usize) -> Option<u128> {
    if digits.len() > longest { None } else { w3c::hex(digits) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(value: &str) -> Context {
        let headers = [(http::HeaderName::from_static(HEADER), HeaderValue::try_from(value).unwrap())];
        extract(Context::new(), &headers.into_iter().collect())
    }

    fn passed_on(value: &str) -> String {
        let mut headers = HeaderMap::new();
        inject(&from(value), &mut headers);
        headers.get(HEADER).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
    }

    #[test]
    fn what_is_read_is_written() {
        let ids = "4bf92f3577b34da6a3ce929d0e0e4736:00f067aa0ba902b7";
        for (incoming, outgoing) in [
            ("0:1", "0:1"),
            ("0:0", "0:0"),
            ("0:3", "0:3"),
            // Debug without sampled, flags that mean nothing, another parent, none at all.
            ("0:2", "0:0"),
            ("0:8", "0:0"),
            ("0:9", "0:1"),
            ("0:b", "0:3"),
            ("0:", "0:0"),
            ("00f067aa0ba902b8:1", "0:1"),
            (":1", "0:1"),
            ("0:01", "0:1"),
            ("0:-1", "0:3"),
        ] {
            assert_eq!(passed_on(&format!("{ids}:{incoming}")), format!("{ids}:{outgoing}"), "{incoming}");
        }
    }

    #[test]
    fn short_ids_are_filled_with_zeros() {
        let filled = format!("{:0>32}:{:0>16}:0:1", "3ce929d0e0e4736", "67aa0ba902b7");
        assert_eq!(passed_on("3ce929d0e0e4736:67aa0ba902b7:0:1"), filled);
        assert!(from("1:2:0:1").span().span_context().is_remote());
    }

    #[test]
    fn a_malformed_header_is_ignored() {
        let trace_id = "4bf92f3577b34da6a3ce929d0e0e4736";
        for bad in [
            "",
            "1:2:0",
            "1:2:0:1:",
            "1:2:0:1:1",
            ":2:0:1",
            "1::0:1",
            "0:2:0:1",
            "1:0:0:1",
            "1:2:0:x",
            "1:2:0:0x1",
            "1:2:0: 1",
            "A:2:0:1",
            "1:g:0:1",
            "1:2:0:8000000000000000",
            "1%3A2%3A0%3A1",
            &format!("0{trace_id}:2:0:1"),
            "1:000f067aa0ba902b7:0:1",
        ] {
            assert_eq!(passed_on(bad), "", "{bad}");
        }
    }

    #[test]
    fn an_invalid_context_changes_nothing() {
        let mut headers = HeaderMap::new();
        headers.insert(HEADER, HeaderValue::from_static("guest's own"));
        inject(&Context::new(), &mut headers);
        assert_eq!(headers[HEADER], "guest's own");
    }
}
