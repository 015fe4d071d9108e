//! A strategy for each operation: a part of its traces, and so many a second in any case.

use std::collections::HashMap;

use opentelemetry::trace::TraceId;

use super::decision::Admission;
use super::limiter::Limiter;
use super::ratio::Ratio;

/// How many operations have a strategy of their own besides those that the server names. Others share the usual part.
const MOST: usize = 256;

#[derive(Debug)]
pub(super) struct Operations {
    by_name: HashMap<String, Operation>,
    usual: Ratio,
    /// Traces a second, of each operation.
    lower_bound: f64,
}

/// What a server says about operations.
pub(super) struct OperationStrategies {
    /// The part of the traces of operations that are not named.
    pub usual: f64,
    pub lower_bound: f64,
    pub by_name: Vec<(String, f64)>,
}

#[derive(Debug)]
struct Operation {
    ratio: Ratio,
    lower_bound: Limiter,
}

// === impl Operations ===

impl Operations {
    /// `before` says what operations have left of their credit.
    pub(super) fn new(strategies: OperationStrategies, before: Option<Self>) -> Self {
        let OperationStrategies { usual, lower_bound, by_name } = strategies;
        let mut before = before.map(|before| before.by_name).unwrap_or_default();
        let by_name = by_name.into_iter().map(|(name, part)| {
            let ratio = Ratio::new(part);
            let operation = match before.remove(&name) {
                Some(mut operation) => {
                    operation.lower_bound.set(lower_bound);
                    Operation { ratio, ..operation }
                }
                None => Operation { ratio, lower_bound: Limiter::of_strategy(lower_bound) },
            };
            (name, operation)
        });
        Self { by_name: by_name.collect(), usual: Ratio::new(usual), lower_bound }
    }

    pub(super) fn admit(&mut self, name: &str, trace_id: TraceId) -> Option<Admission> {
        if !self.by_name.contains_key(name) && self.by_name.len() < MOST {
            let lower_bound = Limiter::of_strategy(self.lower_bound);
            self.by_name.insert(name.to_owned(), Operation { ratio: self.usual, lower_bound });
        }
        match self.by_name.get_mut(name) {
            Some(operation) => operation.admit(trace_id),
            None => self.usual.admits(trace_id).then(|| Admission::Probabilistic(self.usual.part())),
        }
    }
}

// === impl Operation ===

impl Operation {
    /// What the part admits costs credit too.
    fn admit(&mut self, trace_id: TraceId) -> Option<Admission> {
        let in_time = self.lower_bound.admit();
        if self.ratio.admits(trace_id) {
            return Some(Admission::Probabilistic(self.ratio.part()));
        }
        in_time.then(|| Admission::RateLimiting(self.lower_bound.per_second()))
    }
}
