//! What to do with a request that is too large for the collector: send its smaller spans without its larger ones.

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans};
use prost::Message as _;

pub(super) fn count(request: &Bytes) -> u64 {
    decode(request)
        .resource_spans
        .iter()
        .flat_map(|resource| &resource.scope_spans)
        .fold(0, |count, scope| count + scope.spans.len() as u64)
}

/// Returns the smaller and the larger half of the spans of a request. `None` if it has only one.
///
/// A large span is then never sent with the many small ones, and once even the smallest is refused, the size of it is the
/// limit that the others are compared with.
pub(super) fn halves(request: &Bytes) -> Option<[Bytes; 2]> {
    let request = decode(request);
    let scopes = request.resource_spans.iter().flat_map(|resource| &resource.scope_spans);
    let mut sizes: Vec<_> = scopes.flat_map(|scope| &scope.spans).map(|span| span.encoded_len()).collect();
    if sizes.len() < 2 {
        return None;
    }
    sizes.sort_unstable();
    let half = sizes.len() / 2;
    // Below this size are those that are small in any case; of this very size, so many are.
    let median = sizes.get(half - 1).copied().unwrap_or_default();
    let below = sizes.partition_point(|size| *size < median);
    let mut same = half - below;
    let mut is_small = |size: usize| {
        size < median
            || (size == median && same > 0 && {
                same -= 1;
                true
            })
    };
    let (mut small, mut large) = (ExportTraceServiceRequest::default(), ExportTraceServiceRequest::default());
    for ResourceSpans { resource, scope_spans, schema_url } in request.resource_spans {
        let (mut small_scopes, mut large_scopes) = (Vec::new(), Vec::new());
        for ScopeSpans { scope, spans, schema_url } in scope_spans {
            let (smaller, larger): (Vec<_>, Vec<_>) =
                spans.into_iter().partition(|span| is_small(span.encoded_len()));
            for (spans, scopes) in [(smaller, &mut small_scopes), (larger, &mut large_scopes)] {
                if !spans.is_empty() {
                    let (scope, schema_url) = (scope.clone(), schema_url.clone());
                    scopes.push(ScopeSpans { scope, spans, schema_url });
                }
            }
        }
        for (scope_spans, half) in [(small_scopes, &mut small), (large_scopes, &mut large)] {
            if !scope_spans.is_empty() {
                let (resource, schema_url) = (resource.clone(), schema_url.clone());
                half.resource_spans.push(ResourceSpans { resource, scope_spans, schema_url });
            }
        }
    }
    Some([small.encode_to_vec().into(), large.encode_to_vec().into()])
}

/// What this side has encoded is decoded without a failure.
fn decode(request: &Bytes) -> ExportTraceServiceRequest {
    ExportTraceServiceRequest::decode(request.clone()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::trace::v1::Span;

    use super::*;

    fn names(request: &Bytes) -> Vec<Vec<Vec<String>>> {
        let resources = decode(request).resource_spans.into_iter();
        resources
            .map(|resource| {
                let scopes = resource.scope_spans.into_iter();
                scopes.map(|scope| scope.spans.into_iter().map(|span| span.name).collect()).collect()
            })
            .collect()
    }

    fn request() -> Bytes {
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
                resource("one", vec![scope("a", &["large1"]), scope("b", &["s", "larger3"])]),
                resource("two", vec![scope("c", &["s", "large5", "large6"])]),
            ],
        };
        request.encode_to_vec().into()
    }

    #[test]
    fn the_small_go_without_the_large_each_under_its_resource_and_scope() {
        let request = request();
        let [small, large] = halves(&request).unwrap();
        assert_eq!(names(&small), [vec![vec!["large1"], vec!["s"]], vec![vec!["s"]]]);
        assert_eq!(names(&large), [vec![vec!["larger3"]], vec![vec!["large5", "large6"]]]);
        let urls: Vec<_> = decode(&large)
            .resource_spans
            .iter()
            .map(|resource| (resource.schema_url.clone(), resource.scope_spans[0].schema_url.clone()))
            .collect();
        assert_eq!(urls, [("one".into(), "b".into()), ("two".into(), "c".into())]);
        assert_eq!((count(&request), count(&small), count(&large)), (6, 3, 3));
    }

    #[test]
    fn halves_of_halves_end_with_single_spans() {
        let mut parts = vec![request()];
        let mut single = 0;
        while let Some(part) = parts.pop() {
            match halves(&part) {
                Some(halves) => parts.extend(halves),
                None => single += count(&part),
            }
        }
        assert_eq!(single, 6);
    }
}
