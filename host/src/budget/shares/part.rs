//! What an owner does with its part of a capacity, and beyond the line.

use std::sync::Arc;

use super::{Share, Shares, Taken};

// === impl Shares ===

impl Shares {
    /// Takes a part if it is free, past those who wait: what runs already must get on, or they would wait longer.
    pub(crate) fn take_now(self: &Arc<Self>, share: &Arc<Share>, amount: usize) -> Option<Taken> {
        let mut state = self.lock();
        if amount > state.free {
            return None;
        }
        state.hold(share, amount);
        Some(self.taken_by(share, amount))
    }

    /// Takes a part even if it is not free. Nobody else gets anything until that much has been given back.
    pub(crate) fn take_anyway(self: &Arc<Self>, share: &Arc<Share>, amount: usize) -> Taken {
        let mut state = self.lock();
        state.owe(amount);
        state.hold(share, amount);
        self.taken_by(share, amount)
    }

    /// The same, unless more than `reserve` would then be taken beyond the capacity.
    pub(crate) fn take_beyond(
        self: &Arc<Self>,
        share: &Arc<Share>,
        amount: usize,
        reserve: usize,
    ) -> Option<Taken> {
        let mut state = self.lock();
        if state.debt.saturating_add(amount.saturating_sub(state.free)) > reserve {
            return None;
        }
        state.owe(amount);
        state.hold(share, amount);
        Some(self.taken_by(share, amount))
    }

    /// Whether more is taken than there is.
    pub(crate) fn is_exceeded(&self) -> bool {
        self.lock().debt > 0
    }

    /// Begins with nothing, to which what is taken later can be added.
    pub(crate) fn take_nothing(self: &Arc<Self>, share: &Arc<Share>) -> Taken {
        self.taken_by(share, 0)
    }

    /// Returns whether the owner may hold so much more without exceeding its fair share.
    pub(crate) fn is_fair(&self, share: &Arc<Share>, more: usize) -> bool {
        share.held().saturating_add(more) <= self.lock().fair(self.capacity(), Some(share))
    }

    /// Returns whether the owner holds little, also with so much more.
    pub(crate) fn is_little(&self, share: &Share, more: usize) -> bool {
        share.is_little(more, self.bounds().little)
    }

    /// Returns whether the first in the line belongs to this owner. `None` if nobody waits.
    pub(crate) fn next_is(&self, share: &Arc<Share>) -> Option<bool> {
        let state = self.lock();
        let fair = state.fair(self.capacity(), None);
        state.queues.next_is(share, self.capacity(), fair)
    }
}

// === impl Taken ===

impl Taken {
    pub(crate) fn amount(&self) -> usize {
        self.amount
    }

    /// Gives a part of it back.
    pub(crate) fn give_back(&mut self, amount: usize) {
        drop(self.split(amount));
    }

    /// Splits off so much, or all if there is less.
    pub(crate) fn split(&mut self, amount: usize) -> Self {
        let amount = amount.min(self.amount);
        self.amount -= amount;
        Self { shares: self.shares.clone(), share: self.share.clone(), amount }
    }

    /// Adds what the same owner took of the same capacity.
    pub(crate) fn absorb(&mut self, mut other: Self) {
        self.amount += std::mem::take(&mut other.amount);
    }
}
