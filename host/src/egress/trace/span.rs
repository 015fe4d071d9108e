//! The client span of one request, as the Go SDK makes it, but without credentials and query values in its URL.

use std::borrow::Cow;
use std::sync::Arc;

use http::{Request, Response, Uri};
use opentelemetry::trace::{SpanBuilder, SpanKind};
use opentelemetry::{Context, KeyValue};

use super::events::Events;
use super::open_span::OpenSpan;
use super::outcome::{fail, succeed};
use super::{names, wording};
use crate::config::{HttpEnd, HttpNames, SpanChoices};
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
    names: HttpNames,
    end: HttpEnd,
    scrub: Scrub,
    finished: bool,
}

/// What a component says of the span of one request.
#[derive(Clone, Debug, Default)]
pub(crate) struct RequestDescription {
    /// Instead of the usual one.
    pub name: Option<String>,
    pub attributes: Vec<KeyValue>,
    /// How often the request has been sent before.
    pub resent: u32,
    /// The request has no span.
    pub hidden: bool,
}

/// What a request's span is a child of, and what its component says of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct RequestParent {
    pub context: Context,
    pub description: RequestDescription,
}

/// The name of a span that the component gives no other.
const NAME: &str = "HTTP Outgoing Request";

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
    /// request shall have no span, or if the call has sent more requests than it may have spans for.
    pub(in crate::egress) fn start<B>(
        &self,
        request: &mut Request<B>,
        labels: &[(&'static str, String)],
        parent: &Context,
        description: RequestDescription,
    ) -> RequestSpan {
        let RequestDescription { name, attributes, resent, hidden } = description;
        let &SpanChoices { http_names: names, http_end: end, .. } = self.telemetry.choices();
        let name = name.map_or(Cow::Borrowed(NAME), Cow::Owned);
        let builder = SpanBuilder::from_name(name).with_kind(SpanKind::Client);
        let allowance = parent.get().cloned().unwrap_or_else(SpanAllowance::of_requests);
        let RequestAllowance(allowance) = allowance;
        let start = || self.tracer.start_limited(builder, parent, &allowance);
        let recorded = if hidden { None } else { start().map(Arc::new) };
        for header in PROPAGATION_HEADERS {
            request.headers_mut().remove(header);
        }
        let context = recorded.as_ref().map_or(parent, |span| span.context());
        self.telemetry.inject(context, request.headers_mut());
        if let Some(span) = &recorded {
            // First, since what the host knows of the request counts more.
            span.set_attributes(attributes.into_iter());
            span.set_attributes(labels.iter().map(|(key, value)| KeyValue::new(*key, span_text(value))));
            let text = |text| self.scrub.shorten(text, SPAN_TEXT);
            let request = names::of_request(names, request, redacted(request.uri()), resent, text);
            span.set_attributes(request.into_iter());
        }
        RequestSpan { recorded, names, end, scrub: self.scrub.clone(), finished: false }
    }
}

// === impl RequestSpan ===

impl RequestSpan {
    pub(in crate::egress) fn events(&self) -> Events {
        Events::new(self.recorded.clone(), self.scrub.clone())
    }

    /// Records the head of the response, or why there is none. Returns the span if it lasts until the body has been read.
    pub(in crate::egress) fn finish<B>(
        mut self,
        result: &Result<Response<B>, RequestError>,
    ) -> Option<OpenSpan> {
        self.finished = true;
        let (names, scrub) = (self.names, self.scrub.clone());
        let span = self.recorded.take()?;
        match result {
            Ok(response) => succeed(&span, names, response),
            Err(error) => {
                let message = scrub.shorten(wording::of_request(error), SPAN_TEXT);
                fail(&span, names, error.kind().name(), message);
            }
        }
        if result.is_ok() && self.end == HttpEnd::Body {
            return Some(OpenSpan { span, names, scrub, bytes: 0, is_whole: false });
        }
        span.end(None);
        None
    }
}

impl Drop for RequestSpan {
    fn drop(&mut self) {
        if let Some(span) = self.recorded.as_ref().filter(|_| !self.finished) {
            // As Go says it.
            fail(span, self.names, "cancelled", "context canceled".to_owned());
            span.end(None);
        }
    }
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
            drop(tracing.start(&mut request, &[], &parent, RequestDescription::default()));
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
            drop(RequestTracing::new(telemetry).start(
                &mut request,
                &[],
                &root,
                RequestDescription::default(),
            ));
            let spans = ended.spans();
            let url = spans[0].attributes.iter().find(|attribute| attribute.key.as_str() == "http.url");
            assert_eq!(url.unwrap().value.as_str().len(), SPAN_TEXT);
        }
    }
}
