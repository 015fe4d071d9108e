//! Which spans of one call are open, and which one is current.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use opentelemetry::Context;
use opentelemetry::trace::{SpanBuilder, SpanId, TraceContextExt as _};
use tokio::time::Instant;

use crate::egress::RequestParent;
use crate::telemetry::{KnownIds, LimitedSpan, RequestAllowance, SpanAllowance, Tracer, link_origin};

/// What is known of the spans of one call.
pub(super) struct Spans {
    pub(super) tracer: Tracer,
    pub(super) root: Context,
    /// Started and not yet ended, in the order in which they were started or made current.
    pub(super) open: Vec<OpenSpan>,
    pub(super) allowance: Arc<SpanAllowance>,
    pub(super) requests: RequestAllowance,
    /// What was said of requests that have not been sent yet, by the id that stands for it.
    pub(super) described: HashMap<SpanId, RequestParent>,
    /// The contexts of spans that the component keeps itself, also of those that have ended.
    pub(super) announced: HashMap<SpanId, Context>,
    /// Those of a call that may last for ever.
    pub(super) lasting: Option<Lasting>,
}

/// How the spans of a call that may last for ever stay bounded.
pub(super) struct Lasting {
    /// The context in which they begin traces of their own. `None` if they are not recorded.
    pub(super) apart: Option<Context>,
    /// When their allowance has begun anew.
    pub(super) renewed: Instant,
}

/// How often a call that may last for ever may have anew what another call may have in all.
const RENEWAL: Duration = Duration::from_secs(1);

pub(super) struct OpenSpan {
    pub(super) span: Opened,
    pub(super) detached: bool,
}

pub(super) enum Opened {
    Recorded(Arc<LimitedSpan>),
    /// One that the component itself keeps until it ends, with the context in which it began.
    Announced {
        context: Context,
        parent: Context,
        at: SystemTime,
    },
}

/// The name of a span that its component has announced and not completed.
const UNFINISHED: &str = "(unfinished)";

/// Returns the id of the span that a context holds.
pub(super) fn span_id(context: &Context) -> SpanId {
    context.span().span_context().span_id()
}

// === impl Spans ===

impl Spans {
    pub(super) fn new(
        tracer: Tracer,
        root: Context,
        allowance: Arc<SpanAllowance>,
        requests: RequestAllowance,
        lasting: Option<Lasting>,
    ) -> Self {
        let (described, announced) = (HashMap::new(), HashMap::new());
        Self { tracer, root, open: Vec::new(), allowance, requests, described, announced, lasting }
    }

    pub(super) fn current(&self) -> &Context {
        self.innermost().unwrap_or(&self.root)
    }

    /// Returns the parent of a span or a request: the span that it names if that is open, otherwise the current one.
    pub(super) fn parent(&self, named: Option<SpanId>) -> &Context {
        let apart = || self.lasting.as_ref().and_then(|lasting| lasting.apart.as_ref());
        let named = named.and_then(|id| self.find(id));
        named.or_else(|| self.innermost()).or_else(apart).unwrap_or(&self.root)
    }

    fn innermost(&self) -> Option<&Context> {
        self.open.iter().rev().find(|open| !open.detached).map(OpenSpan::context)
    }

    /// Returns a span that is still open at the end of the call. One that the component has kept to itself is made of what is known
    /// of it.
    pub(super) fn recorded(&self, span: Opened) -> Option<Arc<LimitedSpan>> {
        match span {
            Opened::Recorded(span) => Some(span),
            Opened::Announced { context, parent, at } => {
                let builder = SpanBuilder::from_name(UNFINISHED).with_start_time(at);
                self.start_announced(&context, builder, &parent).map(Arc::new)
            }
        }
    }

    /// Starts a span that the component has kept itself, as others have been told of it by `context`.
    pub(super) fn start_announced(
        &self,
        context: &Context,
        builder: SpanBuilder,
        parent: &Context,
    ) -> Option<LimitedSpan> {
        let (context, begins) = (context.span().span_context().clone(), link_origin(parent).is_some());
        let known = KnownIds { trace: begins.then(|| context.trace_id()), span: context.span_id() };
        self.tracer.start_limited_as(known, builder, parent, &self.allowance)
    }

    /// If the call may last for ever, gives it again what it may have, from time to time, once all of its spans have ended.
    pub(super) fn renew(&mut self) {
        let Some(lasting) = &mut self.lasting else { return };
        if self.open.is_empty() && lasting.renewed.elapsed() >= RENEWAL {
            lasting.renewed = Instant::now();
            self.described.clear();
            self.announced.clear();
            self.allowance.renew();
            self.requests.0.renew();
        }
    }

    pub(super) fn find(&self, id: SpanId) -> Option<&Context> {
        self.open.iter().find(|open| open.id() == id).map(OpenSpan::context)
    }
}

// === impl OpenSpan ===

impl OpenSpan {
    pub(super) fn context(&self) -> &Context {
        match &self.span {
            Opened::Recorded(span) => span.context(),
            Opened::Announced { context, .. } => context,
        }
    }

    pub(super) fn id(&self) -> SpanId {
        span_id(self.context())
    }
}
