//! The connections of all data sources together: how many there may be, and those that are idle.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::bound::Bound;
use super::idle::IdleConnections;
use crate::budget::Shares;
use crate::log::Log;

/// The files that are left to everything but connections to upstreams: Grafana's connections, the collector's, DNS
/// lookups, and what the process reads.
const RESERVED_FILES: usize = 128;

/// The part of those that health checks may have if others have all: this fraction. Of 128 files it is 16.
const FOR_HEALTH_CHECKS: usize = 8;

/// What the connections of a process share.
pub(crate) struct AllConnections {
    pub(super) bound: Bound,
    pub(super) idle: IdleConnections,
    pub(super) waiting: Arc<AtomicUsize>,
    /// The bytes that long heads take while they arrive.
    pub(super) heads: Arc<AtomicUsize>,
    log: Log,
}

// === impl AllConnections ===

impl AllConnections {
    /// `files` is how many files the process may open, if there is a limit. Each connection is one.
    pub(crate) fn new(files: Option<usize>, log: Log) -> Arc<Self> {
        let max = files.map_or(usize::MAX, below);
        let reserve = files.map_or(0, |files| files.saturating_sub(max) / FOR_HEALTH_CHECKS);
        let words = match files {
            None => "they have as many as there can be".to_owned(),
            Some(files) => format!(
                "all data sources together have {max}, which the process's limit of {files} open files allows; raise \
                 Grafana's limit (ulimit -n, or LimitNOFILE of its service)"
            ),
        };
        let waiting = Arc::default();
        let bound = Bound::new(Shares::keeping_some(max), reserve, Arc::clone(&waiting), words, log.clone());
        Arc::new(Self { bound, idle: IdleConnections::default(), waiting, heads: Arc::default(), log })
    }

    pub(in crate::egress) fn log(&self) -> &Log {
        &self.log
    }

    /// How many connections are open.
    pub(crate) fn open(&self) -> usize {
        self.bound.taken()
    }

    /// How many requests wait for a connection.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }
}

/// The number of connections that leaves enough of so many files to others.
fn below(files: usize) -> usize {
    (files - RESERVED_FILES.min(files / 2)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_files_are_left_to_others() {
        assert_eq!([0, 1, 64, 256, 1024, 4096].map(below), [1, 1, 32, 128, 896, 3968]);
    }
}
