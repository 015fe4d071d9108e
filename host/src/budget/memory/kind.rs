//! What memory is charged for.

use std::sync::atomic::{AtomicUsize, Ordering};

/// What memory is charged for, as the metrics name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MemoryKind {
    /// Linear memories, as declared and grown.
    Linear,
    Tables,
    /// An instance's stack and its own structures.
    Instance,
    /// What the host keeps for a component's handles, such as requests and their connections.
    Handles,
    /// Spans that have not ended.
    Spans,
    /// Answers while they are lifted, encoded and sent.
    Answers,
    /// Values that the instances of an owner share.
    Cache,
}

/// The bytes of each kind.
#[derive(Default)]
pub(super) struct Sums([AtomicUsize; MemoryKind::ALL.len()]);

// === impl MemoryKind ===

impl MemoryKind {
    pub(crate) const ALL: [Self; 7] =
        [Self::Linear, Self::Tables, Self::Instance, Self::Handles, Self::Spans, Self::Answers, Self::Cache];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::Tables => "tables",
            Self::Instance => "instance",
            Self::Handles => "handles",
            Self::Spans => "spans",
            Self::Answers => "answers",
            Self::Cache => "cache",
        }
    }
}

// === impl Sums ===

impl Sums {
    pub(super) fn get(&self, kind: MemoryKind) -> usize {
        self.of(kind).map_or(0, |sum| sum.load(Ordering::Relaxed))
    }

    pub(super) fn add(&self, kind: MemoryKind, bytes: usize) {
        if let Some(sum) = self.of(kind) {
            sum.fetch_add(bytes, Ordering::Relaxed);
        }
    }

    pub(super) fn subtract(&self, kind: MemoryKind, bytes: usize) {
        if let Some(sum) = self.of(kind) {
            sum.fetch_sub(bytes, Ordering::Relaxed);
        }
    }

    fn of(&self, kind: MemoryKind) -> Option<&AtomicUsize> {
        self.0.get(kind as usize)
    }
}
