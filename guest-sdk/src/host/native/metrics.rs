//! Metrics. They are statics of the plugin, which tests in several threads use at once: a number stands for the same metric in
//! all of them, and each fake host has its own values.

use std::sync::{Mutex, PoisonError};

use super::fake::current;
use crate::test::record::Measurement;

pub(crate) use crate::bindings::base::gpx::plugin::metrics::Metric;

static NAMES: Mutex<Vec<String>> = Mutex::new(Vec::new());

pub(crate) fn register(metric: &Metric) -> Result<u32, String> {
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    let number = names.iter().position(|name| *name == metric.name).unwrap_or_else(|| {
        names.push(metric.name.clone());
        names.len() - 1
    });
    u32::try_from(number).map_err(|_| "there are too many metrics".to_owned())
}

pub(crate) fn add(metric: u32, labels: &[String], by: f64) {
    record(metric, labels, |values| match values.last_mut() {
        Some(sum) => *sum += by,
        None => values.push(by),
    });
}

pub(crate) fn set(metric: u32, labels: &[String], value: f64) {
    record(metric, labels, |values| *values = vec![value]);
}

pub(crate) fn observe(metric: u32, labels: &[String], value: f64) {
    record(metric, labels, |values| values.push(value));
}

fn record(metric: u32, labels: &[String], change: impl FnOnce(&mut Vec<f64>)) {
    let Some(fake) = current() else { return };
    let names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(name) = names.get(metric as usize) else { return };
    let mut measurements = fake.measurements.borrow_mut();
    match measurements.iter_mut().find(|known| known.name == *name && known.labels == labels) {
        Some(known) => change(&mut known.values),
        None => {
            let mut values = Vec::new();
            change(&mut values);
            measurements.push(Measurement { name: name.clone(), labels: labels.to_vec(), values });
        }
    }
}
