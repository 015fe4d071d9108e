//! A part of all traces, chosen by their ids: every service with the same part chooses the same traces.

use opentelemetry::trace::{Link, SpanKind, TraceId};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{SamplingResult, ShouldSample};

use super::decision::result;

/// The part, from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Ratio(f64);

// === impl Ratio ===

impl Ratio {
    pub(super) fn new(part: f64) -> Self {
        Self(part.clamp(0.0, 1.0))
    }

    pub(super) fn part(self) -> f64 {
        self.0
    }

    pub(super) fn admits(self, trace_id: TraceId) -> bool {
        if self.0 >= 1.0 {
            return true;
        }
        let [.., a, b, c, d, e, f, g, h] = trace_id.to_bytes();
        let number = u64::from_be_bytes([a, b, c, d, e, f, g, h]) >> 1;
        // Exact: a power of two changes only the exponent.
        number < (self.0 * (1_u64 << 63) as f64) as u64
    }
}

impl ShouldSample for Ratio {
    fn should_sample(
        &self,
        _parent: Option<&Context>,
        trace_id: TraceId,
        _name: &str,
        _kind: &SpanKind,
        _attributes: &[KeyValue],
        _links: &[Link],
    ) -> SamplingResult {
        result(self.admits(trace_id), Vec::new())
    }
}
