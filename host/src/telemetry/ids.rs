//! The ids of spans: random, except for a span that its component has named already.

use std::cell::Cell;

use opentelemetry::trace::{SpanId, TraceId};
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator};

/// The SDK asks for an id, and takes none.
#[derive(Debug, Default)]
pub(super) struct Ids(RandomIdGenerator);

thread_local! {
    /// That of the span that is being started.
    static NEXT: Cell<Option<SpanId>> = const { Cell::new(None) };
}

/// Starts a span that has this id.
pub(super) fn with<R>(id: SpanId, start: impl FnOnce() -> R) -> R {
    NEXT.set(Some(id));
    let started = start();
    NEXT.set(None);
    started
}

impl IdGenerator for Ids {
    fn new_trace_id(&self) -> TraceId {
        self.0.new_trace_id()
    }

    fn new_span_id(&self) -> SpanId {
        NEXT.take().unwrap_or_else(|| self.0.new_span_id())
    }
}
