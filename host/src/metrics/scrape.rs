//! Metrics whose values are kept elsewhere and read at each scrape.

use std::collections::HashMap;

use prometheus::core::{Collector, Desc};
use prometheus::proto::{Counter, Gauge, Metric, MetricFamily, MetricType};
use rustix::time::{ClockId, clock_gettime};

/// A metric without labels. It is absent if its value cannot be read.
pub(super) struct AtScrape {
    desc: Desc,
    kind: MetricType,
    read: Box<dyn Fn() -> Option<f64> + Send + Sync>,
}

/// Returns the CPU time that the process has used.
pub(super) fn cpu_seconds() -> Option<f64> {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Some(time.tv_sec as f64 + time.tv_nsec as f64 / 1e9)
}

/// Returns the resident memory of the process, if there is a /proc to read it from.
pub(super) fn resident_bytes() -> Option<f64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: f64 = statm.split(' ').nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as f64)
}

// === impl AtScrape ===

impl AtScrape {
    pub(super) fn counter(
        name: &str,
        help: &str,
        read: impl Fn() -> Option<f64> + Send + Sync + 'static,
    ) -> Result<Self, prometheus::Error> {
        Self::new(name, help, MetricType::COUNTER, Box::new(read))
    }

    pub(super) fn gauge(
        name: &str,
        help: &str,
        read: impl Fn() -> Option<f64> + Send + Sync + 'static,
    ) -> Result<Self, prometheus::Error> {
        Self::new(name, help, MetricType::GAUGE, Box::new(read))
    }

    fn new(
        name: &str,
        help: &str,
        kind: MetricType,
        read: Box<dyn Fn() -> Option<f64> + Send + Sync>,
    ) -> Result<Self, prometheus::Error> {
        let desc = Desc::new(name.to_owned(), help.to_owned(), Vec::new(), HashMap::new())?;
        Ok(Self { desc, kind, read })
    }
}

impl Collector for AtScrape {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.desc]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let Some(value) = (self.read)() else { return Vec::new() };
        let mut metric = Metric::default();
        if self.kind == MetricType::COUNTER {
            let mut counter = Counter::default();
            counter.set_value(value);
            metric.set_counter(counter);
        } else {
            let mut gauge = Gauge::default();
            gauge.set_value(value);
            metric.set_gauge(gauge);
        }
        let mut family = MetricFamily::default();
        family.set_name(self.desc.fq_name.clone());
        family.set_help(self.desc.help.clone());
        family.set_field_type(self.kind);
        family.set_metric(vec![metric]);
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

    #[test]
    fn a_running_process_has_used_time_and_memory() {
        assert!(cpu_seconds().unwrap() > 0.0);
        assert!(resident_bytes().is_none_or(|bytes| bytes > 65536.0));
    }
}
