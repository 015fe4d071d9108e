//! What holds for any headers of a trace, and for any of Grafana's settings for tracing.

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::trace::{SpanContext, TraceContextExt as _};

use super::config::{Destination, Off, TracingConfig};
use super::propagation::{Propagation, traceparent};
use crate::config::{Given, Tracing};

/// `text` has one header a line.
pub(crate) fn headers(text: &str) {
    let incoming: HeaderMap = text.lines().filter_map(header).collect();
    let parent = traceparent(&incoming);
    let all: Vec<_> = incoming.get_all("traceparent").iter().collect();
    let expected = match all.as_slice() {
        [one] => ids(&String::from_utf8_lossy(one.as_bytes())),
        _ => None,
    };
    let found = parent.as_ref().map(ids_of);
    assert_eq!(found, expected, "of {all:?}");
    for list in ["", "w3c"] {
        travels(propagation(list), &incoming, parent.as_ref());
    }
    for list in ["", "jaeger", "jaeger,w3c"] {
        settles(propagation(list), &incoming);
    }
}

/// Whatever Grafana says, tracing is off or has a collector that can be connected to.
pub(crate) fn tracing(settings: &Tracing) {
    let (config, problems) = TracingConfig::parse(settings);
    match config.destination() {
        Ok(Destination { endpoint, tls, .. }) => {
            assert!(endpoint.host().is_some_and(|host| !host.is_empty()), "{endpoint:?}");
            assert_eq!(tls.client_cert.is_some(), tls.client_key.is_some());
            let is_https = |given: &Given<String>| given.to_ascii_lowercase().starts_with("https:");
            let asks_for_tls = settings.endpoint.as_ref().is_some_and(is_https) || tls.wanted();
            assert!(!asks_for_tls || endpoint.scheme_str() == Some("https"), "{endpoint:?} of {settings:?}");
        }
        Err(Off::NoEndpoint) => assert!(settings.endpoint.is_none(), "{settings:?}"),
        Err(Off::Switch) => assert!(settings.switch.is_some(), "{settings:?}"),
        Err(Off::Invalid(_)) => assert!(!problems.is_empty(), "{settings:?} is ignored without a word"),
    }
    if let Some(headers) = settings.headers.as_ref().map(|headers| &headers.value.0) {
        let values =
            headers.split(',').filter_map(|pair| pair.split_once('=')).map(|(_, value)| value.trim());
        for value in values.filter(|value| value.len() > 32) {
            assert!(!format!("{config:?} {problems:?}").contains(value), "{value} is shown");
        }
    }
    let _ = config.facts();
    assert!(problems.iter().all(|problem| !problem.to_string().is_empty()));
}

/// What is sent says the same as what has come, and sending it again changes nothing.
fn travels(propagation: Propagation, incoming: &HeaderMap, parent: Option<&SpanContext>) {
    let context = propagation.extract(incoming);
    let remote = context.span().span_context().clone();
    assert_eq!(parent.is_some(), remote.is_valid());
    let mut first = HeaderMap::new();
    propagation.inject(&context, &mut first);
    let known = ["traceparent", "tracestate", "baggage", "uber-trace-id"];
    assert!(first.keys().all(|name| known.contains(&name.as_str())), "{first:?}");
    let Some(parent) = parent else {
        assert!(!first.contains_key("traceparent") && !first.contains_key("tracestate"), "{first:?}");
        return;
    };
    let again = traceparent(&first);
    assert_eq!(again.as_ref(), Some(parent), "as {first:?}");
}

/// What is sent is what is sent again by whoever receives it.
fn settles(propagation: Propagation, incoming: &HeaderMap) {
    let passed_on = |headers: &HeaderMap| {
        let mut outgoing = HeaderMap::new();
        propagation.inject(&propagation.extract(headers), &mut outgoing);
        outgoing
    };
    let first = passed_on(incoming);
    assert_eq!(passed_on(&first), first, "of {incoming:?}");
}

fn propagation(list: &str) -> Propagation {
    Propagation::parse(Some(&Given::default_of(list.to_owned())), &mut Vec::new()).value
}

/// Reads a `traceparent` as the specification's grammar says it.
fn ids(value: &str) -> Option<(String, String, bool)> {
    let fields: Vec<_> = value.split('-').collect();
    let [version, trace_id, span_id, flags, more @ ..] = fields.as_slice() else { return None };
    let hex = |text: &str, digits: usize| {
        text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let is_id = |text: &str, digits| hex(text, digits) && text.bytes().any(|byte| byte != b'0');
    let valid = hex(version, 2)
        && *version != "ff"
        && (*version != "00" || more.is_empty())
        && is_id(trace_id, 32)
        && is_id(span_id, 16)
        && hex(flags, 2);
    let sampled = u8::from_str_radix(flags, 16).is_ok_and(|flags| flags % 2 == 1);
    valid.then(|| ((*trace_id).to_owned(), (*span_id).to_owned(), sampled))
}

fn ids_of(context: &SpanContext) -> (String, String, bool) {
    (context.trace_id().to_string(), context.span_id().to_string(), context.is_sampled())
}

fn header(line: &str) -> Option<(HeaderName, HeaderValue)> {
    let (name, value) = line.split_once(": ")?;
    Some((name.parse().ok()?, value.parse().ok()?))
}
