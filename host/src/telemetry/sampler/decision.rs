//! What a sampler decides.

use opentelemetry::KeyValue;
use opentelemetry::trace::TraceState;
use opentelemetry_sdk::trace::{SamplingDecision, SamplingResult};

/// Why a trace is recorded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Admission {
    Initial,
    Probabilistic(f64),
    RateLimiting(f64),
}

/// The samplers here decide only about traces that begin, which have no state yet.
pub(super) fn result(sampled: bool, attributes: Vec<KeyValue>) -> SamplingResult {
    let decision = if sampled { SamplingDecision::RecordAndSample } else { SamplingDecision::Drop };
    SamplingResult { decision, attributes, trace_state: TraceState::NONE }
}

// === impl Admission ===

impl Admission {
    /// Jaeger's attributes of the first span of a trace.
    pub(super) fn attributes(self) -> Vec<KeyValue> {
        let (kind, param) = match self {
            Self::Initial => return Vec::new(),
            Self::Probabilistic(part) => ("probabilistic", part),
            Self::RateLimiting(per_second) => ("ratelimiting", per_second),
        };
        vec![KeyValue::new("jaeger.sampler.type", kind), KeyValue::new("jaeger.sampler.param", param)]
    }
}
