//! The spans of one call, as the component and its requests use them.

mod open;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use http::HeaderMap;
use opentelemetry::Context;
use opentelemetry::trace::{SpanBuilder, SpanContext, SpanId, Status, TraceContextExt as _, TraceId};
use tokio::time::Instant;

use self::open::{Lasting, OpenSpan, Opened, Spans, span_id};
use crate::budget::OwnerMemory;
use crate::call::Dropped;
use crate::egress::{RequestDescription, RequestParent};
use crate::log::{Log, Value};
use crate::telemetry::{
    self, CALL_BYTES, LimitedSpan, MAX_SPANS, SPAN_BYTES, SPAN_ITEMS, SpanAllowance, Tracer, span_text,
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

/// Returns the context of another span of a trace that continues or follows the one of `context`.
fn beside(context: &SpanContext, trace: TraceId, id: SpanId) -> SpanContext {
    let (flags, state) = (context.trace_flags(), context.trace_state().clone());
    SpanContext::new(trace, id, flags, false, state)
}

/// Returns what a context says of its trace: if spans that are started in it begin traces, that of the call.
fn outer(context: &Context) -> SpanContext {
    telemetry::link_origin(context).unwrap_or(context.span().span_context()).clone()
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
        Self(Arc::new(Mutex::new(Spans::new(tracer, root, allowance, requests, lasting))))
    }

    /// The call is over, and its spans have ended.
    pub(crate) fn release(&self) {
        self.change(|spans| spans.allowance.release());
    }

    /// Starts a child of `parent` if that span is open in this call. Otherwise it is a child of the current span.
    pub(super) fn start(&self, builder: SpanBuilder, parent: Option<SpanId>, detached: bool) -> Span {
        self.change(|spans| {
            spans.renew();
            let parent = spans.parent(parent).clone();
            let started = spans.tracer.start_limited(builder, &parent, &spans.allowance);
            let recorded = started.map(Arc::new);
            let open = recorded.clone().map(Opened::Recorded);
            spans.open.extend(open.map(|span| OpenSpan { span, detached }));
            let context = recorded.as_ref().map_or(parent, |span| span.context().clone());
            Span { recorded, context, spans: self.clone() }
        })
    }

    /// Makes a span current that the component itself keeps until it ends, unless there is one with that id.
    pub(in crate::capability) fn announce(&self, id: SpanId) {
        self.change(|spans| {
            spans.renew();
            let is_root = span_id(&spans.root) == id;
            let known = is_root || spans.announced.contains_key(&id) || spans.find(id).is_some();
            let parent = spans.parent(None).clone();
            let outer = outer(&parent);
            if known || !outer.is_sampled() || spans.announced.len() >= MAX_SPANS {
                return;
            }
            let begins = telemetry::link_origin(&parent).is_some();
            let trace = if begins { telemetry::new_trace_id() } else { outer.trace_id() };
            let context = parent.with_remote_span_context(beside(&outer, trace, id));
            spans.announced.insert(id, context.clone());
            let span = Opened::Announced { context, parent, at: SystemTime::now() };
            spans.open.push(OpenSpan { span, detached: false });
        });
    }

    /// Ends a span that was announced. Returns it, to be filled and ended, unless it is not recorded. Its parent is the span that is
    /// named, if that is one of this call's, and otherwise the one in which it began.
    pub(in crate::capability) fn complete(
        &self,
        id: SpanId,
        parent: Option<SpanId>,
        builder: SpanBuilder,
    ) -> Option<LimitedSpan> {
        self.change(|spans| {
            let is_it = |open: &OpenSpan| matches!(open.span, Opened::Announced { .. }) && open.id() == id;
            let index = spans.open.iter().position(is_it)?;
            let Opened::Announced { context, parent: outer, .. } = spans.open.remove(index).span else {
                return None;
            };
            let named = parent.and_then(|id| spans.announced.get(&id).or_else(|| spans.find(id)));
            spans.start_announced(&context, builder, named.unwrap_or(&outer))
        })
    }

    /// Returns the context of the call's own span.
    pub(in crate::capability) fn root(&self) -> Context {
        self.change(|spans| spans.root.clone())
    }

    /// Returns the current span: the call's own if none is open.
    pub(crate) fn current(&self) -> Context {
        self.change(|spans| spans.current().clone())
    }

    /// Keeps what the component says of a request, whose parent is found as that of a span. Returns the context by which the
    /// request names it: that of the parent if it cannot be kept, or if nothing is recorded.
    pub(super) fn describe(&self, parent: Option<SpanId>, description: RequestDescription) -> SpanContext {
        self.change(|spans| {
            spans.renew();
            let context = spans.parent(parent).clone();
            let outer = outer(&context);
            let name = description.name.as_deref().unwrap_or_default();
            let is_kept = outer.is_sampled()
                && spans.described.len() < MAX_SPANS
                && spans.allowance.keep(name, &description.attributes);
            if !is_kept {
                return outer;
            }
            let id = telemetry::new_span_id();
            spans.described.insert(id, RequestParent { context, description });
            beside(&outer, outer.trace_id(), id)
        })
    }

    /// Returns the parent of an outgoing request: the span that its `traceparent` names if that span is open in this
    /// call, otherwise the current one. If it names what was said of one request, with that.
    pub(crate) fn parent_of_request(&self, headers: &HeaderMap) -> RequestParent {
        let named = telemetry::traceparent(headers).map(|context| context.span_id());
        self.change(|spans| {
            spans.renew();
            if let Some(described) = named.and_then(|id| spans.described.remove(&id)) {
                return described;
            }
            let context = spans.parent(named).clone();
            RequestParent { context, description: RequestDescription::default() }
        })
    }

    /// Counts for the call what was dropped because it exceeded a limit, and says so in the log, if anything was.
    pub(crate) fn report(&self, dropped: &Dropped, log: &Log) {
        let (allowance, requests) =
            self.change(|spans| (Arc::clone(&spans.allowance), Arc::clone(&spans.requests.0)));
        let missing = allowance.missing();
        let dropped = dropped.add([
            allowance.refused(),
            missing.attributes as usize,
            missing.events as usize,
            missing.links as usize,
            requests.refused(),
        ]);
        let fields: Vec<_> =
            dropped.into_iter().map(|(name, number)| (name, Value::from(number as u64))).collect();
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

// === impl Span ===

impl Span {
    pub(super) fn span_context(&self) -> SpanContext {
        self.context.span().span_context().clone()
    }

    /// Returns the span while something can be added to it.
    pub(super) fn recording(&self) -> Option<&LimitedSpan> {
        self.recorded.as_deref().filter(|span| span.is_recording())
    }

    /// Returns its id, if it is recorded. Otherwise its context is its parent's.
    fn own_id(&self) -> Option<SpanId> {
        self.recorded.as_ref().map(|span| span_id(span.context()))
    }

    /// Makes it the current span, if it is open.
    pub(super) fn attach(&self) {
        let Some(id) = self.own_id() else { return };
        self.spans.change(|spans| {
            if let Some(index) = spans.open.iter().position(|open| open.id() == id) {
                let span = spans.open.remove(index);
                spans.open.push(OpenSpan { detached: false, ..span });
            }
        });
    }

    /// Keeps it from being the current span.
    pub(super) fn detach(&self) {
        let Some(id) = self.own_id() else { return };
        self.spans.change(|spans| {
            if let Some(open) = spans.open.iter_mut().find(|open| open.id() == id) {
                open.detached = true;
            }
        });
    }

    pub(super) fn end(&self, at: Option<SystemTime>) {
        if let Some(span) = self.recording() {
            span.end(at);
            self.spans.end(span_id(&self.context));
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
        let open = self.spans.change(|spans| {
            let open = std::mem::take(&mut spans.open);
            open.into_iter().filter_map(|open| spans.recorded(open.span)).collect::<Vec<_>>()
        });
        // The innermost first, so that no child outlives its parent.
        for span in open.into_iter().rev() {
            if self.status != Status::Unset {
                span.set_status(self.status.clone());
            }
            span.end(None);
        }
    }
}
