//! Those who are waiting for a part of a capacity, and who of them is next.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::oneshot;

use super::free::Free;
use super::share::Share;

/// One queue for each owner that has somebody waiting.
#[derive(Default)]
pub(super) struct Queues {
    queues: Vec<Queue>,
    arrivals: u64,
}

pub(super) struct Waiter {
    pub(super) arrival: u64,
    pub(super) amount: usize,
    /// How much others have got that came later, while this one was the first of its owner and wanted more than was free.
    pub(super) passed: usize,
    /// Tells that the part is there.
    pub(super) grant: oneshot::Sender<()>,
}

struct Queue {
    share: Arc<Share>,
    /// In the order of their arrival, and never empty.
    waiters: VecDeque<Waiter>,
}

// === impl Queues ===

impl Queues {
    /// Counts one that comes now.
    pub(super) fn arrive(&mut self) -> u64 {
        self.arrivals += 1;
        self.arrivals
    }

    pub(super) fn len(&self) -> usize {
        self.queues.iter().map(|queue| queue.waiters.len()).sum()
    }

    /// Whether somebody waits for this share.
    pub(super) fn have(&self, share: &Arc<Share>) -> bool {
        self.queues.iter().any(|queue| Arc::ptr_eq(&queue.share, share))
    }

    /// How many owners hold nothing and want something.
    pub(super) fn newcomers(&self) -> usize {
        self.queues.iter().filter(|queue| queue.share.held() == 0).count()
    }

    pub(super) fn push(&mut self, share: &Arc<Share>, waiter: Waiter) {
        match self.queues.iter_mut().find(|queue| Arc::ptr_eq(&queue.share, share)) {
            Some(queue) => queue.waiters.push_back(waiter),
            None => self.queues.push(Queue { share: share.clone(), waiters: [waiter].into() }),
        }
    }

    /// Takes the one that arrived at this number out of the line. Returns whether it was still there.
    pub(super) fn remove(&mut self, share: &Arc<Share>, arrival: u64) -> bool {
        let of_share = |queue: &Queue| Arc::ptr_eq(&queue.share, share);
        let Some(index) = self.queues.iter().position(of_share) else { return false };
        self.take(index, |waiters| waiters.binary_search_by_key(&arrival, |waiter| waiter.arrival).ok())
            .is_some()
    }

    /// Notes that one that arrived at this number gets its part of what is free, ahead of those who came before and want
    /// more than that.
    pub(super) fn pass(&mut self, arrival: u64, amount: usize, free: usize) {
        let firsts = self.queues.iter_mut().filter_map(|queue| queue.waiters.front_mut());
        for first in firsts.filter(|first| first.arrival < arrival && first.amount > free) {
            first.passed = first.passed.saturating_add(amount);
        }
    }

    /// Whether somebody is to get something before everybody else, even before those who come now.
    pub(super) fn has_due(&self, capacity: usize, fair: usize) -> bool {
        self.due(capacity, fair).is_some()
    }

    /// Takes the one out of the line who gets something now, if anybody does.
    pub(super) fn next(&mut self, free: Free, capacity: usize, fair: usize) -> Option<(Arc<Share>, Waiter)> {
        let fits =
            |queue: &Queue| queue.first().is_some_and(|first| free.suffices(&queue.share, first.amount));
        let next = match self.due(capacity, fair) {
            Some(due) => Some(due).filter(|due| self.queues.get(*due).is_some_and(fits)),
            None => self.least(fits, |queue| queue.share.held()),
        };
        let index = next?;
        let share = self.queues.get(index)?.share.clone();
        Some((share, self.take(index, |_| Some(0))?))
    }

    /// Whether the next one belongs to this owner. `None` if nobody waits.
    pub(super) fn next_is(&self, share: &Arc<Share>, capacity: usize, fair: usize) -> Option<bool> {
        let next = self.due(capacity, fair).or_else(|| self.least(|_| true, |queue| queue.share.held()));
        next.and_then(|next| self.queues.get(next)).map(|queue| Arc::ptr_eq(&queue.share, share))
    }

    fn due(&self, capacity: usize, fair: usize) -> Option<usize> {
        self.least(|queue| queue.is_due(capacity, fair), |_| 0)
    }

    /// The queue with the lowest rank among those that `count`. Of several, it is the one whose first came first.
    fn least(&self, count: impl Fn(&Queue) -> bool, rank: impl Fn(&Queue) -> usize) -> Option<usize> {
        let queues = self.queues.iter().enumerate().filter(|(_, queue)| count(queue));
        let key = |queue: &Queue| (rank(queue), queue.first().map(|first| first.arrival));
        queues.min_by_key(|(_, queue)| key(queue)).map(|(index, _)| index)
    }

    fn take(
        &mut self,
        index: usize,
        find: impl FnOnce(&VecDeque<Waiter>) -> Option<usize>,
    ) -> Option<Waiter> {
        let queue = self.queues.get_mut(index)?;
        let waiter = find(&queue.waiters).and_then(|found| queue.waiters.remove(found))?;
        if queue.waiters.is_empty() {
            self.queues.swap_remove(index);
        }
        Some(waiter)
    }
}

// === impl Queue ===

impl Queue {
    fn first(&self) -> Option<&Waiter> {
        self.waiters.front()
    }

    /// Whether the first has let enough others go ahead. Nobody waits for one that holds more than `fair`, nor for one
    /// that waits for what its own owner holds.
    fn is_due(&self, capacity: usize, fair: usize) -> bool {
        let held = self.share.held();
        let may_come = |first: &Waiter| first.amount <= capacity.saturating_sub(held);
        held <= fair && self.first().is_some_and(|first| first.passed >= first.amount && may_come(first))
    }
}
