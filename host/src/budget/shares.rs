//! A capacity that owners divide fairly: whoever holds less goes first. Its unit is up to its user, such as one connection
//! or one byte.

mod free;
mod part;
mod queues;
mod share;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use self::free::Free;
use self::queues::{Queues, Waiter};
pub(crate) use self::share::Share;

/// A capacity. Whoever cannot get a part of it at once may wait in line:
///
/// - The owner that holds least goes first. Among owners that hold the same, and within an owner, it is the one that came
///   first. What an owner holds counts at the moment when something becomes free.
/// - One that wants more than is free lets others go ahead, until those that came later have got as much as it wants. From
///   then on it is first, and nobody else gets anything. An owner that holds more than its fair share never keeps others
///   waiting like that. Its fair share is the capacity divided by the number of owners that hold or want something.
/// - The last of the capacity can be kept for those who hold little: others do not get it, even if nobody else wants it
///   now. What they have may never come back, and whoever comes next must not wait for that.
pub(crate) struct Shares {
    /// Changes only under the lock.
    capacity: AtomicUsize,
    keeps_some: bool,
    state: Mutex<State>,
}

/// A part of the capacity. Dropping it gives the part back and wakes those who can now have theirs.
pub(crate) struct Taken {
    shares: Arc<Shares>,
    share: Arc<Share>,
    amount: usize,
}

struct State {
    free: usize,
    /// What has been taken beyond the capacity. It is paid back first.
    debt: usize,
    /// How many owners hold something.
    holders: usize,
    queues: Queues,
}

/// How much there is in all, and how much of it is kept for those who hold little.
#[derive(Clone, Copy)]
struct Bounds {
    capacity: usize,
    kept: usize,
    little: usize,
}

/// A place in the line. If it is dropped, it is left, or the part that has come meanwhile is given back.
struct Place<'a> {
    shares: &'a Arc<Shares>,
    share: &'a Arc<Share>,
    amount: usize,
    arrival: u64,
    /// The part has come, and is the guard's to give back.
    ended: bool,
}

/// The fraction of a capacity that is kept for those who hold little, if any is.
const KEPT: usize = 16;

/// An owner that holds no more than this fraction of a capacity holds little.
const LITTLE: usize = 256;

// === impl Shares ===

impl Shares {
    pub(crate) fn new(capacity: usize) -> Arc<Self> {
        Self::with(capacity, false)
    }

    /// Makes a capacity of which a sixteenth is kept for those who hold little.
    pub(crate) fn keeping_some(capacity: usize) -> Arc<Self> {
        Self::with(capacity, true)
    }

    fn with(capacity: usize, keeps_some: bool) -> Arc<Self> {
        let state = State { free: capacity, debt: 0, holders: 0, queues: Queues::default() };
        Arc::new(Self { capacity: AtomicUsize::new(capacity), keeps_some, state: Mutex::new(state) })
    }

    /// How much there is in all.
    pub(crate) fn capacity(&self) -> usize {
        self.capacity.load(Ordering::Relaxed)
    }

    /// Changes how much there is. If more than that is taken, nobody gets anything until enough has come back.
    pub(crate) fn set_capacity(self: &Arc<Self>, capacity: usize) {
        let mut state = self.lock();
        let before = self.capacity.swap(capacity, Ordering::Relaxed);
        let repaid = capacity.saturating_sub(before).min(state.debt);
        state.debt -= repaid;
        state.free += capacity.saturating_sub(before) - repaid;
        let less = before.saturating_sub(capacity);
        let kept = less.min(state.free);
        state.free -= kept;
        state.debt += less - kept;
        self.serve(state);
    }

    /// How much all owners hold together.
    pub(crate) fn taken(&self) -> usize {
        let state = self.lock();
        self.capacity() - state.free + state.debt
    }

    /// How many are waiting.
    pub(crate) fn waiting(&self) -> usize {
        self.lock().queues.len()
    }

    /// Takes a part if it is free, and if that keeps nobody waiting who is to go first.
    #[cfg(test)]
    pub(crate) fn try_take(self: &Arc<Self>, share: &Arc<Share>, amount: usize) -> Option<Taken> {
        let mut state = self.lock();
        let arrival = state.queues.arrive();
        if !state.may_take(share, amount, self.bounds()) {
            return None;
        }
        state.give(share, amount, arrival);
        Some(self.taken_by(share, amount))
    }

    /// Takes a part as soon as it is free and nobody else is to go first. Dropping the future leaves the line. Returns
    /// `None` if the amount is larger than the capacity, so that nobody can ever have it.
    pub(crate) async fn take(self: &Arc<Self>, share: &Arc<Share>, amount: usize) -> Option<Taken> {
        if amount > self.capacity() {
            return None;
        }
        let (place, granted) = match self.take_or_wait(share, amount) {
            Ok(taken) => return Some(taken),
            Err(waiting) => waiting,
        };
        granted.await.ok()?;
        Some(place.taken())
    }

    fn take_or_wait<'a>(
        self: &'a Arc<Self>,
        share: &'a Arc<Share>,
        amount: usize,
    ) -> Result<Taken, (Place<'a>, oneshot::Receiver<()>)> {
        let mut state = self.lock();
        let arrival = state.queues.arrive();
        if !state.queues.have(share) && state.may_take(share, amount, self.bounds()) {
            state.give(share, amount, arrival);
            return Ok(self.taken_by(share, amount));
        }
        let (grant, granted) = oneshot::channel();
        state.queues.push(share, Waiter { arrival, amount, passed: 0, grant });
        Err((Place { shares: self, share, amount, arrival, ended: false }, granted))
    }

    /// Gives what is free to those who are waiting.
    fn serve(&self, mut state: MutexGuard<'_, State>) {
        let mut grants = Vec::new();
        while let Some((share, waiter)) = state.next(self.bounds()) {
            state.give(&share, waiter.amount, waiter.arrival);
            grants.push(waiter.grant);
        }
        drop(state);
        for grant in grants {
            // Whoever has just left the line gives its part back.
            let _ = grant.send(());
        }
    }

    fn taken_by(self: &Arc<Self>, share: &Arc<Share>, amount: usize) -> Taken {
        Taken { shares: self.clone(), share: share.clone(), amount }
    }

    fn bounds(&self) -> Bounds {
        let capacity = self.capacity();
        let kept = if self.keeps_some { capacity / KEPT } else { 0 };
        Bounds { capacity, kept, little: capacity / LITTLE }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl State ===

impl State {
    /// Whether one that comes now may have its part at once.
    fn may_take(&self, share: &Arc<Share>, amount: usize, bounds: Bounds) -> bool {
        let fair = self.fair(bounds.capacity, Some(share));
        self.free(bounds).suffices(share, amount) && !self.queues.has_due(bounds.capacity, fair)
    }

    /// Takes the one out of the line who gets something now, if anybody does.
    fn next(&mut self, bounds: Bounds) -> Option<(Arc<Share>, Waiter)> {
        let fair = self.fair(bounds.capacity, None);
        self.queues.next(self.free(bounds), bounds.capacity, fair)
    }

    fn free(&self, Bounds { kept, little, .. }: Bounds) -> Free {
        Free { all: self.free, kept, little }
    }

    /// The capacity divided by the number of owners that hold or want something.
    fn fair(&self, capacity: usize, also: Option<&Arc<Share>>) -> usize {
        let newcomer = also.is_some_and(|share| share.held() == 0 && !self.queues.have(share));
        capacity / (self.holders + self.queues.newcomers() + usize::from(newcomer)).max(1)
    }

    fn give(&mut self, share: &Share, amount: usize, arrival: u64) {
        self.queues.pass(arrival, amount, self.free);
        self.hold(share, amount);
    }

    /// Gives an owner more of what it uses already, which does not pass those who wait.
    fn hold(&mut self, share: &Share, amount: usize) {
        self.free -= amount;
        self.holders += usize::from(share.held() == 0 && amount > 0);
        share.add(amount);
    }

    /// Makes so much free. What is not there is owed.
    fn owe(&mut self, amount: usize) {
        let beyond = amount.saturating_sub(self.free);
        self.free += beyond;
        self.debt += beyond;
    }

    fn take_back(&mut self, share: &Share, amount: usize) {
        let repaid = amount.min(self.debt);
        self.debt -= repaid;
        self.free += amount - repaid;
        share.subtract(amount);
        self.holders -= usize::from(share.held() == 0 && amount > 0);
    }
}

// === impl Taken ===

impl Drop for Taken {
    fn drop(&mut self) {
        if self.amount == 0 {
            return;
        }
        let mut state = self.shares.lock();
        state.take_back(&self.share, self.amount);
        self.shares.serve(state);
    }
}

// === impl Place ===

impl Place<'_> {
    /// The part has come.
    fn taken(mut self) -> Taken {
        self.ended = true;
        self.shares.taken_by(self.share, self.amount)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        let mut state = self.shares.lock();
        if !state.queues.remove(self.share, self.arrival) {
            state.take_back(self.share, self.amount);
        }
        // Others may have waited only for this one.
        self.shares.serve(state);
    }
}
