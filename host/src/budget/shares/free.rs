//! Who may have what is free of a capacity.

use super::share::Share;

/// What is free, and for whom.
#[derive(Clone, Copy)]
pub(super) struct Free {
    pub(super) all: usize,
    /// How much of it is kept for those who hold little.
    pub(super) kept: usize,
    /// Who holds no more than this holds little.
    pub(super) little: usize,
}

// === impl Free ===

impl Free {
    /// Whether an owner may have so much of it.
    pub(super) fn suffices(self, share: &Share, amount: usize) -> bool {
        let free =
            if share.is_little(amount, self.little) { self.all } else { self.all.saturating_sub(self.kept) };
        amount <= free
    }
}
