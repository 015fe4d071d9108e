//! What both protocols have in common: who asks, and what may come back.

use super::failure::Failure;

/// How this host names itself to the collector.
pub(super) const USER_AGENT: &str = concat!("gpx-host/", env!("CARGO_PKG_VERSION"));

/// How many bytes of the collector's answer are read. It has a number and a sentence.
pub(super) const MAX_ANSWER: usize = 64 << 10;

/// Why there is no success.
pub(super) enum Unanswered {
    ByCollector(Failure),
    /// The request or its answer was lost; what the HTTP library says of it.
    OnTheWay(String),
}
