//! What the trace says about a request: its client span, and what happens on its connection as events of that span.

mod events;
mod names;
mod open_span;
mod outcome;
mod span;
mod wording;

pub(super) use self::events::{Events, Reuse};
pub(super) use self::open_span::OpenSpan;
pub(super) use self::span::RequestTracing;
pub(crate) use self::span::{RequestDescription, RequestParent};
