//! What a component says of a metric when it registers it.

use std::collections::HashSet;

use super::limits::{MAX_BUCKETS, MAX_LABELS, MAX_NAME};
use super::refusal::MetricRefusal;

/// The buckets of a histogram that names none: those of Prometheus's libraries, for seconds.
const USUAL: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// The names of the host's own metrics begin with one of these.
const RESERVED: [&str; 6] =
    ["gpx_", "grafana_plugin_", "grafana_secure_socks_", "grpc_", "plugins_", "process_"];

/// A metric without its values.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Definition {
    pub name: String,
    pub help: String,
    pub kind: Kind,
    /// The names of its labels.
    pub labels: Vec<String>,
    /// The upper bounds of a histogram's buckets, without infinity.
    pub buckets: Vec<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

// === impl Definition ===

impl Definition {
    /// `buckets` may be empty. If it is a histogram, the usual ones take their place.
    pub(crate) fn new(
        name: String,
        help: String,
        kind: Kind,
        labels: Vec<String>,
        buckets: Vec<f64>,
    ) -> Self {
        let buckets = if kind == Kind::Histogram && buckets.is_empty() { USUAL.to_vec() } else { buckets };
        Self { name, help, kind, labels, buckets }
    }

    pub(super) fn check(&self) -> Result<(), MetricRefusal> {
        let Self { name, kind, labels, buckets, .. } = self;
        if !is_name(name) {
            return Err(MetricRefusal::Name);
        }
        if let Some(prefix) = RESERVED.into_iter().find(|prefix| name.starts_with(prefix)) {
            return Err(MetricRefusal::Reserved { prefix });
        }
        if labels.len() > MAX_LABELS {
            return Err(MetricRefusal::ManyLabels);
        }
        let mut seen = HashSet::new();
        for label in labels {
            // Prometheus keeps names with two underscores, and this one, for itself.
            let taken = label.starts_with("__") || *kind == Kind::Histogram && label == "le";
            if !is_name(label) || taken || !seen.insert(label) {
                return Err(MetricRefusal::Label { label: label.clone() });
            }
        }
        let increase =
            buckets.is_sorted_by(|one, next| one < next) && buckets.iter().all(|bound| bound.is_finite());
        if !increase || buckets.len() > MAX_BUCKETS || *kind != Kind::Histogram && !buckets.is_empty() {
            return Err(MetricRefusal::Buckets);
        }
        Ok(())
    }

    /// Checks that another instance says the same.
    pub(super) fn check_same(&self, other: &Self) -> Result<(), MetricRefusal> {
        let what = if self.kind != other.kind {
            "type"
        } else if self.labels != other.labels {
            "labels"
        } else if self.buckets != other.buckets {
            "buckets"
        } else if self.help != other.help {
            "description"
        } else {
            return Ok(());
        };
        Err(MetricRefusal::Differs { what })
    }
}

/// Prometheus also takes colons, which are for those who write rules.
fn is_name(name: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    let mut bytes = name.bytes();
    name.len() <= MAX_NAME
        && bytes.next().is_some_and(is_letter)
        && bytes.all(|byte| is_letter(byte) || byte.is_ascii_digit())
}
