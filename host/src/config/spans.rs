//! What the host's spans say, and who is told of a trace.

use super::value::Expected;

/// The operator's choices about spans. The default is what plugins on the Go SDK do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SpanChoices {
    /// Whether what the host does for a call has spans of its own.
    pub host: bool,
    pub http_end: HttpEnd,
    pub http_names: HttpNames,
    pub in_errors: TraceReference,
}

/// When the span of a request ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum HttpEnd {
    /// When the head of the response has been read.
    #[default]
    Head,
    /// When its body has been read, or is given up.
    Body,
}

/// How the attributes of a request's span are named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum HttpNames {
    /// As the Go SDK names them.
    #[default]
    Old,
    /// By OpenTelemetry's stable semantic conventions.
    New,
}

/// What the text of a query's error says of its trace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum TraceReference {
    #[default]
    Nothing,
    Id,
    /// A URL, or a path below Grafana's own, with [`TRACE_ID`] in place of the id.
    Link(String),
}

/// Stands for the id in a link.
pub(crate) const TRACE_ID: &str = "{traceId}";

pub(super) fn http_end(text: &str) -> Result<HttpEnd, Expected> {
    match text {
        "head" => Ok(HttpEnd::Head),
        "body" => Ok(HttpEnd::Body),
        _ => Err("head or body"),
    }
}

pub(super) fn http_names(text: &str) -> Result<HttpNames, Expected> {
    match text {
        "old" => Ok(HttpNames::Old),
        "new" => Ok(HttpNames::New),
        _ => Err("old or new"),
    }
}

pub(super) fn trace_reference(text: &str) -> Result<TraceReference, Expected> {
    let is_link = ["http://", "https://", "/"].iter().any(|start| text.starts_with(start));
    match text {
        "off" => Ok(TraceReference::Nothing),
        "id" => Ok(TraceReference::Id),
        _ if is_link && text.contains(TRACE_ID) => Ok(TraceReference::Link(text.to_owned())),
        _ => Err("off, id, or a URL or path in which {traceId} stands for the id"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_has_a_place_for_the_id() {
        for link in ["https://tempo/trace/{traceId}", "http://t/{traceId}?a=b", "/explore?trace={traceId}"] {
            assert_eq!(trace_reference(link), Ok(TraceReference::Link(link.to_owned())));
        }
        for text in ["on", "", "{traceId}", "https://tempo/trace", "javascript:{traceId}", "tempo/{traceId}"]
        {
            assert!(trace_reference(text).is_err(), "{text}");
        }
    }
}
