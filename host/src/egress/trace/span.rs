//! The client span of one request, as the Go SDK makes it, but without credentials and query values in its URL.

use std::sync::Arc;

use http::{Request, Response, Uri};
use http_body::Body;
use opentelemetry::trace::{SpanBuilder, SpanKind, Status};
use opentelemetry::{Context, KeyValue};

use super::events::Events;
use super::wording;
use crate::egress::error::RequestError;
use crate::telemetry::{
    LimitedSpan, RequestAllowance, SPAN_TEXT, SpanAllowance, Telemetry, Tracer, span_text,
};
use crate::text::Scrub;

/// The headers in which a guest could pass a trace context on; the host's own context takes their place.
const PROPAGATION_HEADERS: [&str; 4] = ["traceparent", "tracestate", "baggage", "uber-trace-id"];

/// Starts the spans of requests, in the scope of the plugin.
#[derive(Clone)]
pub(in crate::egress) struct RequestTracing {
    telemetry: Telemetry,
    tracer: Tracer,
    scrub: Scrub,
}

/// Ends with `finish`, or when it is dropped because nothing waits for the response any more.
pub(in crate::egress) struct RequestSpan {
    /// `None` if the span is not recorded, be it because of the sampler or because of a limit.
    recorded: Option<Arc<LimitedSpan>>,
    scrub: Scrub,
    finished: bool,
}

// === impl RequestTracing ===

impl RequestTracing {
    pub(in crate::egress) fn new(telemetry: Telemetry) -> Self {
        Self { tracer: telemetry.plugin(), telemetry, scrub: Scrub::default() }
    }

    /// Returns the same for a data source that has these secrets.
    pub(in crate::egress) fn without_secrets(&self, scrub: Scrub) -> Self {
        Self { scrub, ..self.clone() }
    }

    /// Starts a child of `parent`, and puts its context into the request's headers. The parent's takes its place if the
    /// call has sent more requests than it may have spans for.
    pub(in crate::egress) fn start<B>(
        &self,
        request: &mut Request<B>,
        labels: &[(&'static str, String)],
        parent: &Context,
    ) -> RequestSpan {
        let builder = SpanBuilder::from_name("HTTP Outgoing Request").with_kind(SpanKind::Client);
        let allowance = parent.get().cloned().unwrap_or_else(SpanAllowance::of_requests);
        let RequestAllowance(allowance) = allowance;
        let recorded = self.tracer.start_limited(builder, parent, &allowance).map(Arc::new);
        for header in PROPAGATION_HEADERS {
            request.headers_mut().remove(header);
        }
        let context = recorded.as_ref().map_or(parent, |span| span.context());
        self.telemetry.inject(context, request.headers_mut());
        if let Some(span) = &recorded {
            span.set_attributes(labels.iter().map(|(key, value)| KeyValue::new(*key, span_text(value))));
            let request = [
                KeyValue::new("http.url", self.scrub.shorten(redacted(request.uri()), SPAN_TEXT)),
                KeyValue::new("http.method", self.scrub.shorten(request.method().to_string(), SPAN_TEXT)),
            ];
            span.set_attributes(request.into_iter());
        }
        RequestSpan { recorded, scrub: self.scrub.clone(), finished: false }
    }
}

// === impl RequestSpan ===

impl RequestSpan {
    pub(in crate::egress) fn events(&self) -> Events {
        Events::new(self.recorded.clone(), self.scrub.clone())
    }

    pub(in crate::egress) fn finish<B: Body>(mut self, result: &Result<Response<B>, RequestError>) {
        self.finished = true;
        let Some(span) = &self.recorded else { return };
        match result {
            Ok(response) => succeed(span, response),
            Err(error) => fail(span, self.scrub.shorten(wording::of_request(error), SPAN_TEXT)),
        }
        span.end(None);
    }
}

impl Drop for RequestSpan {
    fn drop(&mut self) {
        if let Some(span) = self.recorded.as_ref().filter(|_| !self.finished) {
            // As Go says it.
            fail(span, "context canceled".to_owned());
            span.end(None);
        }
    }
}

fn succeed<B: Body>(span: &LimitedSpan, response: &Response<B>) {
    let status = response.status().as_u16();
    let length = declared_length(response).map(|length| KeyValue::new("http.content_length", length));
    span.set_attributes(length.into_iter());
    span.set_attributes([KeyValue::new("http.status_code", i64::from(status))].into_iter());
    if status >= 400 {
        span.set_status(Status::error(format!("error with HTTP status code {status}")));
    }
}

fn fail(span: &LimitedSpan, message: String) {
    span.set_status(Status::error("request failed"));
    let attributes = [
        KeyValue::new("exception.type", "egress::RequestError"),
        KeyValue::new("exception.message", message),
    ];
    span.add_event("exception", attributes.into_iter());
}

/// Returns the length that the response's head declares, unless it is zero. As in Go, a decoded body has none.
fn declared_length<B: Body>(response: &Response<B>) -> Option<i64> {
    let length = response.headers().get(http::header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()?;
    (length > 0).then_some(length)
}

/// Returns the URL without userinfo, and with its query values replaced: these carry keys and tokens. Not much more of it
/// than a span keeps.
fn redacted(uri: &Uri) -> String {
    let scheme = uri.scheme_str().unwrap_or_default();
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let mut text = format!("{scheme}://{authority}{}", uri.path());
    for (index, pair) in uri.query().into_iter().flat_map(|query| query.split('&')).enumerate() {
        if text.len() > SPAN_TEXT {
            break;
        }
        text.push(if index == 0 { '?' } else { '&' });
        match pair.split_once('=') {
            Some((key, _)) => {
                text.push_str(key);
                text.push_str("=REDACTED");
            }
            // Text without a key may itself be the secret.
            None if pair.is_empty() => {}
            None => text.push_str("REDACTED"),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::TraceContextExt as _;

    use super::*;
    use crate::telemetry::MAX_SPANS;
    use crate::telemetry::test::recording;

    #[test]
    fn urls_lose_userinfo_and_query_values() {
        let cases = [
            ("http://h:81/a/b", "http://h:81/a/b"),
            ("https://u:p@h/", "https://h/"),
            (
                "https://h/a?key=secret&b=&flag&c=1=2",
                "https://h/a?key=REDACTED&b=REDACTED&REDACTED&c=REDACTED",
            ),
        ];
        for (uri, expected) in cases {
            assert_eq!(redacted(&uri.parse().unwrap()), expected);
        }
    }

    #[test]
    fn requests_beyond_the_limit_of_a_call_are_sent_without_spans_of_their_own() {
        let (telemetry, ended) = recording();
        let root = telemetry.plugin().start(SpanBuilder::from_name("call"), &Context::new());
        let allowance = SpanAllowance::of_requests();
        let parent = root.with_value(allowance.clone());
        let tracing = RequestTracing::new(telemetry);
        let mut last = Request::new(());
        for _ in 0..MAX_SPANS + 5 {
            let mut request = Request::new(());
            drop(tracing.start(&mut request, &[], &parent));
            last = request;
        }
        assert_eq!((ended.spans().len(), allowance.0.refused()), (MAX_SPANS, 5));
        let sent = last.headers()["traceparent"].to_str().unwrap();
        assert!(sent.contains(&root.span().span_context().span_id().to_string()), "{sent}");
    }

    #[test]
    fn a_long_url_is_cut() {
        for query in ["a&".repeat(30_000), format!("{}=1", "x".repeat(60_000))] {
            let (telemetry, ended) = recording();
            let root = telemetry.plugin().start(SpanBuilder::from_name("call"), &Context::new());
            let mut request = Request::get(format!("http://h/?{query}")).body(()).unwrap();
            drop(RequestTracing::new(telemetry).start(&mut request, &[], &root));
            let spans = ended.spans();
            let url = spans[0].attributes.iter().find(|attribute| attribute.key.as_str() == "http.url");
            assert_eq!(url.unwrap().value.as_str().len(), SPAN_TEXT);
        }
    }
}
