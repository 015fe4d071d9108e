//! What to do with a request that is too large for the collector: send its halves.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans};
use tonic::{Code, Status};

/// How servers say it. The same codes also mean that a quota is used up or that a value is invalid, and then halves do
/// not help.
const WORDS: [&str; 8] = [
    "larger than",
    "too large",
    "too big",
    "message size",
    "maximum size",
    "max size",
    "size limit",
    "length limit",
];

/// Returns whether a smaller request could pass. `OutOfRange` would otherwise be tried again as it is, for a minute.
pub(super) fn is_too_large(status: &Status) -> bool {
    let codes = [Code::ResourceExhausted, Code::OutOfRange, Code::InvalidArgument];
    let message = status.message().to_lowercase();
    codes.contains(&status.code()) && WORDS.iter().any(|words| message.contains(words))
}

pub(super) fn count(request: &ExportTraceServiceRequest) -> usize {
    let scopes = request.resource_spans.iter().flat_map(|resource| &resource.scope_spans);
    scopes.map(|scope| scope.spans.len()).sum()
}

/// Returns the first and the second half of a request with more than one span.
pub(super) fn halves(mut request: ExportTraceServiceRequest) -> [ExportTraceServiceRequest; 2] {
    let mut left = count(&request) / 2;
    let mut second = ExportTraceServiceRequest::default();
    for resource in &mut request.resource_spans {
        let mut scope_spans = Vec::new();
        for scope in &mut resource.scope_spans {
            let kept = left.min(scope.spans.len());
            left -= kept;
            let spans = scope.spans.split_off(kept);
            if !spans.is_empty() {
                let (schema_url, scope) = (scope.schema_url.clone(), scope.scope.clone());
                scope_spans.push(ScopeSpans { scope, spans, schema_url });
            }
        }
        resource.scope_spans.retain(|scope| !scope.spans.is_empty());
        if !scope_spans.is_empty() {
            let (schema_url, resource) = (resource.schema_url.clone(), resource.resource.clone());
            second.resource_spans.push(ResourceSpans { resource, scope_spans, schema_url });
        }
    }
    request.resource_spans.retain(|resource| !resource.scope_spans.is_empty());
    [request, second]
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::trace::v1::Span;

    use super::*;

    fn names(request: &ExportTraceServiceRequest) -> Vec<Vec<Vec<&str>>> {
        request
            .resource_spans
            .iter()
            .map(|resource| {
                let scopes = resource.scope_spans.iter();
                scopes.map(|scope| scope.spans.iter().map(|span| span.name.as_str()).collect()).collect()
            })
            .collect()
    }

    #[test]
    fn halves_keep_every_span_under_its_resource_and_scope() {
        let scope = |url: &str, names: &[&str]| ScopeSpans {
            schema_url: url.to_owned(),
            spans: names.iter().map(|name| Span { name: (*name).to_owned(), ..Span::default() }).collect(),
            ..ScopeSpans::default()
        };
        let resource = |url: &str, scope_spans| ResourceSpans {
            schema_url: url.to_owned(),
            scope_spans,
            ..ResourceSpans::default()
        };
        let request = ExportTraceServiceRequest {
            resource_spans: vec![
                resource("one", vec![scope("a", &["1"]), scope("b", &["2", "3"])]),
                resource("two", vec![scope("c", &["4", "5"])]),
            ],
        };
        let [first, second] = halves(request);
        assert_eq!(names(&first), [[vec!["1"], vec!["2"]]]);
        assert_eq!(names(&second), [[vec!["3"]], [vec!["4", "5"]]]);
        let urls: Vec<_> = second
            .resource_spans
            .iter()
            .map(|resource| (resource.schema_url.as_str(), resource.scope_spans[0].schema_url.as_str()))
            .collect();
        assert_eq!(urls, [("one", "b"), ("two", "c")]);
        let [one, other] = halves(first);
        assert_eq!((count(&one), count(&other)), (1, 1));
    }

    #[test]
    fn a_refusal_for_the_size_is_told_from_others() {
        for (code, message) in [
            (Code::ResourceExhausted, "grpc: received message larger than max (5000000 vs. 4194304)"),
            (Code::ResourceExhausted, "Received message larger than max"),
            (Code::ResourceExhausted, "gRPC message exceeds maximum size 4194304: 5000000"),
            (
                Code::OutOfRange,
                "Error, decoded message length too large: found 5000000 bytes, the limit is: 4194304 bytes",
            ),
            (Code::InvalidArgument, "request body too large"),
        ] {
            assert!(is_too_large(&Status::new(code, message)), "{message}");
        }
        for (code, message) in [
            (Code::ResourceExhausted, "RATE_LIMITED: ingestion rate limit exceeded"),
            (Code::InvalidArgument, "no"),
            (Code::Unavailable, "too large a backlog"),
        ] {
            assert!(!is_too_large(&Status::new(code, message)), "{message}");
        }
    }
}
