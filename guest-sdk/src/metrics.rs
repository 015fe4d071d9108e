//! Metrics of the plugin's own. Grafana serves them with those of the host, at `/metrics/plugins/<id>`.
//!
//! A metric is a static. Its labels are named once, and each use gives their values, in the same order:
//!
//! ```no_run
//! use gpx_sdk::metrics::{Counter, Gauge, Histogram};
//!
//! static READS: Counter<2> =
//!     Counter::new("prices_reads_total", "Prices that were read").labels(["symbol", "source"]);
//! static OLDEST: Gauge = Gauge::new("prices_oldest_seconds", "Age of the oldest price of the last answer");
//! static DECODING: Histogram = Histogram::new("prices_decode_seconds", "How long it took to decode an answer");
//!
//! # fn decode() {}
//! fn read(symbol: &str, age: f64) {
//!     DECODING.time(|| decode());
//!     OLDEST.set(age);
//!     READS.with([symbol, "cache"]).inc();
//! }
//! ```
//!
//! Values belong to the plugin and not to an instance: all instances, of all data sources, count into the same metrics. Give
//! labels few values, such as a status, and never one for each user or request: beyond 1000 sets of labels, values are
//! dropped, and the log says so. The wrong number of values does not compile:
//!
//! ```compile_fail,E0308
//! # use gpx_sdk::metrics::Counter;
//! static READS: Counter<2> = Counter::new("prices_reads_total", "Prices").labels(["symbol", "source"]);
//! READS.with(["A"]).inc();
//! ```
//!
//! A metric that the host refuses, for example because its name is not valid, does nothing. The log says why.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::bindings::base::gpx::plugin::metrics::MetricKind;
use crate::host::{clock, metrics as host};
use crate::{Fault, Result};

/// A number that only increases. By convention, its name ends with `_total`. `N` is how many labels it has.
#[derive(Debug)]
pub struct Counter<const N: usize = 0>(Metric<N>);

/// A number that goes up and down. `N` is how many labels it has.
///
/// What an instance adds stays when a panic or a timeout ends it. So prefer to set a gauge.
#[derive(Debug)]
pub struct Gauge<const N: usize = 0>(Metric<N>);

/// Counts numbers by their size, for example durations in seconds. `N` is how many labels it has.
#[derive(Debug)]
pub struct Histogram<const N: usize = 0>(Metric<N>);

/// A metric with the values of its labels. Made by `with`.
#[must_use = "it only does something when a value is recorded, for example with `.inc()`"]
#[derive(Debug)]
pub struct Labeled<'a, M, const N: usize> {
    metric: &'a M,
    values: [&'a str; N],
}

#[derive(Debug)]
struct Metric<const N: usize> {
    name: &'static str,
    help: &'static str,
    kind: MetricKind,
    labels: [&'static str; N],
    buckets: &'static [f64],
    /// [`UNREGISTERED`], [`REFUSED`], or the host's number and 2.
    state: AtomicU32,
}

const UNREGISTERED: u32 = 0;
const REFUSED: u32 = 1;
const FIRST: u32 = 2;

macro_rules! metric {
    ($metric:ident, $kind:expr) => {
        impl $metric {
            /// Names a metric, and says in a sentence what it measures. The host gets to know it when it is first used.
            pub const fn new(name: &'static str, help: &'static str) -> Self {
                Self(Metric::new(name, help, $kind))
            }

            /// Names its labels.
            pub const fn labels<const N: usize>(self, names: [&'static str; N]) -> $metric<N> {
                $metric(self.0.labels(names))
            }
        }

        impl<const N: usize> $metric<N> {
            /// Returns the metric with these values of its labels, in the order of their names.
            pub fn with<'a>(&'a self, values: [&'a str; N]) -> Labeled<'a, Self, N> {
                Labeled { metric: self, values }
            }

            /// Registers the metric now and not when it is first used. Call this in `open` to see it at 0 if it has no
            /// labels, or to fail if the host refuses it.
            pub fn register(&self) -> Result<()> {
                self.0.register().map(drop).map_err(Fault::plugin)
            }
        }
    };
}

metric!(Counter, MetricKind::Counter);
metric!(Gauge, MetricKind::Gauge);
metric!(Histogram, MetricKind::Histogram);

// === impl Counter ===

impl Counter {
    /// Adds 1.
    pub fn inc(&self) {
        self.with([]).inc();
    }

    /// Adds a finite number of at least 0.
    pub fn add(&self, by: f64) {
        self.with([]).add(by);
    }
}

impl<const N: usize> Labeled<'_, Counter<N>, N> {
    /// Adds 1.
    pub fn inc(&self) {
        self.add(1.0);
    }

    /// Adds a finite number of at least 0.
    pub fn add(&self, by: f64) {
        self.metric.0.record(&self.values, by, host::add);
    }
}

// === impl Gauge ===

impl Gauge {
    pub fn set(&self, value: f64) {
        self.with([]).set(value);
    }

    /// Adds a number, which may be negative.
    pub fn add(&self, by: f64) {
        self.with([]).add(by);
    }
}

impl<const N: usize> Labeled<'_, Gauge<N>, N> {
    pub fn set(&self, value: f64) {
        self.metric.0.record(&self.values, value, host::set);
    }

    /// Adds a number, which may be negative.
    pub fn add(&self, by: f64) {
        self.metric.0.record(&self.values, by, host::add);
    }
}

// === impl Histogram ===

impl<const N: usize> Histogram<N> {
    /// Sets the upper bounds of its buckets, in increasing order and without infinity. Without them, they suit a duration in
    /// seconds: 0.005 to 10.
    pub const fn buckets(self, bounds: &'static [f64]) -> Self {
        let Metric { name, help, kind, labels, state, .. } = self.0;
        Self(Metric { name, help, kind, labels, buckets: bounds, state })
    }
}

impl Histogram {
    pub fn observe(&self, value: f64) {
        self.with([]).observe(value);
    }

    /// Observes a duration in seconds.
    pub fn observe_duration(&self, duration: Duration) {
        self.with([]).observe_duration(duration);
    }

    /// Runs `work` and observes how many seconds it took.
    pub fn time<T>(&self, work: impl FnOnce() -> T) -> T {
        self.with([]).time(work)
    }
}

impl<const N: usize> Labeled<'_, Histogram<N>, N> {
    pub fn observe(&self, value: f64) {
        self.metric.0.record(&self.values, value, host::observe);
    }

    /// Observes a duration in seconds.
    pub fn observe_duration(&self, duration: Duration) {
        self.observe(duration.as_secs_f64());
    }

    /// Runs `work` and observes how many seconds it took.
    pub fn time<T>(&self, work: impl FnOnce() -> T) -> T {
        let began = clock::monotonic();
        let result = work();
        self.observe_duration(clock::monotonic().saturating_sub(began));
        result
    }
}

// === impl Metric ===

impl Metric<0> {
    const fn new(name: &'static str, help: &'static str, kind: MetricKind) -> Self {
        Self { name, help, kind, labels: [], buckets: &[], state: AtomicU32::new(UNREGISTERED) }
    }

    const fn labels<const N: usize>(self, labels: [&'static str; N]) -> Metric<N> {
        let Self { name, help, kind, buckets, state, .. } = self;
        Metric { name, help, kind, labels, buckets, state }
    }
}

impl<const N: usize> Metric<N> {
    fn record(&self, values: &[&str; N], value: f64, record: impl FnOnce(u32, &[String], f64)) {
        let number = match self.state.load(Ordering::Relaxed) {
            UNREGISTERED => self.register().ok(),
            REFUSED => None,
            state => Some(state - FIRST),
        };
        if let Some(number) = number {
            record(number, &values.map(str::to_owned), value);
        }
    }

    fn register(&self) -> std::result::Result<u32, String> {
        let registered = host::register(&host::Metric {
            name: self.name.to_owned(),
            help: self.help.to_owned(),
            kind: self.kind,
            labels: self.labels.map(str::to_owned).into(),
            buckets: self.buckets.to_vec(),
        });
        let state = registered.as_ref().map_or(REFUSED, |number| number.saturating_add(FIRST));
        self.state.store(state, Ordering::Relaxed);
        registered
    }
}
