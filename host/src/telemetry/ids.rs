//! The ids of spans: random, except for a span that its component has named already.

use std::cell::Cell;

use opentelemetry::trace::{Link, SpanId, SpanKind, TraceId, TraceState};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{
    IdGenerator, RandomIdGenerator, SamplingDecision, SamplingResult, ShouldSample,
};

/// The SDK asks for an id, and takes none.
#[derive(Debug, Default)]
pub(super) struct Ids(RandomIdGenerator);

/// A trace whose id is known already is recorded: others have been told so. The sampler is asked of all others.
#[derive(Clone, Debug)]
pub(super) struct Known<S>(pub(super) S);

/// What is known of a span before it starts.
#[derive(Clone, Copy)]
pub(crate) struct KnownIds {
    /// That of the trace, if the span begins it.
    pub trace: Option<TraceId>,
    pub span: SpanId,
}

thread_local! {
    /// Those of the span that is being started.
    static NEXT: Cell<Option<KnownIds>> = const { Cell::new(None) };
}

/// Starts a span that has these ids.
pub(super) fn with<R>(ids: KnownIds, start: impl FnOnce() -> R) -> R {
    NEXT.set(Some(ids));
    let started = start();
    NEXT.set(None);
    started
}

/// Returns a new id for a trace.
pub(crate) fn new_trace_id() -> TraceId {
    RandomIdGenerator::default().new_trace_id()
}

/// Returns a new id for a span.
pub(crate) fn new_span_id() -> SpanId {
    RandomIdGenerator::default().new_span_id()
}

impl IdGenerator for Ids {
    fn new_trace_id(&self) -> TraceId {
        NEXT.get().and_then(|ids| ids.trace).unwrap_or_else(|| self.0.new_trace_id())
    }

    fn new_span_id(&self) -> SpanId {
        NEXT.get().map_or_else(|| self.0.new_span_id(), |ids| ids.span)
    }
}

impl<S: ShouldSample + Clone + 'static> ShouldSample for Known<S> {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        if NEXT.get().is_some_and(|ids| ids.trace == Some(trace)) {
            let (decision, attributes) = (SamplingDecision::RecordAndSample, Vec::new());
            return SamplingResult { decision, attributes, trace_state: TraceState::default() };
        }
        self.0.should_sample(parent, trace, name, kind, attributes, links)
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry_sdk::trace::Sampler;

    use super::*;

    #[test]
    fn a_trace_that_others_know_is_recorded_whatever_the_sampler_says() {
        let ids = KnownIds { trace: Some(new_trace_id()), span: new_span_id() };
        let decide = |trace| {
            let sampler = Known(Sampler::AlwaysOff);
            sampler.should_sample(None, trace, "span", &SpanKind::Internal, &[], &[]).decision
        };
        let generator = Ids::default();
        let (trace, span) = with(ids, || (generator.new_trace_id(), generator.new_span_id()));
        assert_eq!((Some(trace), span), (ids.trace, ids.span));
        assert_eq!(with(ids, || decide(trace)), SamplingDecision::RecordAndSample);
        assert_eq!(with(ids, || decide(new_trace_id())), SamplingDecision::Drop);
        assert_eq!(decide(trace), SamplingDecision::Drop);
        assert_ne!((generator.new_trace_id(), generator.new_span_id()), (trace, span));
    }
}
