//! How much a component's metrics may be.

/// How many metrics a component may register.
pub(super) const MAX_METRICS: usize = 100;

/// How many sets of labels one metric may have.
pub(super) const MAX_SETS: usize = 1000;

/// How many bytes the values of one set of labels may have.
pub(crate) const MAX_SET: usize = 1024;

/// How many bytes of text the series of all metrics together may be at a scrape. In memory they take no more than a few
/// times that.
pub(super) const MAX_TEXT: usize = 4 << 20;

/// How many bytes the name of a metric or of a label may have.
pub(crate) const MAX_NAME: usize = 128;

/// How many bytes of a metric's description are kept.
pub(crate) const MAX_HELP: usize = 1024;

/// How many labels a metric may have.
pub(crate) const MAX_LABELS: usize = 16;

/// How many buckets a histogram may have.
pub(crate) const MAX_BUCKETS: usize = 50;

/// How many lines the log has about what is refused. A component may invent names without end.
pub(super) const MAX_WARNINGS: usize = 100;
