//! Spans that did not reach the collector, counted by reason.

use std::ops::AddAssign;

/// How many spans were lost, and why.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Losses {
    /// Ended while the queue was full.
    pub queue_full: u64,
    /// Larger than what the collector takes in one request.
    pub too_large: u64,
    /// Refused by the collector for good.
    pub rejected: u64,
    /// Could not be sent, however often it was tried.
    pub failed: u64,
    /// Still waiting or on their way when the time of the last flush was up.
    pub shutdown: u64,
}

// === impl Losses ===

impl Losses {
    pub(crate) fn total(&self) -> u64 {
        self.by_reason().iter().map(|(_, spans)| spans).sum()
    }

    /// Returns all reasons by their names in metrics.
    pub(crate) fn by_reason(&self) -> [(&'static str, u64); 5] {
        [
            ("queue_full", self.queue_full),
            ("too_large", self.too_large),
            ("rejected", self.rejected),
            ("failed", self.failed),
            ("shutdown", self.shutdown),
        ]
    }
}

impl AddAssign for Losses {
    fn add_assign(&mut self, more: Self) {
        self.queue_full += more.queue_full;
        self.too_large += more.too_large;
        self.rejected += more.rejected;
        self.failed += more.failed;
        self.shutdown += more.shutdown;
    }
}
