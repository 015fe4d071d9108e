//! The client span of one request, as the Go SDK makes it, but without credentials and query values in its URL.

use http::{Request, Response, Uri};
use http_body::Body;
use opentelemetry::trace::{SpanBuilder, SpanKind, Status, TraceContextExt as _};
use opentelemetry::{Context, KeyValue};

use super::events::Events;
use crate::egress::error::RequestError;
use crate::telemetry::{Telemetry, Tracer};

/// The headers in which a guest could pass a trace context on; the host's own context takes their place.
const PROPAGATION_HEADERS: [&str; 4] = ["traceparent", "tracestate", "baggage", "uber-trace-id"];

/// Starts the spans of requests, in the scope of the plugin.
#[derive(Clone)]
pub(in crate::egress) struct RequestTracing {
    telemetry: Telemetry,
    tracer: Tracer,
}

/// Ends with `finish`, or when it is dropped because nothing waits for the response any more.
pub(in crate::egress) struct RequestSpan {
    context: Context,
    finished: bool,
}

// === impl RequestTracing ===

impl RequestTracing {
    pub(in crate::egress) fn new(telemetry: Telemetry) -> Self {
        Self { tracer: telemetry.plugin(), telemetry }
    }

    /// Starts a child of `parent`, and puts its context into the request's headers.
    pub(in crate::egress) fn start<B>(
        &self,
        request: &mut Request<B>,
        labels: &[(&'static str, String)],
        parent: &Context,
    ) -> RequestSpan {
        let builder = SpanBuilder::from_name("HTTP Outgoing Request").with_kind(SpanKind::Client);
        let context = self.tracer.start(builder, parent);
        for header in PROPAGATION_HEADERS {
            request.headers_mut().remove(header);
        }
        self.telemetry.inject(&context, request.headers_mut());
        let span = context.span();
        if span.is_recording() {
            span.set_attributes(labels.iter().map(|(key, value)| KeyValue::new(*key, value.clone())));
            span.set_attribute(KeyValue::new("http.url", redacted(request.uri())));
            span.set_attribute(KeyValue::new("http.method", request.method().to_string()));
        }
        RequestSpan { context, finished: false }
    }
}

// === impl RequestSpan ===

impl RequestSpan {
    pub(in crate::egress) fn events(&self) -> Events {
        Events::new(&self.context)
    }

    pub(in crate::egress) fn finish<B: Body>(mut self, result: &Result<Response<B>, RequestError>) {
        self.finished = true;
        match result {
            Ok(response) => self.succeed(response),
            Err(error) => self.fail(error.chain()),
        }
        self.context.span().end();
    }

    fn succeed<B: Body>(&self, response: &Response<B>) {
        let (span, status) = (self.context.span(), response.status());
        if let Some(length) = declared_length(response) {
            span.set_attribute(KeyValue::new("http.content_length", length));
        }
        span.set_attribute(KeyValue::new("http.status_code", i64::from(status.as_u16())));
        if status.as_u16() >= 400 {
            span.set_status(Status::error(format!("error with HTTP status code {}", status.as_u16())));
        }
    }

    fn fail(&self, message: String) {
        let span = self.context.span();
        span.set_status(Status::error("request failed"));
        span.add_event(
            "exception",
            vec![
                KeyValue::new("exception.type", "egress::RequestError"),
                KeyValue::new("exception.message", message),
            ],
        );
    }
}

impl Drop for RequestSpan {
    fn drop(&mut self) {
        if !self.finished {
            self.fail("the request was cancelled".to_owned());
            self.context.span().end();
        }
    }
}

/// Returns the length that the response's head declares, unless it is zero. As in Go, a decoded body has none.
fn declared_length<B: Body>(response: &Response<B>) -> Option<i64> {
    let length = response.headers().get(http::header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()?;
    (length > 0).then_some(length)
}

/// Returns the URL without userinfo, and with its query values replaced: these carry keys and tokens.
fn redacted(uri: &Uri) -> String {
    let scheme = uri.scheme_str().unwrap_or_default();
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let mut text = format!("{scheme}://{authority}{}", uri.path());
    for (index, pair) in uri.query().into_iter().flat_map(|query| query.split('&')).enumerate() {
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
    use super::*;

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
}
