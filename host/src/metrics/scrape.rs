//! Metrics whose values are kept elsewhere and read at each scrape.

use std::collections::HashMap;

use prometheus::core::{Collector, Desc};
use prometheus::proto::{Counter, Gauge, LabelPair, Metric, MetricFamily, MetricType};

/// A metric whose value is read at each scrape. It is absent if it cannot be read.
pub(super) struct AtScrape {
    desc: Desc,
    kind: MetricType,
    /// The name of its one label. Empty if it has none.
    label: &'static str,
    read: Box<dyn Fn() -> Vec<Sample> + Send + Sync>,
}

/// The value of the metric's label, if it has one, and the metric's value.
pub(super) type Sample = (&'static str, f64);

// === impl AtScrape ===

impl AtScrape {
    pub(super) fn counter(
        name: &str,
        help: &str,
        read: impl Fn() -> Option<f64> + Send + Sync + 'static,
    ) -> Result<Self, prometheus::Error> {
        let read = move || read().map(|value| ("", value)).into_iter().collect();
        Self::new(name, help, MetricType::COUNTER, "", Box::new(read))
    }

    pub(super) fn gauge(
        name: &str,
        help: &str,
        read: impl Fn() -> Option<f64> + Send + Sync + 'static,
    ) -> Result<Self, prometheus::Error> {
        let read = move || read().map(|value| ("", value)).into_iter().collect();
        Self::new(name, help, MetricType::GAUGE, "", Box::new(read))
    }

    /// A counter with one label.
    pub(super) fn counters(
        name: &str,
        help: &str,
        label: &'static str,
        read: impl Fn() -> Vec<Sample> + Send + Sync + 'static,
    ) -> Result<Self, prometheus::Error> {
        Self::new(name, help, MetricType::COUNTER, label, Box::new(read))
    }

    /// A gauge with one label.
    pub(super) fn gauges(
        name: &str,
        help: &str,
        label: &'static str,
        read: impl Fn() -> Vec<Sample> + Send + Sync + 'static,
    ) -> Result<Self, prometheus::Error> {
        Self::new(name, help, MetricType::GAUGE, label, Box::new(read))
    }

    fn metric(&self, (label, value): Sample) -> Metric {
        let mut metric = Metric::default();
        if !self.label.is_empty() {
            let mut pair = LabelPair::default();
            pair.set_name(self.label.to_owned());
            pair.set_value(label.to_owned());
            metric.set_label(vec![pair]);
        }
        if self.kind == MetricType::COUNTER {
            let mut counter = Counter::default();
            counter.set_value(value);
            metric.set_counter(counter);
        } else {
            let mut gauge = Gauge::default();
            gauge.set_value(value);
            metric.set_gauge(gauge);
        }
        metric
    }

    fn new(
        name: &str,
        help: &str,
        kind: MetricType,
        label: &'static str,
        read: Box<dyn Fn() -> Vec<Sample> + Send + Sync>,
    ) -> Result<Self, prometheus::Error> {
        let labels = if label.is_empty() { Vec::new() } else { vec![label.to_owned()] };
        let desc = Desc::new(name.to_owned(), help.to_owned(), labels, HashMap::new())?;
        Ok(Self { desc, kind, label, read })
    }
}

impl Collector for AtScrape {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.desc]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let metrics: Vec<_> = (self.read)().into_iter().map(|sample| self.metric(sample)).collect();
        if metrics.is_empty() {
            return Vec::new();
        }
        let mut family = MetricFamily::default();
        family.set_name(self.desc.fq_name.clone());
        family.set_help(self.desc.help.clone());
        family.set_field_type(self.kind);
        family.set_metric(metrics);
        vec![family]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_that_cannot_be_read_is_absent() {
        assert!(AtScrape::gauge("absent", "help", || None).unwrap().collect().is_empty());
    }
}
