//! The process's Prometheus metrics, with the names that plugins on the Go SDK use.

mod component;
mod grpc;
mod process;
mod requests;
mod scrape;

use prometheus::{IntCounter, IntCounterVec, IntGauge, Opts, Registry, TextEncoder};

pub(crate) use self::component::{
    Change, ComponentMetrics, Definition, Kind, MAX_BUCKETS, MAX_HELP, MAX_LABELS, MAX_NAME, MAX_SET,
};
pub(crate) use self::grpc::{Grpc, Labels};
pub(crate) use self::requests::{CountedRequest, DataSourceType, UpstreamRequests};
use self::scrape::AtScrape;

/// A metric could not be registered or written.
#[derive(Debug, thiserror::Error)]
#[error("the metrics are inconsistent; this is a bug in gpx-host")]
pub(crate) struct MetricsError(#[from] prometheus::Error);

/// One registry for the whole process. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Metrics {
    registry: Registry,
    /// The calls as gRPC sees them.
    pub grpc: Grpc,
    /// What components request from upstreams.
    pub upstream: UpstreamRequests,
    /// The component's own.
    pub component: ComponentMetrics,
    requests: IntCounterVec,
    traps: IntCounterVec,
    /// Data sources and apps that have instances.
    pub active_instances: IntGauge,
    /// Data source instances created so far, whether or not their `open` succeeds.
    pub datasource_instances: IntCounter,
}

// === impl Metrics ===

impl Metrics {
    pub(crate) fn new() -> Result<Self, MetricsError> {
        let registry = Registry::new();
        let requests = IntCounterVec::new(
            Opts::new("grafana_plugin_request_total", "The total amount of plugin requests"),
            &["endpoint", "status", "status_source"],
        )?;
        let traps = IntCounterVec::new(
            Opts::new("gpx_traps_total", "Calls of the component that did not return, by what ended them"),
            &["kind"],
        )?;
        let active_instances =
            IntGauge::new("plugins_active_instances", "The number of active plugin instances")?;
        let datasource_instances = IntCounter::new(
            "plugins_datasource_instances_total",
            "The total number of data source instances created",
        )?;
        registry.register(Box::new(requests.clone()))?;
        registry.register(Box::new(traps.clone()))?;
        registry.register(Box::new(active_instances.clone()))?;
        registry.register(Box::new(datasource_instances.clone()))?;
        process::register(&registry)?;
        let (grpc, upstream) = (Grpc::new(&registry)?, UpstreamRequests::new(&registry)?);
        let component = ComponentMetrics::default();
        let metrics = Self {
            registry,
            grpc,
            upstream,
            component,
            requests,
            traps,
            active_instances,
            datasource_instances,
        };
        let (help, values) =
            ("Values of the component's metrics that were dropped", metrics.component.clone());
        metrics.counter("gpx_metrics_dropped_total", help, move || values.dropped())?;
        Ok(metrics)
    }

    /// Adds a counter whose value is read at each scrape.
    pub(crate) fn counter(
        &self,
        name: &str,
        help: &str,
        read: impl Fn() -> u64 + Send + Sync + 'static,
    ) -> Result<(), MetricsError> {
        let counter = AtScrape::counter(name, help, move || Some(read() as f64))?;
        Ok(self.registry.register(Box::new(counter))?)
    }

    /// Adds a gauge whose value is read at each scrape.
    pub(crate) fn gauge(
        &self,
        name: &str,
        help: &str,
        read: impl Fn() -> usize + Send + Sync + 'static,
    ) -> Result<(), MetricsError> {
        let gauge = AtScrape::gauge(name, help, move || Some(read() as f64))?;
        Ok(self.registry.register(Box::new(gauge))?)
    }

    /// Adds a counter with a label, whose values are read at each scrape.
    pub(crate) fn counters(
        &self,
        name: &str,
        help: &str,
        label: &'static str,
        read: impl Fn() -> Vec<(&'static str, u64)> + Send + Sync + 'static,
    ) -> Result<(), MetricsError> {
        let read = move || read().into_iter().map(|(label, value)| (label, value as f64)).collect();
        Ok(self.registry.register(Box::new(AtScrape::counters(name, help, label, read)?))?)
    }

    /// Adds a gauge with a label, whose values are read at each scrape.
    pub(crate) fn gauges(
        &self,
        name: &str,
        help: &str,
        label: &'static str,
        read: impl Fn() -> Vec<(&'static str, usize)> + Send + Sync + 'static,
    ) -> Result<(), MetricsError> {
        let read = move || read().into_iter().map(|(label, value)| (label, value as f64)).collect();
        Ok(self.registry.register(Box::new(AtScrape::gauges(name, help, label, read)?))?)
    }

    /// Counts a finished request. The labels are those of the Go SDK: `queryData`, `ok`, `plugin`.
    pub(crate) fn request(&self, endpoint: &str, status: &str, status_source: &str) {
        self.requests.with_label_values(&[endpoint, status, status_source]).inc();
    }

    /// Counts a call of the component that did not return.
    pub(crate) fn trap(&self, kind: &str) {
        self.traps.with_label_values(&[kind]).inc();
    }

    /// Returns all metrics in Prometheus's text format 0.0.4.
    pub(crate) fn text(&self) -> Result<String, MetricsError> {
        let mut families = self.registry.gather();
        families.extend(self.component.families());
        families.sort_by(|one, other| one.name().cmp(other.name()));
        Ok(TextEncoder::new().encode_to_string(&families)?)
    }
}

#[cfg(test)]
impl Metrics {
    /// Without what the host adds.
    pub(crate) fn unattached() -> Self {
        Self::new().unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_contains_what_was_counted() {
        let metrics = Metrics::unattached();
        metrics.request("queryData", "ok", "plugin");
        metrics.request("queryData", "ok", "plugin");
        metrics.active_instances.inc();
        metrics.trap("panic");
        metrics.counter("gpx_spans_dropped_total", "help", || 3).unwrap();
        metrics.gauge("gpx_connections", "help", || 7).unwrap();
        let text = metrics.text().unwrap();
        for line in [
            "# TYPE grafana_plugin_request_total counter",
            r#"grafana_plugin_request_total{endpoint="queryData",status="ok",status_source="plugin"} 2"#,
            "plugins_active_instances 1",
            "plugins_datasource_instances_total 0",
            r#"gpx_traps_total{kind="panic"} 1"#,
            "# TYPE gpx_spans_dropped_total counter",
            "gpx_spans_dropped_total 3",
            "# TYPE gpx_connections gauge",
            "gpx_connections 7",
            "# TYPE process_resident_memory_bytes gauge",
            "# TYPE process_cpu_seconds_total counter",
        ] {
            assert!(text.lines().any(|text| text == line), "{line} is missing in\n{text}");
        }
    }

    #[test]
    fn two_registries_share_nothing() {
        let (one, other) = (Metrics::unattached(), Metrics::unattached());
        one.datasource_instances.inc();
        assert!(other.text().unwrap().contains("plugins_datasource_instances_total 0"));
    }
}
