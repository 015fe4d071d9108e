//! What one owner holds of a capacity.

use std::sync::atomic::{AtomicUsize, Ordering};

/// What one owner holds of a capacity.
#[derive(Debug, Default)]
pub(crate) struct Share {
    /// Changes only under the lock of the capacity.
    held: AtomicUsize,
}

// === impl Share ===

impl Share {
    /// How much the owner holds now.
    pub(crate) fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    /// Whether the owner holds no more than `little`, also with so much more. The first of anything is little.
    pub(super) fn is_little(&self, more: usize, little: usize) -> bool {
        self.held() == 0 || self.held().saturating_add(more) <= little
    }

    pub(super) fn add(&self, amount: usize) {
        self.held.fetch_add(amount, Ordering::Relaxed);
    }

    pub(super) fn subtract(&self, amount: usize) {
        self.held.fetch_sub(amount, Ordering::Relaxed);
    }
}
