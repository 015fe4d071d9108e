//! The server spans that have not ended yet. A span lasts until its reply has been sent, and a caller that does not read may
//! keep a reply for ever.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use opentelemetry::trace::{SpanId, Status as SpanStatus, TraceContextExt as _};
use opentelemetry::{Context, KeyValue};
use tokio::sync::Notify;
use tokio::time::timeout;
use tonic::Status;

use super::code;

/// How long replies may take to be sent once the process is asked to stop.
const REPLIES: Duration = Duration::from_millis(100);

/// The server spans that have not ended. Cheap to clone; all clones are the same.
#[derive(Clone, Default)]
pub(crate) struct OpenSpans(Arc<Shared>);

/// A server span, which is one of the open ones until this is dropped.
pub(super) struct OpenSpan {
    context: Context,
    open: OpenSpans,
}

#[derive(Default)]
struct Shared {
    spans: Mutex<HashMap<SpanId, Context>>,
    /// Wakes `end`: none is open.
    none: Notify,
}

// === impl OpenSpans ===

impl OpenSpans {
    /// Adds a span. Returns `None` if it is not recorded, and so must not be ended: it is the caller's.
    pub(super) fn add(&self, context: &Context) -> Option<OpenSpan> {
        if !context.span().is_recording() {
            return None;
        }
        self.lock().insert(context.span().span_context().span_id(), context.clone());
        Some(OpenSpan { context: context.clone(), open: self.clone() })
    }

    /// Used when the process ends, once the calls have: waits until their replies have been sent, and ends the spans of
    /// those that nobody reads.
    pub(crate) async fn end(&self) {
        let _ = timeout(REPLIES, self.sent()).await;
        let unread = std::mem::take(&mut *self.lock());
        for context in unread.into_values() {
            end(&context, &Status::cancelled("the plugin is being stopped"));
        }
    }

    /// Waits until none is open.
    async fn sent(&self) {
        loop {
            let none = self.0.none.notified();
            if self.lock().is_empty() {
                return;
            }
            none.await;
        }
    }

    fn remove(&self, span: SpanId) {
        let mut spans = self.lock();
        let context = spans.remove(&span);
        if spans.is_empty() {
            self.0.none.notify_waiters();
        }
        drop(spans);
        drop(context);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SpanId, Context>> {
        self.0.spans.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl OpenSpan ===

impl OpenSpan {
    /// Ends it as its call did.
    pub(super) fn end(self, status: &Status) {
        end(&self.context, status);
    }
}

impl Drop for OpenSpan {
    fn drop(&mut self) {
        // Only now has it ended, if it has: whoever waits for that sends what has ended.
        self.open.remove(self.context.span().span_context().span_id());
    }
}

/// Has no effect on a span that has ended.
fn end(context: &Context, status: &Status) {
    let span = context.span();
    span.set_attribute(KeyValue::new("rpc.response.status_code", code::upper_snake(status.code())));
    if code::is_servers_fault(status.code()) {
        span.set_status(SpanStatus::error(status.message().to_owned()));
    }
    span.end();
}
