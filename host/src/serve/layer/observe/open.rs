//! The server spans that have not ended yet. A span lasts until its reply has been sent, and a caller that does not read may
//! keep a reply for ever.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry::trace::{SpanId, Status as SpanStatus, TraceContextExt as _};
use opentelemetry::{Context, KeyValue};
use tokio::sync::watch;
use tokio::time::timeout;
use tonic::Status;

use super::code;

/// How long replies may take to be sent once the process is asked to stop.
const REPLIES: Duration = Duration::from_millis(100);

/// The server spans that have not ended. Cheap to clone; all clones are the same.
#[derive(Clone, Default)]
pub(crate) struct OpenSpans(Arc<watch::Sender<HashMap<SpanId, Context>>>);

/// A server span, which is one of the open ones until this is dropped.
pub(super) struct OpenSpan {
    context: Context,
    open: OpenSpans,
}

// === impl OpenSpans ===

impl OpenSpans {
    /// Adds a span. Returns `None` if it is not recorded, and so must not be ended: it is the caller's.
    pub(super) fn add(&self, context: &Context) -> Option<OpenSpan> {
        if !context.span().is_recording() {
            return None;
        }
        self.0
            .send_modify(|spans| _ = spans.insert(context.span().span_context().span_id(), context.clone()));
        Some(OpenSpan { context: context.clone(), open: self.clone() })
    }

    /// Used when the process ends, once the calls have: waits until their replies have been sent, and ends the spans of
    /// those that nobody reads.
    pub(crate) async fn end(&self) {
        // Fails only once the sender is gone, which `self` holds.
        let _ = timeout(REPLIES, self.0.subscribe().wait_for(HashMap::is_empty)).await;
        for context in self.0.send_replace(HashMap::new()).into_values() {
            end(&context, &Status::cancelled("the plugin is being stopped"));
        }
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
        self.open.0.send_modify(|spans| _ = spans.remove(&self.context.span().span_context().span_id()));
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
