//! Who may have what is free of a capacity.

use super::share::Share;

/// What is free, and for whom.
#[derive(Clone, Copy)]
pub(super) struct Free {
    pub(super) all: usize,
    /// How much of it is kept for those who do not hold more than their fair share.
    pub(super) kept: usize,
    pub(super) fair: usize,
}

// === impl Free ===

impl Free {
    /// Whether an owner may have so much of it. The first of anything is always a fair share.
    pub(super) fn suffices(self, share: &Share, amount: usize) -> bool {
        let held = share.held();
        let is_fair = held == 0 || held.saturating_add(amount) <= self.fair;
        let free = if is_fair { self.all } else { self.all.saturating_sub(self.kept) };
        amount <= free
    }
}
