//! Why a metric is not registered, or a value not recorded, and what the author can do.

use super::limits::{MAX_BUCKETS, MAX_LABELS, MAX_METRICS, MAX_NAME, MAX_SET, MAX_SETS, MAX_TEXT};

#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(crate) enum MetricRefusal {
    #[error(
        "a metric's name has at most {MAX_NAME} letters of a to z, A to Z, 0 to 9 and _, and no digit first"
    )]
    Name,
    #[error("names that begin with {prefix} are for the host's own metrics; choose another")]
    Reserved { prefix: &'static str },
    #[error("another metric is named like a series of the histogram {histogram}; choose another name")]
    Series { histogram: String },
    #[error(
        "the label {label} occurs twice, or is no name for a label: one has at most {MAX_NAME} letters of a to z, A to Z, \
         0 to 9 and _, neither a digit nor two underscores first, and is not `le` of a histogram"
    )]
    Label { label: String },
    #[error("a metric has at most {MAX_LABELS} labels; use fewer")]
    ManyLabels,
    #[error(
        "only histograms have buckets: at most {MAX_BUCKETS} upper bounds that increase, without infinity"
    )]
    Buckets,
    #[error("it is registered already with another {what}; register it everywhere with the same")]
    Differs { what: &'static str },
    #[error("a plugin has at most {MAX_METRICS} metrics; use labels instead of names")]
    Metrics,
    #[error("a metric has at most {MAX_SETS} sets of labels; use labels that have few values")]
    Sets,
    #[error("the values of a set of labels have at most {MAX_SET} bytes; use shorter ones")]
    SetSize,
    #[error("all metrics of a plugin have at most {} MiB of text; use fewer sets of labels, or fewer buckets", MAX_TEXT >> 20)]
    Text,
    #[error("number of its labels: {expected}; number of values given: {given}")]
    Labels { expected: usize, given: usize },
    #[error("a counter only increases, by finite numbers, and not by {by}")]
    Increase { by: f64 },
    #[error("a histogram counts finite numbers, and not {value}")]
    Observation { value: f64 },
    #[error("it is a {kind}, of which nothing can be {done}")]
    Kind { kind: &'static str, done: &'static str },
}

// === impl MetricRefusal ===

impl MetricRefusal {
    /// Returns whether a limit of all metrics together is reached.
    pub(super) fn is_about_all(&self) -> bool {
        matches!(self, Self::Metrics | Self::Text)
    }
}
