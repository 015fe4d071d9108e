//! How a span's context travels in headers: W3C Trace Context, and Baggage where it is asked for.

mod w3c;

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::Context;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator as _};
use opentelemetry::trace::{SpanContext, TraceContextExt as _};
use opentelemetry_sdk::propagation::BaggagePropagator;

use super::problem::TracingProblem;

/// Which headers carry a context: those of the trace context always, baggage if this says so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Propagation {
    baggage: bool,
}

struct Headers<'a>(&'a HeaderMap);
struct HeadersMut<'a>(&'a mut HeaderMap);

/// The span that a request names as its parent.
pub(crate) fn traceparent(headers: &HeaderMap) -> Option<SpanContext> {
    w3c::extract(headers)
}

// === impl Propagation ===

impl Propagation {
    /// Reads Grafana's comma-separated list. As in the Go SDK, an empty one means W3C with baggage, and `w3c` means W3C
    /// without.
    pub(super) fn parse(list: &str, problems: &mut Vec<TracingProblem>) -> Self {
        let mut baggage = true;
        for name in list.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            baggage = false;
            if !name.eq_ignore_ascii_case("w3c") {
                problems.push(TracingProblem::Propagation(name.to_owned()));
            }
        }
        Self { baggage }
    }

    pub(super) fn extract(self, headers: &HeaderMap) -> Context {
        let mut context = Context::new();
        if self.baggage && headers.contains_key("baggage") {
            context = BaggagePropagator::new().extract_with_context(&context, &Headers(headers));
        }
        match w3c::extract(headers) {
            Some(remote) => context.with_remote_span_context(remote),
            None => context,
        }
    }

    pub(super) fn inject(self, context: &Context, headers: &mut HeaderMap) {
        w3c::inject(context.span().span_context(), headers);
        if self.baggage {
            BaggagePropagator::new().inject_context(context, &mut HeadersMut(headers));
        }
    }
}

// === impl Headers ===

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}

// === impl HeadersMut ===

impl Injector for HeadersMut<'_> {
    fn set(&mut self, key: &str, value: String) {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(key), HeaderValue::try_from(value)) {
            self.0.insert(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::baggage::BaggageExt as _;

    fn parse(list: &str) -> (Propagation, usize) {
        let mut problems = Vec::new();
        (Propagation::parse(list, &mut problems), problems.len())
    }

    #[test]
    fn the_list_is_trimmed_and_case_does_not_matter() {
        assert_eq!(parse(""), (Propagation { baggage: true }, 0));
        assert_eq!(parse(" , "), (Propagation { baggage: true }, 0));
        assert_eq!(parse("w3c"), (Propagation { baggage: false }, 0));
        assert_eq!(parse(" W3C ,"), (Propagation { baggage: false }, 0));
        assert_eq!(parse("w3c,jaeger"), (Propagation { baggage: false }, 1));
        assert_eq!(parse("b3"), (Propagation { baggage: false }, 1));
    }

    #[test]
    fn baggage_travels_only_when_asked_for() {
        let mut incoming = HeaderMap::new();
        incoming.insert("baggage", "tenant=7".parse().unwrap());
        let context = parse("").0.extract(&incoming);
        assert_eq!(context.baggage().get("tenant").map(|value| value.as_str()), Some("7"));
        let mut outgoing = HeaderMap::new();
        parse("w3c").0.inject(&context, &mut outgoing);
        assert!(outgoing.is_empty());
        parse("").0.inject(&context, &mut outgoing);
        assert_eq!(outgoing, incoming);
        assert!(parse("w3c").0.extract(&incoming).baggage().is_empty());
    }
}
