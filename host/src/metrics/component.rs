//! The metrics that a component registers. They belong to the process: all instances, of all data sources, count into the
//! same ones. Whatever components do, they take a bounded amount of memory, and so does a scrape.

mod definition;
mod limits;
mod refusal;
mod series;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::mem::{Discriminant, discriminant};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prometheus::proto::MetricFamily;

pub(crate) use self::definition::{Definition, Kind};
pub(crate) use self::limits::{MAX_BUCKETS, MAX_HELP, MAX_LABELS, MAX_NAME, MAX_SET};
use self::limits::{MAX_METRICS, MAX_SETS, MAX_TEXT, MAX_WARNINGS};
use self::refusal::MetricRefusal;
pub(crate) use self::series::Change;
use self::series::MetricSeries;
use crate::log::{Log, Value};

/// The registry of one component's metrics. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct ComponentMetrics(Arc<SharedMetrics>);

#[derive(Default)]
struct SharedMetrics {
    registered: Mutex<Registered>,
    /// What the series take of [`MAX_TEXT`].
    text: AtomicUsize,
    dropped: AtomicU64,
    warned: Mutex<HashSet<(String, Discriminant<MetricRefusal>)>>,
}

#[derive(Default)]
struct Registered {
    metrics: Vec<Arc<ComponentMetric>>,
    /// Their places by their names.
    places: HashMap<String, usize>,
}

struct ComponentMetric {
    definition: Definition,
    series: Mutex<MetricSeries>,
}

// === impl ComponentMetrics ===

impl ComponentMetrics {
    /// Registers a metric, and returns the number by which its values are recorded. If another instance has registered the
    /// same metric, that is its number.
    pub(crate) fn register(&self, definition: Definition, log: &Log) -> Result<u32, MetricRefusal> {
        let name = definition.name.clone();
        let registered = self.try_register(definition);
        registered
            .inspect_err(|refusal| self.warn("The plugin's metric is not registered", &name, refusal, log))
    }

    /// Records a value. One that cannot be recorded is dropped and counted.
    pub(crate) fn record(&self, metric: u32, labels: Vec<String>, change: Change, log: &Log) {
        let metric = usize::try_from(metric).unwrap_or(usize::MAX);
        // What was refused has no number, so this is a mistake that needs no words: nobody uses numbers of their own.
        let Some(metric) = self.registered().metrics.get(metric).cloned() else {
            return self.count_dropped();
        };
        if let Err(refusal) = self.try_record(&metric, labels, change) {
            self.count_dropped();
            self.warn("A value of the plugin's metric is dropped", &metric.definition.name, &refusal, log);
        }
    }

    /// Returns how many values have been dropped.
    pub(super) fn dropped(&self) -> u64 {
        self.0.dropped.load(Ordering::Relaxed)
    }

    pub(super) fn families(&self) -> Vec<MetricFamily> {
        let metrics = self.registered().metrics.clone();
        metrics.iter().filter_map(|metric| metric.series().family(&metric.definition)).collect()
    }

    fn try_register(&self, definition: Definition) -> Result<u32, MetricRefusal> {
        definition.check()?;
        let mut registered = self.registered();
        if let Some((place, metric)) = registered.find(&definition.name) {
            metric.definition.check_same(&definition)?;
            return Ok(number(place));
        }
        if let Some(histogram) = registered.clashing(&definition) {
            return Err(MetricRefusal::Series { histogram });
        }
        if registered.metrics.len() >= MAX_METRICS {
            return Err(MetricRefusal::Metrics);
        }
        let mut series = MetricSeries::default();
        // As in Prometheus's libraries, there is a metric without labels before its first value.
        if definition.labels.is_empty() {
            self.reserve(series::text(&definition, &[]))?;
            series.begin(Vec::new(), &definition);
        }
        let place = registered.metrics.len();
        registered.places.insert(definition.name.clone(), place);
        registered.metrics.push(Arc::new(ComponentMetric { definition, series: Mutex::new(series) }));
        Ok(number(place))
    }

    fn try_record(
        &self,
        metric: &ComponentMetric,
        labels: Vec<String>,
        change: Change,
    ) -> Result<(), MetricRefusal> {
        let definition = &metric.definition;
        change.check(definition.kind)?;
        if labels.len() != definition.labels.len() {
            return Err(MetricRefusal::Labels { expected: definition.labels.len(), given: labels.len() });
        }
        if labels.iter().map(String::len).sum::<usize>() > MAX_SET {
            return Err(MetricRefusal::SetSize);
        }
        let mut series = metric.series();
        if series.change(&labels, change) {
            return Ok(());
        }
        if series.len() >= MAX_SETS {
            return Err(MetricRefusal::Sets);
        }
        self.reserve(series::text(definition, &labels))?;
        series.begin(labels.clone(), definition);
        series.change(&labels, change);
        Ok(())
    }

    fn reserve(&self, bytes: usize) -> Result<(), MetricRefusal> {
        let add = |text: usize| text.checked_add(bytes).filter(|text| *text <= MAX_TEXT);
        let added = self.0.text.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
        added.map(drop).map_err(|_| MetricRefusal::Text)
    }

    fn count_dropped(&self) {
        self.0.dropped.fetch_add(1, Ordering::Relaxed);
    }

    /// Says each thing about each metric once, and what holds for all metrics together only of the first.
    fn warn(&self, message: &str, name: &str, refusal: &MetricRefusal, log: &Log) {
        let about = if refusal.is_about_all() { "" } else { name };
        let mut warned = self.0.warned.lock().unwrap_or_else(PoisonError::into_inner);
        if warned.len() < MAX_WARNINGS && warned.insert((about.to_owned(), discriminant(refusal))) {
            log.warn(message, &[("metric", Value::from(name)), ("reason", refusal.to_string().into())]);
        }
    }

    fn registered(&self) -> MutexGuard<'_, Registered> {
        self.0.registered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// There are at most [`MAX_METRICS`].
fn number(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

// === impl Registered ===

impl Registered {
    fn find(&self, name: &str) -> Option<(usize, &ComponentMetric)> {
        let place = *self.places.get(name)?;
        Some((place, self.metrics.get(place)?))
    }

    /// Returns the histogram, be it this one or another, of which a series would have the name of another metric.
    fn clashing(&self, definition: &Definition) -> Option<String> {
        let name = &definition.name;
        let is_taken = |suffix: &&str| self.places.contains_key(&format!("{name}{suffix}"));
        if definition.kind == Kind::Histogram && series::SUFFIXES.iter().any(is_taken) {
            return Some(name.clone());
        }
        series::SUFFIXES.iter().find_map(|suffix| {
            let (_, other) = self.find(name.strip_suffix(suffix)?)?;
            (other.definition.kind == Kind::Histogram).then(|| other.definition.name.clone())
        })
    }
}

// === impl ComponentMetric ===

impl ComponentMetric {
    fn series(&self) -> MutexGuard<'_, MetricSeries> {
        self.series.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
