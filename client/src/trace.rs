//! A trace as a tree of spans, read from OTLP.

mod waterfall;

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, RandomState};
use std::time::{SystemTime, UNIX_EPOCH};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use serde_json::Value;

pub use self::waterfall::{duration, waterfall};

pub type Attributes = BTreeMap<String, Value>;

#[derive(Clone, Debug, Default)]
pub struct Trace {
    pub spans: Vec<Span>,
}

#[derive(Clone, Debug, Default, serde::Deserialize, serde::Serialize)]
pub struct Span {
    pub name: String,
    /// "internal", "server", "client", …
    pub kind: String,
    pub trace_id: String,
    pub span_id: String,
    /// Empty for a span without a parent.
    pub parent_id: String,
    /// Nanoseconds since 1970.
    pub start: u64,
    pub end: u64,
    pub attributes: Attributes,
    pub events: Vec<Event>,
    pub links: Vec<(String, String)>,
    /// "unset", "ok" or "error".
    pub status: String,
    pub status_message: String,
    pub scope: String,
    pub resource: Attributes,
}

#[derive(Clone, Debug, Default, serde::Deserialize, serde::Serialize)]
pub struct Event {
    pub name: String,
    pub time: u64,
    pub attributes: Attributes,
}

// === impl Trace ===

impl Trace {
    pub fn new(spans: Vec<Span>) -> Self {
        Self { spans }
    }

    pub fn named(&self, name: &str) -> Vec<&Span> {
        self.spans.iter().filter(|span| span.name == name).collect()
    }

    pub fn has(&self, names: &[&str]) -> bool {
        names.iter().all(|name| self.spans.iter().any(|span| span.name == *name))
    }

    /// Returns the spans whose parent is not in this trace. Usually the parent is the caller's own span.
    pub fn roots(&self) -> Vec<&Span> {
        let known = |id: &str| self.spans.iter().any(|span| span.span_id == id);
        self.in_order(|span| !known(&span.parent_id))
    }

    pub fn children(&self, parent: &Span) -> Vec<&Span> {
        self.in_order(|span| span.parent_id == parent.span_id)
    }

    /// Returns the names from the outermost known span down to this one.
    pub fn path(&self, span: &Span) -> Vec<&str> {
        let mut path = Vec::new();
        let mut next = self.spans.iter().find(|known| known.span_id == span.span_id);
        while let Some(span) = next {
            path.insert(0, span.name.as_str());
            next = self.spans.iter().find(|known| known.span_id == span.parent_id);
        }
        path
    }

    fn in_order(&self, fits: impl Fn(&Span) -> bool) -> Vec<&Span> {
        let mut spans: Vec<_> = self.spans.iter().filter(|span| fits(span)).collect();
        spans.sort_by_key(|span| span.start);
        spans
    }
}

// === impl Span ===

impl Span {
    pub fn all_of(request: ExportTraceServiceRequest) -> Vec<Self> {
        let mut all = Vec::new();
        for of_resource in request.resource_spans {
            let resource =
                attributes(of_resource.resource.map(|resource| resource.attributes).unwrap_or_default());
            for of_scope in of_resource.scope_spans {
                let scope = of_scope.scope.map(|scope| scope.name).unwrap_or_default();
                all.extend(of_scope.spans.into_iter().map(|span| Self::of(span, &scope, &resource)));
            }
        }
        all
    }

    pub fn event_names(&self) -> Vec<&str> {
        self.events.iter().map(|event| event.name.as_str()).collect()
    }

    /// Returns an attribute as text, a number as digits, or an empty string if there is none.
    pub fn text(&self, key: &str) -> String {
        match self.attributes.get(key) {
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => String::new(),
        }
    }

    fn of(span: opentelemetry_proto::tonic::trace::v1::Span, scope: &str, resource: &Attributes) -> Self {
        let kind = span.kind();
        let status = span.status.unwrap_or_default();
        Self {
            kind: match kind {
                SpanKind::Server => "server",
                SpanKind::Client => "client",
                SpanKind::Producer => "producer",
                SpanKind::Consumer => "consumer",
                SpanKind::Internal | SpanKind::Unspecified => "internal",
            }
            .to_owned(),
            status: match status.code() {
                StatusCode::Unset => "unset",
                StatusCode::Ok => "ok",
                StatusCode::Error => "error",
            }
            .to_owned(),
            status_message: status.message,
            trace_id: hex(&span.trace_id),
            span_id: hex(&span.span_id),
            parent_id: hex(&span.parent_span_id),
            start: span.start_time_unix_nano,
            end: span.end_time_unix_nano,
            attributes: attributes(span.attributes),
            events: span
                .events
                .into_iter()
                .map(|event| Event {
                    name: event.name,
                    time: event.time_unix_nano,
                    attributes: attributes(event.attributes),
                })
                .collect(),
            links: span.links.iter().map(|link| (hex(&link.trace_id), hex(&link.span_id))).collect(),
            name: span.name,
            scope: scope.to_owned(),
            resource: resource.clone(),
        }
    }
}

fn attributes(pairs: Vec<KeyValue>) -> Attributes {
    pairs.into_iter().map(|pair| (pair.key, pair.value.map_or(Value::Null, value))).collect()
}

fn value(any: AnyValue) -> Value {
    match any.value {
        Some(Any::StringValue(text)) => text.into(),
        Some(Any::BoolValue(value)) => value.into(),
        Some(Any::IntValue(value)) => value.into(),
        Some(Any::DoubleValue(value)) => value.into(),
        Some(Any::ArrayValue(list)) => list.values.into_iter().map(value).collect(),
        Some(Any::KvlistValue(list)) => Value::Object(attributes(list.values).into_iter().collect()),
        Some(Any::BytesValue(bytes)) => hex(&bytes).into(),
        _ => Value::Null,
    }
}

/// Returns ids for a new trace and for a span in it.
pub fn ids() -> (String, String) {
    let random = || RandomState::new().hash_one(now());
    (format!("{:016x}{:016x}", random(), random()), format!("{:016x}", random()))
}

/// Nanoseconds since 1970.
pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_nanos().try_into().unwrap_or_default()
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
