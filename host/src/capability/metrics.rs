//! `gpx:plugin/metrics`: metrics that a component registers.

use wasmtime::Result;
use wasmtime::component::HasData;

use super::bindings::gpx::plugin::metrics::{Host, Metric, MetricKind};
use crate::log::Log;
use crate::metrics::{
    Change, ComponentMetrics, Definition, Kind, MAX_BUCKETS, MAX_HELP, MAX_LABELS, MAX_NAME, MAX_SET,
};
use crate::text::Scrub;

/// How much of a label's value is looked at: enough to see that it is too long.
const SEEN: usize = MAX_SET + 8;

/// The part of a store that this interface works on.
pub(crate) struct MetricsView<'a> {
    pub metrics: &'a ComponentMetrics,
    /// The call's log. Outside of calls, the log of the plugin as a whole.
    pub log: &'a Log,
    pub scrub: &'a Scrub,
}

/// Names [`MetricsView`] for the linker.
pub(crate) struct HasMetrics;

impl HasData for HasMetrics {
    type Data<'a> = MetricsView<'a>;
}

impl Host for MetricsView<'_> {
    fn register(&mut self, metric: Metric) -> Result<Result<u32, String>> {
        let Metric { name, help, kind, labels, mut buckets } = metric;
        buckets.truncate(MAX_BUCKETS + 1);
        let definition = Definition::new(
            self.scrub.shorten(name, MAX_NAME),
            self.scrub.shorten(help, MAX_HELP),
            kind.into(),
            self.texts(labels, MAX_NAME),
            buckets,
        );
        let registered = self.metrics.register(definition, self.log);
        Ok(registered.map_err(|refusal| refusal.to_string()))
    }

    fn add(&mut self, metric: u32, labels: Vec<String>, by: f64) -> Result<()> {
        self.record(metric, labels, Change::Add(by));
        Ok(())
    }

    fn set(&mut self, metric: u32, labels: Vec<String>, value: f64) -> Result<()> {
        self.record(metric, labels, Change::Set(value));
        Ok(())
    }

    fn observe(&mut self, metric: u32, labels: Vec<String>, value: f64) -> Result<()> {
        self.record(metric, labels, Change::Observe(value));
        Ok(())
    }
}

impl MetricsView<'_> {
    fn record(&self, metric: u32, labels: Vec<String>, change: Change) {
        self.metrics.record(metric, self.texts(labels, SEEN), change, self.log);
    }

    /// Returns as many as a metric may have labels, and one that shows that there are more.
    fn texts(&self, texts: Vec<String>, max: usize) -> Vec<String> {
        texts.into_iter().take(MAX_LABELS + 1).map(|text| self.scrub.shorten(text, max)).collect()
    }
}

impl From<MetricKind> for Kind {
    fn from(kind: MetricKind) -> Self {
        match kind {
            MetricKind::Counter => Self::Counter,
            MetricKind::Gauge => Self::Gauge,
            MetricKind::Histogram => Self::Histogram,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Metrics;

    #[test]
    fn names_and_values_reveal_no_secret_and_are_bounded() {
        let (metrics, (log, lines), scrub) = (Metrics::unattached(), Log::memory(), Scrub::new(["hunter2"]));
        let mut view = MetricsView { metrics: &metrics.component, log: &log, scrub: &scrub };
        let metric = |name: &str, help: String| Metric {
            name: name.to_owned(),
            help,
            kind: MetricKind::Counter,
            labels: vec!["label".to_owned()],
            buckets: Vec::new(),
        };
        let number = view.register(metric("my_total", "hunter2 ".repeat(1 << 16))).unwrap().unwrap();
        view.add(number, vec!["it is hunter2".to_owned()], 1.0).unwrap();
        view.add(number, vec!["x".repeat(1 << 20)], 1.0).unwrap();
        view.add(number, vec![String::new(); 1 << 16], 1.0).unwrap();
        let refused = view.register(metric("hunter2", String::new())).unwrap().unwrap_err();
        assert!(refused.contains("a metric's name has at most 128 letters"), "{refused}");

        let text = metrics.text().unwrap();
        assert!(text.contains("\nmy_total{label=\"it is [secret]\"} 1\n"), "{text}");
        assert!(text.contains("\ngpx_metrics_dropped_total 2\n"), "{text}");
        let lines = format!("{:?}", lines.json());
        assert!(!text.contains("hunter2") && !lines.contains("hunter2"), "{text}{lines}");
        assert!(text.len() < 16 << 10, "{}", text.len());
    }
}
