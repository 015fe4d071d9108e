//! Jaeger's remote sampling protocol: what a server says, and what applies then.

use opentelemetry::trace::TraceId;
use serde::Deserialize;

use super::decision::Admission;
use super::limiter::Limiter;
use super::operations::{OperationStrategies, Operations};
use super::ratio::Ratio;

/// What applies now.
#[derive(Debug)]
pub(super) enum Strategy {
    /// Until the server has answered.
    Initial(Ratio),
    Probabilistic(Ratio),
    RateLimiting(Limiter),
    Operations(Operations),
}

/// A server's answer.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answer {
    probabilistic_sampling: Option<ProbabilisticAnswer>,
    rate_limiting_sampling: Option<RateLimitingAnswer>,
    operation_sampling: Option<OperationsAnswer>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ProbabilisticAnswer {
    sampling_rate: f64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RateLimitingAnswer {
    max_traces_per_second: i32,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct OperationsAnswer {
    default_sampling_probability: f64,
    default_lower_bound_traces_per_second: f64,
    per_operation_strategies: Option<Vec<OperationAnswer>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct OperationAnswer {
    #[serde(default)]
    operation: String,
    probabilistic_sampling: ProbabilisticAnswer,
}

/// What is wrong with an answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum AnswerError {
    #[error("the answer is no sampling strategy")]
    Json(#[source] serde_json::Error),
    #[error(
        "the answer has neither a probabilistic strategy, nor one that limits the rate, nor any for operations"
    )]
    Empty,
    #[error("the answer's sampling rate is {0}, not between 0 and 1")]
    Rate(f64),
}

// === impl Strategy ===

impl Strategy {
    pub(super) fn admit(&mut self, name: &str, trace_id: TraceId) -> Option<Admission> {
        match self {
            Self::Initial(ratio) => ratio.admits(trace_id).then_some(Admission::Initial),
            Self::Probabilistic(ratio) => {
                ratio.admits(trace_id).then(|| Admission::Probabilistic(ratio.part()))
            }
            Self::RateLimiting(limiter) => {
                limiter.admit().then(|| Admission::RateLimiting(limiter.per_second()))
            }
            Self::Operations(operations) => operations.admit(name, trace_id),
        }
    }

    /// Follows the server. An answer that cannot be followed changes nothing.
    pub(super) fn follow(&mut self, body: &[u8]) -> Result<(), AnswerError> {
        let answer: Answer = serde_json::from_slice(body).map_err(AnswerError::Json)?;
        let Answer { probabilistic_sampling, rate_limiting_sampling, operation_sampling } = answer;
        if let Some(answer) = operation_sampling {
            // What is put here meanwhile is replaced at once.
            let before = match std::mem::replace(self, Self::Initial(Ratio::new(0.0))) {
                Self::Operations(before) => Some(before),
                _ => None,
            };
            *self = Self::Operations(Operations::new(answer.into(), before));
        } else if let Some(ProbabilisticAnswer { sampling_rate: rate }) = probabilistic_sampling {
            if matches!(self, Self::Probabilistic(_)) && !(0.0..=1.0).contains(&rate) {
                return Err(AnswerError::Rate(rate));
            }
            *self = Self::Probabilistic(Ratio::new(rate));
        } else if let Some(RateLimitingAnswer { max_traces_per_second }) = rate_limiting_sampling {
            let per_second = max_traces_per_second.into();
            match self {
                Self::RateLimiting(limiter) => limiter.set(per_second),
                _ => *self = Self::RateLimiting(Limiter::of_strategy(per_second)),
            }
        } else {
            return Err(AnswerError::Empty);
        }
        Ok(())
    }
}

// === impl OperationStrategies ===

impl From<OperationsAnswer> for OperationStrategies {
    fn from(answer: OperationsAnswer) -> Self {
        let named = answer.per_operation_strategies.unwrap_or_default();
        Self {
            usual: answer.default_sampling_probability,
            lower_bound: answer.default_lower_bound_traces_per_second,
            by_name: named
                .into_iter()
                .map(|named| (named.operation, named.probabilistic_sampling.sampling_rate))
                .collect(),
        }
    }
}
