//! Spans in Grafana's own trace.
//!
//! A span is current from its start until it is dropped: spans started meanwhile become its children, and so do the
//! requests that [`crate::http`] sends. With tracing off, all of it still works and costs next to nothing.
//!
//! Names and meanings are those of the crate `opentelemetry`.

use std::error::Error;
use std::fmt::Display;
use std::time::SystemTime;

use crate::fault::messages;
use crate::host::tracer;
use crate::{Attribute, ToValue};

pub use crate::bindings::base::gpx::plugin::tracer::{Link, RequestOptions, SpanContext, SpanKind, Status};

/// Starts a span that ends when the returned guard is dropped: `span!("name", "key" = value, …)`.
///
/// ```no_run
/// # let table = "prices";
/// let span = gpx_sdk::span!("read table", "db.table" = table);
/// span.add_event("connected", []);
/// span.set_attribute("db.rows", 3);
/// ```
#[macro_export]
macro_rules! span {
    ($name:expr $(, $key:literal = $value:expr)* $(,)?) => {
        $crate::span::builder($name).with_attributes($crate::attributes!($($key = $value),*)).start()
    };
}

/// A started span. Dropping it ends it.
#[must_use = "a span ends when it is dropped: bind it to a name, and not to `_`"]
#[derive(Debug)]
pub struct Span(tracer::Span);

/// What is set on a span before it starts. [`builder`] makes it.
#[derive(Debug)]
pub struct SpanBuilder {
    name: String,
    options: tracer::StartOptions,
}

/// A span with more than attributes: kind, links, parent, start time. Otherwise [`span!`](crate::span!) is shorter.
pub fn builder(name: &str) -> SpanBuilder {
    let options = tracer::StartOptions {
        kind: SpanKind::Internal,
        attributes: Vec::new(),
        links: Vec::new(),
        parent: None,
        start_time: None,
        detached: false,
    };
    SpanBuilder { name: name.to_owned(), options }
}

/// The current span, or the host's span around this call. `None` if there is no trace.
pub fn current() -> Option<SpanContext> {
    tracer::current()
}

/// Returns a context that stands for what the span of one request shall be, for a request that another client sends: put its
/// [`traceparent`](SpanContext::traceparent) into that header. [`crate::http`] does so for `span_name` and the like.
pub fn describe_request(options: &RequestOptions) -> SpanContext {
    tracer::describe_request(options)
}

// === impl Span ===

impl Span {
    /// Sets an attribute. A key that is set again takes the new value.
    pub fn set_attribute(&self, key: &str, value: impl ToValue) {
        self.0.set_attributes(&[Attribute::new(key, &value)]);
    }

    /// Sets several attributes at once: `span.set_attributes(attributes!("db.table" = table, "db.rows" = 3))`.
    pub fn set_attributes(&self, attributes: impl IntoIterator<Item = Attribute>) {
        let attributes = Vec::from_iter(attributes);
        if !attributes.is_empty() {
            self.0.set_attributes(&attributes);
        }
    }

    /// Adds an event, now: `span.add_event("retried", attributes!("attempt" = 2))`, or with `[]` for one without attributes.
    pub fn add_event(&self, name: &str, attributes: impl IntoIterator<Item = Attribute>) {
        self.0.add_event(name, &Vec::from_iter(attributes));
    }

    /// Adds a link to another span, of this trace or any other.
    pub fn add_link(&self, span_context: SpanContext, attributes: impl IntoIterator<Item = Attribute>) {
        self.0.add_link(&Link::new(span_context, attributes));
    }

    /// Records an error with its type and the errors that caused it, as an event `exception`. It does not change the status.
    ///
    /// ```
    /// # let host = gpx_sdk::test::Host::new();
    /// let span = gpx_sdk::span!("parse");
    /// if let Err(err) = "7 pieces".parse::<i32>() {
    ///     span.record_error(&err);
    /// }
    /// # drop(span);
    /// # assert_eq!(host.spans()[0].events[0].attributes["exception.type"], "core::num::error::ParseIntError");
    /// ```
    pub fn record_error<E: Error + 'static>(&self, error: &E) {
        self.0.record_error(&messages(error), std::any::type_name::<E>());
    }

    /// Records what went wrong as an event `exception` and marks the span as failed, as `tracing.Error` of Grafana's Go SDK does.
    pub fn error(&self, error: &(impl Display + ?Sized)) {
        let message = error.to_string();
        self.0.record_error(&message, "");
        self.set_status(Status::Error(message));
    }

    /// Says how it went: `span.set_status(Status::error("no such table"))`. `Status::Ok` stays, whatever is set later.
    pub fn set_status(&self, status: Status) {
        self.0.set_status(&status);
    }

    pub fn update_name(&self, name: &str) {
        self.0.update_name(name);
    }

    /// Makes the span current, above all others that are open: for an executor, each time that it continues with what the span is about.
    pub fn attach(&self) {
        self.0.attach();
    }

    /// The span is no longer current, and stays open.
    pub fn detach(&self) {
        self.0.detach();
    }

    /// Whether anything that is set on this span is kept. Ask before computing something costly.
    pub fn is_recording(&self) -> bool {
        self.0.is_recording()
    }

    /// The span's ids, to refer to it elsewhere.
    pub fn span_context(&self) -> SpanContext {
        self.0.context()
    }

    /// Ends the span, as its drop does.
    pub fn end(self) {}

    /// Ends the span at the given time, not at the time of its drop.
    pub fn end_with_timestamp(self, time: SystemTime) {
        self.0.end(Some(unix_nanos(time)));
    }
}

// === impl SpanBuilder ===

impl SpanBuilder {
    pub fn with_kind(mut self, kind: SpanKind) -> Self {
        self.options.kind = kind;
        self
    }

    /// In addition to those that it has.
    pub fn with_attributes(mut self, attributes: impl IntoIterator<Item = Attribute>) -> Self {
        self.options.attributes.extend(attributes);
        self
    }

    /// In addition to those that it has.
    pub fn with_links(mut self, links: impl IntoIterator<Item = Link>) -> Self {
        self.options.links.extend(links);
        self
    }

    /// Makes it a child of an open span of this call, instead of the current one.
    pub fn with_parent(mut self, parent: SpanContext) -> Self {
        self.options.parent = Some(parent);
        self
    }

    pub fn with_start_time(mut self, time: SystemTime) -> Self {
        self.options.start_time = Some(unix_nanos(time));
        self
    }

    /// Keeps it from becoming the current span.
    pub fn detached(mut self) -> Self {
        self.options.detached = true;
        self
    }

    pub fn start(self) -> Span {
        Span(tracer::start(&self.name, &self.options))
    }
}

// === impl Link ===

impl Link {
    pub fn new(span_context: SpanContext, attributes: impl IntoIterator<Item = Attribute>) -> Self {
        Self { context: span_context, attributes: Vec::from_iter(attributes) }
    }
}

// === impl Status ===

impl Status {
    /// It failed, and why.
    pub fn error(description: impl Into<String>) -> Self {
        Self::Error(description.into())
    }
}

// === impl SpanContext ===

impl SpanContext {
    /// The W3C `traceparent` header that names this span.
    pub fn traceparent(&self) -> String {
        format!("00-{}-{}-{:02x}", self.trace_id, self.span_id, u8::from(self.sampled))
    }
}

/// Times before 1970 and after 2554 become the nearest that can be expressed.
fn unix_nanos(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
