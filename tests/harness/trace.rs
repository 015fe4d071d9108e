//! What tests ask of a trace, and fail if they do not find it.

mod compare;

pub use gpx_client::trace::{Attributes, Event, Span, Trace, duration, hex, ids, now, waterfall};

pub use self::compare::{assert_alike, lines, without_ports};

/// The trace of a test's call, Grafana's span in it, and the header with both: the example of W3C Trace Context.
pub const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
pub const PARENT: &str = "b7ad6b7169203331";
pub const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// Finds a span, or fails the test.
pub trait OnlySpan {
    /// The only span of that name.
    fn span(&self, name: &str) -> &Span;
}

/// Finds an event, or fails the test.
pub trait FirstEvent {
    fn event(&self, name: &str) -> &Event;
}

impl OnlySpan for Trace {
    fn span(&self, name: &str) -> &Span {
        match self.named(name).as_slice() {
            [span] => span,
            spans => panic!("{} spans are named {name:?} in\n{}", spans.len(), waterfall(self)),
        }
    }
}

impl FirstEvent for Span {
    fn event(&self, name: &str) -> &Event {
        let names = self.event_names();
        let mut events = self.events.iter();
        let found = events.find(|event| event.name == name);
        found.unwrap_or_else(|| panic!("no event {name:?} among {names:?} of span {}", self.name))
    }
}
