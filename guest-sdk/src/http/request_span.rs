//! What the span of a request shall be.

use http::HeaderMap;

use crate::Attribute;
use crate::host::tracer;
use crate::span::SpanContext;

/// The header that names a span to the host: see `tracer.wit`.
const TRACEPARENT: &str = "traceparent";

/// What a request says of its span. By default nothing: the host then needs no call.
#[derive(Clone, Debug, Default)]
pub(crate) struct RequestSpan {
    pub(super) name: Option<String>,
    pub(super) attributes: Vec<Attribute>,
    pub(super) hidden: bool,
    /// How often the request has been sent before.
    pub(super) resent: u32,
}

// === impl RequestSpan ===

impl RequestSpan {
    /// Returns the `traceparent` that the request needs, if it needs another one than it has.
    pub(super) fn traceparent(&self, headers: &HeaderMap) -> Option<String> {
        let Self { name, attributes, hidden, resent } = self;
        if name.is_none() && attributes.is_empty() && !hidden && *resent == 0 {
            return None;
        }
        let options = tracer::RequestOptions {
            name: name.clone(),
            attributes: attributes.clone(),
            parent: headers.get(TRACEPARENT).and_then(|value| parent(value.to_str().ok()?)),
            resend_count: *resent,
            hidden: *hidden,
        };
        Some(tracer::describe_request(&options).traceparent())
    }
}

/// Reads the span that the author has named as the parent, as [`SpanContext::traceparent`] writes it.
fn parent(text: &str) -> Option<SpanContext> {
    let mut parts = text.split('-').skip(1);
    let (trace_id, span_id) = (parts.next()?.to_owned(), parts.next()?.to_owned());
    Some(SpanContext { trace_id, span_id, sampled: true, trace_state: String::new() })
}
