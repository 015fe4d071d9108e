//! The spans of one call: which are open, which one is current, and how they end.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use http::HeaderMap;
use opentelemetry::Context;
use opentelemetry::trace::{SpanBuilder, SpanContext, SpanId, Status, TraceContextExt as _};
use tokio::time::Instant;

use crate::budget::OwnerMemory;
use crate::log::{Log, Value};
use crate::telemetry::{
    self, CALL_BYTES, LimitedSpan, MAX_SPANS, RequestAllowance, SPAN_BYTES, SPAN_ITEMS, SpanAllowance,
    Tracer, span_text,
};

/// The spans of one call into a component. Cheap to clone: the tracer, outgoing requests and the call itself share
/// them.
#[derive(Clone)]
pub(crate) struct CallSpans(Arc<Mutex<Spans>>);

/// A span that the component holds a handle to.
#[expect(unreachable_pub, reason = "generated code exports it")]
pub struct Span {
    /// `None` if the span is not recorded, be it because of the sampler or because of a limit.
    recorded: Option<Arc<LimitedSpan>>,
    /// The parent's if the span is not recorded.
    context: Context,
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
    allowance: Arc<SpanAllowance>,
    requests: RequestAllowance,
    /// Those of a call that may last for ever.
    lasting: Option<Lasting>,
}

/// How the spans of a call that may last for ever stay bounded.
struct Lasting {
    /// The context in which they begin traces of their own. `None` if they are not recorded.
    apart: Option<Context>,
    /// When their allowance has begun anew.
    renewed: Instant,
}

/// How often a call that may last for ever may have anew what another call may have in all.
const RENEWAL: Duration = Duration::from_secs(1);

struct OpenSpan {
    span: Arc<LimitedSpan>,
    detached: bool,
}

// === impl CallSpans ===

impl CallSpans {
    /// Makes the spans of a call that nobody pays for, such as none. `root` holds the call's own span.
    pub(crate) fn new(tracer: Tracer, root: Context) -> Self {
        Self::paid_by(None, tracer, root)
    }

    /// Makes the spans of a call, which are charged to `memory` until they are released.
    pub(crate) fn paid_by(memory: Option<&OwnerMemory>, tracer: Tracer, root: Context) -> Self {
        Self::with(memory, tracer, root, None)
    }

    /// Makes the spans of a call that may last for ever. Those without a parent begin traces in the context `apart`, if they
    /// are recorded.
    pub(crate) fn lasting(
        memory: &OwnerMemory,
        tracer: Tracer,
        root: Context,
        apart: Option<Context>,
    ) -> Self {
        Self::with(Some(memory), tracer, root, Some(Lasting { apart, renewed: Instant::now() }))
    }

    fn with(memory: Option<&OwnerMemory>, tracer: Tracer, root: Context, lasting: Option<Lasting>) -> Self {
        let (allowance, requests) = (SpanAllowance::of_call(memory), SpanAllowance::of_requests());
        // Every context of the call is made from one of these.
        let paid = |context: Context| match tracer {
            Tracer::On(..) => context.with_value(requests.clone()),
            Tracer::Off => context,
        };
        let root = paid(root);
        let lasting = lasting.map(|lasting| Lasting { apart: lasting.apart.map(paid), ..lasting });
        let spans = Spans { tracer, root, open: Vec::new(), allowance, requests, lasting };
        Self(Arc::new(Mutex::new(spans)))
    }

    /// The call is over, and its spans have ended.
    pub(crate) fn release(&self) {
        self.change(|spans| spans.allowance.release());
    }

    /// Starts a child of `parent` if that span is open in this call. Otherwise it is a child of the current span.
    pub(super) fn start(&self, builder: SpanBuilder, parent: Option<SpanId>, detached: bool) -> Span {
        self.change(|spans| {
            spans.renew();
            let parent = parent.and_then(|id| spans.find(id)).unwrap_or_else(|| spans.parent()).clone();
            let started = spans.tracer.start_limited(builder, &parent, &spans.allowance);
            let recorded = started.map(Arc::new);
            spans.open.extend(recorded.clone().map(|span| OpenSpan { span, detached }));
            let context = recorded.as_ref().map_or(parent, |span| span.context().clone());
            Span { recorded, context, spans: self.clone() }
        })
    }

    /// Returns the current span: the call's own if none is open.
    pub(crate) fn current(&self) -> Context {
        self.change(|spans| spans.current().clone())
    }

    /// Returns the parent of an outgoing request: the span that its `traceparent` names if that span is open in this
    /// call, otherwise the current one.
    pub(crate) fn parent_of_request(&self, headers: &HeaderMap) -> Context {
        let named = telemetry::traceparent(headers).map(|context| context.span_id());
        self.change(|spans| {
            spans.renew();
            named.and_then(|id| spans.find(id)).unwrap_or_else(|| spans.parent()).clone()
        })
    }

    /// Says in the log what was dropped because it exceeded a limit, if anything was.
    pub(crate) fn report(&self, log: &Log) {
        let (allowance, requests) =
            self.change(|spans| (Arc::clone(&spans.allowance), Arc::clone(&spans.requests.0)));
        let missing = allowance.missing();
        let numbers = [
            ("spans", allowance.refused()),
            ("attributes", missing.attributes as usize),
            ("events", missing.events as usize),
            ("links", missing.links as usize),
            ("requestSpans", requests.refused()),
        ];
        let dropped = numbers.into_iter().filter(|(_, number)| *number > 0);
        let fields: Vec<_> = dropped.map(|(name, number)| (name, Value::from(number as u64))).collect();
        if !fields.is_empty() {
            let remedy = format!(
                "Spans beyond the limits of a call were dropped, or parts of them: a call may start {MAX_SPANS} spans \
                 and put {} KiB into them, and each may have {} KiB and {SPAN_ITEMS} attributes, events and links; \
                 start fewer spans, or put less into them",
                CALL_BYTES >> 10,
                SPAN_BYTES >> 10
            );
            log.warn(&remedy, &fields);
        }
    }

    /// Returns a guard that ends all open spans. They end as errors unless `returned` is called.
    pub(crate) fn end_of_call(&self) -> EndOfCall {
        EndOfCall { spans: self.clone(), status: Status::error("the call was cancelled") }
    }

    fn end(&self, id: SpanId) {
        self.change(|spans| spans.open.retain(|open| open.id() != id));
    }

    fn change<R>(&self, f: impl FnOnce(&mut Spans) -> R) -> R {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

// === impl Spans ===

impl Spans {
    fn current(&self) -> &Context {
        self.innermost().unwrap_or(&self.root)
    }

    /// Returns the parent of a span or request that names no other.
    fn parent(&self) -> &Context {
        let apart = || self.lasting.as_ref().and_then(|lasting| lasting.apart.as_ref());
        self.innermost().or_else(apart).unwrap_or(&self.root)
    }

    fn innermost(&self) -> Option<&Context> {
        self.open.iter().rev().find(|open| !open.detached).map(|open| open.span.context())
    }

    /// If the call may last for ever, gives it again what it may have, from time to time, once all of its spans have ended.
    fn renew(&mut self) {
        let Some(lasting) = &mut self.lasting else { return };
        if self.open.is_empty() && lasting.renewed.elapsed() >= RENEWAL {
            lasting.renewed = Instant::now();
            self.allowance.renew();
            self.requests.0.renew();
        }
    }

    fn find(&self, id: SpanId) -> Option<&Context> {
        self.open.iter().find(|open| open.id() == id).map(|open| open.span.context())
    }
}

// === impl OpenSpan ===

impl OpenSpan {
    fn id(&self) -> SpanId {
        self.span.context().span().span_context().span_id()
    }
}

// === impl Span ===

impl Span {
    pub(super) fn span_context(&self) -> SpanContext {
        self.context.span().span_context().clone()
    }

    /// Returns the span while something can be added to it.
    pub(super) fn recording(&self) -> Option<&LimitedSpan> {
        self.recorded.as_deref().filter(|span| span.is_recording())
    }

    pub(super) fn end(&self, at: Option<SystemTime>) {
        if let Some(span) = self.recording() {
            span.end(at);
            self.spans.end(self.context.span().span_context().span_id());
        }
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
        // Each of the spans gets a copy.
        self.status = Status::error(span_text(why));
    }
}

impl Drop for EndOfCall {
    fn drop(&mut self) {
        let open = self.spans.change(|spans| std::mem::take(&mut spans.open));
        // The innermost first, so that no child outlives its parent.
        for OpenSpan { span, .. } in open.into_iter().rev() {
            if self.status != Status::Unset {
                span.set_status(self.status.clone());
            }
            span.end(None);
        }
    }
}
