//! What a fake host has recorded.

use std::fmt::{self, Display};
use std::time::Duration;

use serde_json::{Map, Value};

use crate::Time;
use crate::host::native::json;
use crate::log::Level;
use crate::span::{SpanContext, SpanKind};

/// A log line that the plugin has written. [`Host::log`](super::Host::log) has an example.
#[derive(Clone, Debug, PartialEq)]
pub struct LogRecord {
    pub level: Level,
    pub message: String,
    /// The line's fields, as JSON.
    pub attributes: Map<String, Value>,
}

/// A span that the plugin has started. Those of the host, such as that of a request, are not among them.
///
/// ```
/// # use gpx_sdk::{Fault, span, test::{Host, SpanStatus}};
/// let host = Host::new();
/// {
///     let _read = span!("read");
///     let decode = span!("decode", "rows" = 2);
///     decode.add_event("begun", []);
///     decode.error(&Fault::plugin("row 2 is cut off"));
/// }
///
/// let [read, decode] = host.spans().try_into().unwrap();
/// assert_eq!((read.parent, decode.parent), (None, Some(0)));
/// assert_eq!(decode.attributes["rows"], 2);
/// assert_eq!(decode.status, SpanStatus::Error("row 2 is cut off".to_owned()));
/// let [begun, exception] = decode.events.try_into().unwrap();
/// assert_eq!((begun.name.as_str(), exception.name.as_str()), ("begun", "exception"));
/// assert_eq!(exception.attributes["exception.message"], "row 2 is cut off");
/// ```
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
///
/// ```
/// # use gpx_sdk::{http, test::{Host, any, status}};
/// # let host = Host::new();
/// # host.given(any()).respond(status(200));
/// http::get("http://prices.example").span_name("get price").span_attribute("price.symbol", "gold").send()?;
/// let span = host.requests().remove(0).own_span.unwrap();
/// assert_eq!((span.name.as_deref(), &span.attributes["price.symbol"]), (Some("get price"), &"gold".into()));
/// # Ok::<_, gpx_sdk::Fault>(())
/// ```
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

/// An event of a span: [`SpanRecord`] has an example. An error is one named `exception`, with `exception.message`.
#[derive(Clone, Debug, PartialEq)]
pub struct EventRecord {
    pub name: String,
    pub attributes: Map<String, Value>,
}

/// How a span has ended: [`SpanRecord`] has an example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpanStatus {
    Unset,
    Ok,
    /// With the message.
    Error(String),
}

// === impl SpanRecord ===

impl SpanRecord {
    /// Returns how long the span has taken. `None` while it is open.
    #[must_use]
    pub fn duration(&self) -> Option<Duration> {
        let nanos = self.end?.unix_nanos().saturating_sub(self.start.unix_nanos());
        Some(Duration::from_nanos(u64::try_from(nanos).unwrap_or_default()))
    }
}

/// As a line of the test's output.
impl Display for SpanRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "span: {}{}", self.name, json::pairs(&self.attributes))?;
        if let SpanStatus::Error(message) = &self.status {
            write!(f, " (error: {message})")?;
        }
        match self.duration() {
            Some(duration) if !duration.is_zero() => write!(f, ", {duration:?}"),
            _ => Ok(()),
        }
    }
}

/// The values of a metric with certain values of its labels.
pub(crate) struct Measurement {
    pub(crate) name: String,
    pub(crate) labels: Vec<String>,
    /// The sum of a counter, the value of a gauge, or all values of a histogram.
    pub(crate) values: Vec<f64>,
}
