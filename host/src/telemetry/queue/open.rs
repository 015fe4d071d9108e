//! What is known about spans between their start and their end, beside the data that the SDK keeps.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use opentelemetry::Context;
use opentelemetry::trace::{SpanId, TraceContextExt as _};
use opentelemetry_sdk::trace::SpanData;
use tokio::sync::Notify;

use crate::telemetry::owner::SpanOwner;

#[derive(Debug, Default)]
pub(in crate::telemetry) struct OpenSpans {
    spans: Mutex<Started>,
    /// Wakes those who flush: no span is open.
    settled: Notify,
}

/// What a span should have had, and was not kept because of a limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Missing {
    pub attributes: u32,
    pub events: u32,
    pub links: u32,
}

#[derive(Debug, Default)]
struct Started {
    open: HashMap<SpanId, Open>,
    /// Those that have ended and are not in the queue yet.
    ending: usize,
}

#[derive(Clone, Copy, Debug, Default)]
struct Open {
    owner: SpanOwner,
    missing: Missing,
}

// === impl OpenSpans ===

impl OpenSpans {
    /// Counts what is missing in an open span; the numbers are exported with it.
    pub(in crate::telemetry) fn count(&self, span: SpanId, missing: Missing) {
        if let Some(open) = self.lock().open.get_mut(&span) {
            open.missing.add(missing);
        }
    }

    pub(super) async fn settled(&self) {
        loop {
            let settled = self.settled.notified();
            if self.lock().is_empty() {
                return;
            }
            settled.await;
        }
    }

    /// The span belongs to whom `parent` belongs to. A parent that belonged to nobody belongs to the same from now on:
    /// a server span starts before its call is read.
    pub(in crate::telemetry) fn begin(&self, span: SpanId, parent: &Context) {
        let owner = parent.get::<SpanOwner>().copied().unwrap_or_default();
        let mut spans = self.lock();
        if owner != SpanOwner::default()
            && let Some(open) = spans.open.get_mut(&parent.span().span_context().span_id())
            && open.owner == SpanOwner::default()
        {
            open.owner = owner;
        }
        spans.open.insert(span, Open { owner, missing: Missing::default() });
    }

    /// Completes a span that has ended, and returns its owner. `ended` must follow.
    pub(in crate::telemetry) fn end(&self, span: &mut SpanData) -> SpanOwner {
        let mut spans = self.lock();
        spans.ending += 1;
        let Open { owner, missing } = spans.open.remove(&span.span_context.span_id()).unwrap_or_default();
        drop(spans);
        let more = |count: &mut u32, missing| *count = count.saturating_add(missing);
        more(&mut span.dropped_attributes_count, missing.attributes);
        more(&mut span.events.dropped_count, missing.events);
        more(&mut span.links.dropped_count, missing.links);
        owner
    }

    /// A span that has ended is in the queue.
    pub(in crate::telemetry) fn ended(&self) {
        let mut spans = self.lock();
        spans.ending = spans.ending.saturating_sub(1);
        if spans.is_empty() {
            self.settled.notify_waiters();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Started> {
        self.spans.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Missing ===

impl Missing {
    pub(in crate::telemetry) fn add(&mut self, more: Self) {
        self.attributes = self.attributes.saturating_add(more.attributes);
        self.events = self.events.saturating_add(more.events);
        self.links = self.links.saturating_add(more.links);
    }
}

// === impl Started ===

impl Started {
    fn is_empty(&self) -> bool {
        self.open.is_empty() && self.ending == 0
    }
}
