//! The spans of one call: which are open, which one is current, and how they end.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use http::HeaderMap;
use opentelemetry::trace::{SpanBuilder, SpanContext, SpanId, Status, TraceContextExt as _};
use opentelemetry::{Context, KeyValue};

use crate::telemetry::{self, Tracer};

/// How many spans one call may start. That is more than a person will ever read in a waterfall, and it stops a loop of
/// spans before it floods the collector.
const MAX_SPANS: usize = 1000;

/// The spans of one call into a component. Cheap to clone: the tracer, outgoing requests and the call itself share
/// them.
#[derive(Clone)]
pub(crate) struct CallSpans(Arc<Mutex<Spans>>);

/// A span that the component holds a handle to.
#[expect(unreachable_pub, reason = "generated code exports it")]
pub struct Span {
    pub(super) context: Context,
    spans: CallSpans,
}

/// Ends the spans that are still open when a call is over, however it ended.
pub(crate) struct EndOfCall {
    spans: CallSpans,
    status: Status,
}

struct Spans {
    tracer: Tracer,
    root: Context,
    /// Started and not yet ended, in the order in which they were started.
    open: Vec<OpenSpan>,
    started: usize,
}

struct OpenSpan {
    context: Context,
    detached: bool,
}

// === impl CallSpans ===

impl CallSpans {
    /// Makes the spans of a call. `root` holds the call's own span.
    pub(crate) fn new(tracer: Tracer, root: Context) -> Self {
        Self(Arc::new(Mutex::new(Spans { tracer, root, open: Vec::new(), started: 0 })))
    }

    /// Starts a child of `parent` if that span is open in this call. Otherwise it is a child of the current span.
    pub(super) fn start(&self, builder: SpanBuilder, parent: Option<SpanId>, detached: bool) -> Span {
        let context = self.with(|spans| {
            let parent = parent.and_then(|id| spans.find(id)).unwrap_or_else(|| spans.current()).clone();
            spans.started += 1;
            if spans.started > MAX_SPANS || matches!(spans.tracer, Tracer::Off) {
                return parent.with_remote_span_context(parent.span().span_context().clone());
            }
            let context = spans.tracer.start(builder, &parent);
            spans.open.push(OpenSpan { context: context.clone(), detached });
            context
        });
        Span { context, spans: self.clone() }
    }

    /// Returns the parent of a span or request that names no other.
    pub(crate) fn current(&self) -> Context {
        self.with(|spans| spans.current().clone())
    }

    /// Returns the parent of an outgoing request: the span that its `traceparent` names if that span is open in this
    /// call, otherwise the current one.
    pub(crate) fn parent_of_request(&self, headers: &HeaderMap) -> Context {
        let named = telemetry::traceparent(headers).map(|context| context.span_id());
        self.with(|spans| named.and_then(|id| spans.find(id)).unwrap_or_else(|| spans.current()).clone())
    }

    /// Returns how many spans were refused because they exceeded the call's limit.
    pub(crate) fn refused(&self) -> usize {
        self.with(|spans| spans.started.saturating_sub(MAX_SPANS))
    }

    /// Returns a guard that ends all open spans. They end as errors unless `returned` is called.
    pub(crate) fn end_of_call(&self) -> EndOfCall {
        EndOfCall { spans: self.clone(), status: Status::error("the call was cancelled") }
    }

    fn end(&self, id: SpanId) {
        self.with(|spans| spans.open.retain(|open| open.context.span().span_context().span_id() != id));
    }

    fn with<R>(&self, f: impl FnOnce(&mut Spans) -> R) -> R {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

// === impl Spans ===

impl Spans {
    fn current(&self) -> &Context {
        self.open.iter().rev().find(|open| !open.detached).map_or(&self.root, |open| &open.context)
    }

    fn find(&self, id: SpanId) -> Option<&Context> {
        let mut open = self.open.iter().map(|open| &open.context);
        open.find(|context| context.span().span_context().span_id() == id)
    }
}

// === impl Span ===

impl Span {
    pub(super) fn span_context(&self) -> SpanContext {
        self.context.span().span_context().clone()
    }

    pub(super) fn end(&self, at: Option<SystemTime>) {
        let span = self.context.span();
        if !span.is_recording() {
            return;
        }
        match at {
            Some(at) => span.end_with_timestamp(at),
            None => span.end(),
        }
        self.spans.end(span.span_context().span_id());
    }

    pub(super) fn record_error(&self, message: String, kind: String) {
        let mut attributes = vec![KeyValue::new("exception.message", message)];
        if !kind.is_empty() {
            attributes.insert(0, KeyValue::new("exception.type", kind));
        }
        self.context.span().add_event("exception", attributes);
    }
}

// === impl EndOfCall ===

impl EndOfCall {
    /// The component returned: the spans that it left open simply end.
    pub(crate) fn returned(mut self) {
        self.status = Status::Unset;
    }

    /// The component was stopped, for the given reason.
    pub(crate) fn stopped(mut self, why: &str) {
        self.status = Status::error(why.to_owned());
    }
}

impl Drop for EndOfCall {
    fn drop(&mut self) {
        let open = self.spans.with(|spans| std::mem::take(&mut spans.open));
        // The innermost first, so that no child outlives its parent.
        for OpenSpan { context, .. } in open.into_iter().rev() {
            if self.status != Status::Unset {
                context.span().set_status(self.status.clone());
            }
            context.span().end();
        }
    }
}
