//! What a fake host has recorded.

use serde_json::{Map, Value};

use crate::Time;
use crate::log::Level;
use crate::span::{SpanContext, SpanKind};

/// A log line that the plugin has written.
#[derive(Clone, Debug, PartialEq)]
pub struct LogRecord {
    pub level: Level,
    pub message: String,
    /// The line's fields, as JSON.
    pub attributes: Map<String, Value>,
}

/// A span that the plugin has started. Those of the host, such as that of a request, are not among them.
#[derive(Clone, Debug)]
pub struct SpanRecord {
    pub name: String,
    pub kind: SpanKind,
    /// The position of the span around it in [`Host::spans`](super::Host::spans). `None`: it is a child of the call's.
    pub parent: Option<usize>,
    pub attributes: Map<String, Value>,
    pub events: Vec<EventRecord>,
    pub links: Vec<SpanContext>,
    pub status: SpanStatus,
    pub start: Time,
    /// `None` while it is open.
    pub end: Option<Time>,
}

/// What the plugin has said of the span of a request. The host makes that span.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestSpanRecord {
    /// `None`: the usual name.
    pub name: Option<String>,
    pub attributes: Map<String, Value>,
    /// How often the request had been sent before.
    pub resent: u32,
    /// There is no span.
    pub hidden: bool,
}

/// An event of a span. An error is one named `exception`, with `exception.message`.
#[derive(Clone, Debug, PartialEq)]
pub struct EventRecord {
    pub name: String,
    pub attributes: Map<String, Value>,
}

/// How a span has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpanStatus {
    Unset,
    Ok,
    /// With the message.
    Error(String),
}

/// The values of a metric with certain values of its labels.
pub(crate) struct Measurement {
    pub(crate) name: String,
    pub(crate) labels: Vec<String>,
    /// The sum of a counter, the value of a gauge, or all values of a histogram.
    pub(crate) values: Vec<f64>,
}
