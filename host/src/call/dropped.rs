//! What the spans of a call lack because it exceeded a limit.

use std::sync::atomic::{AtomicUsize, Ordering};

use opentelemetry::KeyValue;

/// The attributes of the call's span, and for each of them the name of the field in the log.
const KINDS: [(&str, &str); 5] = [
    ("gpx.dropped_spans", "spans"),
    ("gpx.dropped_attributes", "attributes"),
    ("gpx.dropped_events", "events"),
    ("gpx.dropped_links", "links"),
    ("gpx.dropped_request_spans", "requestSpans"),
];

/// How many of each kind were dropped. All functions of a call add to it.
#[derive(Debug, Default)]
pub(crate) struct Dropped([AtomicUsize; KINDS.len()]);

// === impl Dropped ===

impl Dropped {
    /// Counts spans, attributes, events, links, and spans of requests. Returns those that there are, by the names of the log.
    pub(crate) fn add(&self, numbers: [usize; KINDS.len()]) -> Vec<(&'static str, usize)> {
        for (sum, number) in self.0.iter().zip(numbers) {
            sum.fetch_add(number, Ordering::Relaxed);
        }
        let names = KINDS.iter().map(|(_, name)| *name);
        names.zip(numbers).filter(|(_, number)| *number > 0).collect()
    }

    /// Returns the numbers of those that there are.
    pub(super) fn attributes(&self) -> impl Iterator<Item = KeyValue> {
        let numbers = KINDS.iter().zip(&self.0).map(|((key, _), sum)| (*key, sum.load(Ordering::Relaxed)));
        let number = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        numbers.filter(|(_, sum)| *sum > 0).map(move |(key, sum)| KeyValue::new(key, number(sum)))
    }
}
