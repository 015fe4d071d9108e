//! Who may have what is free of a capacity.

use super::share::Share;

/// What is free, and for whom.
#[derive(Clone, Copy)]
pub(super) struct Free {
    pub(super) all: usize,
    /// How much of it is kept for those who hold little.
    pub(super) kept: usize,
}

/// An owner that holds no more than this fraction of what is kept holds little.
const LITTLE: usize = 16;

// === impl Free ===

impl Free {
    /// Whether an owner may have so much of it. The first of anything is little.
    pub(super) fn suffices(self, share: &Share, amount: usize) -> bool {
        let held = share.held();
        let is_little = held == 0 || held.saturating_add(amount) <= self.kept / LITTLE;
        let free = if is_little { self.all } else { self.all.saturating_sub(self.kept) };
        amount <= free
    }
}
