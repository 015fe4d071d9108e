//! The values of one metric, by its labels.

use std::collections::HashMap;

use prometheus::proto::{Bucket, Counter, Gauge, Histogram, LabelPair, Metric, MetricFamily, MetricType};

use super::definition::{Definition, Kind};
use super::refusal::MetricRefusal;

/// What follows a histogram's name in the names of its series.
pub(super) const SUFFIXES: [&str; 3] = ["_bucket", "_sum", "_count"];

/// What a line has besides the metric's name, its labels and a number: the longest suffix, braces, a space and its end.
const LINE: usize = 12;

/// What a label has besides its name and value: quotes, an equal sign and a comma.
const LABEL: usize = 4;

/// The longest numbers in text: of a value and of a count.
const NUMBER: usize = 330;
const COUNT: usize = 20;

/// The values of a metric, one for each set of labels.
#[derive(Default)]
pub(super) struct MetricSeries(HashMap<Vec<String>, Measured>);

/// What happens to a value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Change {
    Add(f64),
    Set(f64),
    Observe(f64),
}

enum Measured {
    Number(f64),
    Distribution(Distribution),
}

struct Distribution {
    /// The upper bound of each bucket, and how many values are in it and in no lower one.
    buckets: Vec<(f64, u64)>,
    count: u64,
    sum: f64,
}

/// Returns how many bytes a scrape shows of one set of labels, at most. Characters that must be escaped count twice.
pub(super) fn text(definition: &Definition, values: &[String]) -> usize {
    let escaped =
        |value: &String| value.len() + value.bytes().filter(|byte| b"\\\"\n".contains(byte)).count();
    let labels = definition.labels.iter().map(|name| name.len() + LABEL).sum::<usize>();
    let line = LINE + definition.name.len() + labels + values.iter().map(escaped).sum::<usize>();
    match definition.kind {
        Kind::Counter | Kind::Gauge => line + NUMBER,
        Kind::Histogram => {
            let bounds = definition.buckets.iter().map(|bound| bound.to_string().len());
            let bucket = |bound: usize| line + "le".len() + LABEL + bound + COUNT;
            bounds.map(bucket).sum::<usize>() + bucket("+Inf".len()) + line + NUMBER + line + COUNT
        }
    }
}

// === impl Change ===

impl Change {
    /// Checks whether this may happen to a value of this kind.
    pub(super) fn check(self, kind: Kind) -> Result<(), MetricRefusal> {
        match (self, kind) {
            // As in Go, where this panics. What is not a number would stay in a counter for ever.
            (Self::Add(by), Kind::Counter) if !by.is_finite() || by < 0.0 => {
                Err(MetricRefusal::Increase { by })
            }
            (Self::Observe(value), Kind::Histogram) if !value.is_finite() => {
                Err(MetricRefusal::Observation { value })
            }
            (Self::Add(_), Kind::Counter | Kind::Gauge)
            | (Self::Set(_), Kind::Gauge)
            | (Self::Observe(_), Kind::Histogram) => Ok(()),
            (Self::Add(_), Kind::Histogram) => Err(MetricRefusal::Kind { kind: "histogram", done: "added" }),
            (Self::Set(_), Kind::Counter) => Err(MetricRefusal::Kind { kind: "counter", done: "set" }),
            (Self::Set(_), Kind::Histogram) => Err(MetricRefusal::Kind { kind: "histogram", done: "set" }),
            (Self::Observe(_), Kind::Counter) => {
                Err(MetricRefusal::Kind { kind: "counter", done: "observed" })
            }
            (Self::Observe(_), Kind::Gauge) => Err(MetricRefusal::Kind { kind: "gauge", done: "observed" }),
        }
    }
}

// === impl MetricSeries ===

impl MetricSeries {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Adds a set of labels with the value zero.
    pub(super) fn begin(&mut self, labels: Vec<String>, definition: &Definition) {
        let value = match definition.kind {
            Kind::Counter | Kind::Gauge => Measured::Number(0.0),
            Kind::Histogram => {
                let buckets = definition.buckets.iter().map(|bound| (*bound, 0)).collect();
                Measured::Distribution(Distribution { buckets, count: 0, sum: 0.0 })
            }
        };
        self.0.insert(labels, value);
    }

    /// Changes a value. Returns whether there is one with these labels.
    pub(super) fn change(&mut self, labels: &[String], change: Change) -> bool {
        let Some(value) = self.0.get_mut(labels) else { return false };
        match (value, change) {
            (Measured::Number(number), Change::Add(by)) => *number += by,
            (Measured::Number(number), Change::Set(value)) => *number = value,
            (Measured::Distribution(distribution), Change::Observe(value)) => distribution.observe(value),
            // Has been checked.
            _ => {}
        }
        true
    }

    /// Returns the metric as Prometheus's library writes it. `None` if it has no value.
    pub(super) fn family(&self, definition: &Definition) -> Option<MetricFamily> {
        if self.0.is_empty() {
            return None;
        }
        let mut metrics: Vec<_> =
            self.0.iter().map(|(labels, value)| value.metric(definition, labels)).collect();
        let labels = |metric: &Metric| -> Vec<String> {
            metric.get_label().iter().map(|pair| pair.value().to_owned()).collect()
        };
        metrics.sort_by_cached_key(labels);
        let mut family = MetricFamily::default();
        family.set_name(definition.name.clone());
        family.set_help(definition.help.clone());
        family.set_field_type(match definition.kind {
            Kind::Counter => MetricType::COUNTER,
            Kind::Gauge => MetricType::GAUGE,
            Kind::Histogram => MetricType::HISTOGRAM,
        });
        family.set_metric(metrics);
        Some(family)
    }
}

// === impl Measured ===

impl Measured {
    fn metric(&self, definition: &Definition, labels: &[String]) -> Metric {
        let pair = |(name, value): (&String, &String)| {
            let mut pair = LabelPair::default();
            pair.set_name(name.clone());
            pair.set_value(value.clone());
            pair
        };
        let mut pairs: Vec<_> = definition.labels.iter().zip(labels).map(pair).collect();
        pairs.sort_by(|one, other| one.name().cmp(other.name()));
        let mut metric = Metric::default();
        metric.set_label(pairs);
        match self {
            Self::Number(number) if definition.kind == Kind::Counter => {
                let mut counter = Counter::default();
                counter.set_value(*number);
                metric.set_counter(counter);
            }
            Self::Number(number) => {
                let mut gauge = Gauge::default();
                gauge.set_value(*number);
                metric.set_gauge(gauge);
            }
            Self::Distribution(distribution) => metric.set_histogram(distribution.histogram()),
        }
        metric
    }
}

// === impl Distribution ===

impl Distribution {
    fn observe(&mut self, value: f64) {
        self.count += 1;
        self.sum += value;
        if let Some((_, count)) = self.buckets.iter_mut().find(|(bound, _)| value <= *bound) {
            *count += 1;
        }
    }

    fn histogram(&self) -> Histogram {
        let mut below = 0;
        let bucket = |(bound, count): &(f64, u64)| {
            below += count;
            let mut bucket = Bucket::default();
            bucket.set_upper_bound(*bound);
            bucket.set_cumulative_count(below);
            bucket
        };
        let mut histogram = Histogram::default();
        histogram.set_bucket(self.buckets.iter().map(bucket).collect());
        histogram.set_sample_count(self.count);
        histogram.set_sample_sum(self.sum);
        histogram
    }
}
