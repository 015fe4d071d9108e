//! One piece of work in the lane: polled by one thread at a time, queued again when it is woken.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError, Weak};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use crate::budget::clock::Stopwatch;

pub(super) type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Where tasks wait for a thread.
pub(super) trait Line: Send + Sync {
    fn push(&self, task: Arc<Task>);

    /// Queues a task that is only to be dropped.
    fn push_abandoned(&self, task: Arc<Task>);
}

/// An owner's place in the lane. Cheap to clone; all clones are the same.
#[derive(Clone, Default)]
pub(crate) struct OwnerTime(Arc<OwnerLane>);

#[derive(Default)]
struct OwnerLane {
    /// The processor time that it has used in the lane, in nanoseconds.
    used: AtomicU64,
    /// Its tasks that wait for a thread. Changes only under the lock of the queue.
    tasks: Mutex<VecDeque<Arc<Task>>>,
}

/// How much processor time work may use.
#[derive(Clone, Copy)]
pub(in crate::budget) struct CpuLimit {
    pub most: Duration,
    /// It may last for ever: the limit is not for all of it, but for what it is ahead of a part of the time that passes.
    pub lasts: bool,
}

pub(super) struct Task {
    /// `None` once the work is over.
    work: Mutex<Option<Work>>,
    owner: OwnerTime,
    state: AtomicU8,
    /// Nobody waits for it any more.
    abandoned: AtomicBool,
    used: AtomicU64,
    limit: Duration,
    /// When the last poll ended of work that lasts. It gets a part of the time since then back.
    lasting: Option<Mutex<Instant>>,
    queue: Weak<dyn Line>,
}

/// Work that lasts gets back one of so many parts of the time that passes: it may compute for half of the time.
const REGAINED: u32 = 2;

/// It waits for something.
const IDLE: u8 = 0;
/// It is in the queue.
const QUEUED: u8 = 1;
/// A thread polls it.
const RUNNING: u8 = 2;
/// A thread polls it, and it must be polled again.
const WOKEN: u8 = 3;
/// The work is over.
const DONE: u8 = 4;

// === impl OwnerTime ===

impl OwnerTime {
    pub(super) fn add(&self, used: Duration) {
        self.0.used.fetch_add(nanoseconds(used), Ordering::Relaxed);
    }

    /// Returns the time, which is at least `now` from here on.
    pub(super) fn catch_up(&self, now: u64) -> u64 {
        self.0.used.fetch_max(now, Ordering::Relaxed).max(now)
    }

    pub(super) fn tasks(&self) -> MutexGuard<'_, VecDeque<Arc<Task>>> {
        self.0.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Task ===

impl Task {
    pub(super) fn new(work: Work, owner: OwnerTime, limit: CpuLimit, queue: Weak<dyn Line>) -> Arc<Self> {
        Arc::new(Self {
            work: Mutex::new(Some(work)),
            owner,
            state: AtomicU8::new(IDLE),
            abandoned: AtomicBool::new(false),
            used: AtomicU64::new(0),
            limit: limit.most,
            lasting: limit.lasts.then(|| Mutex::new(Instant::now())),
            queue,
        })
    }

    pub(super) fn owner(&self) -> &OwnerTime {
        &self.owner
    }

    pub(super) fn used(&self) -> Duration {
        Duration::from_nanos(self.used.load(Ordering::Relaxed))
    }

    /// Lets a thread of the lane drop the work, since that may take milliseconds. It comes before all others, which wait for
    /// what the work holds.
    pub(super) fn abandon(self: &Arc<Self>) {
        self.abandoned.store(true, Ordering::Release);
        let next = |state| match state {
            IDLE | QUEUED => Some(QUEUED),
            RUNNING => Some(WOKEN),
            _ => None,
        };
        let before = self.state.fetch_update(Ordering::AcqRel, Ordering::Acquire, next);
        if let (Ok(IDLE | QUEUED), Some(queue)) = (before, self.queue.upgrade()) {
            queue.push_abandoned(self.clone());
        }
    }

    /// Returns whether it has used all its processor time.
    pub(super) fn is_used_up(&self) -> bool {
        self.used() >= self.limit
    }

    /// Drops the work now.
    pub(super) fn abandon_here(&self) {
        drop(self.work().take());
    }

    /// Queues the task unless it is queued, or lets the thread that polls it do so.
    pub(super) fn schedule(self: &Arc<Self>, queue: &dyn Line) {
        let next = |state| match state {
            IDLE => Some(QUEUED),
            RUNNING => Some(WOKEN),
            _ => None,
        };
        if self.state.fetch_update(Ordering::AcqRel, Ordering::Acquire, next) == Ok(IDLE) {
            queue.push(self.clone());
        }
    }

    /// Polls the work once. Only for the thread that took the task from the queue.
    pub(super) fn run(self: &Arc<Self>, queue: &dyn Line) {
        // One that was abandoned while it was queued comes twice; whoever has it first sees to it.
        let mut work = match self.work.try_lock() {
            Ok(work) => work,
            Err(TryLockError::Poisoned(work)) => work.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        self.state.store(RUNNING, Ordering::Release);
        if let Some(future) = work.as_mut() {
            let is_over = self.abandoned.load(Ordering::Acquire) || self.poll(future);
            if is_over {
                // What panics while it is dropped is gone all the same.
                let _ = catch_unwind(AssertUnwindSafe(|| *work = None));
            }
        }
        if work.is_none() {
            self.state.store(DONE, Ordering::Release);
            return;
        }
        drop(work);
        if self.state.compare_exchange(RUNNING, IDLE, Ordering::AcqRel, Ordering::Acquire).is_err() {
            self.state.store(QUEUED, Ordering::Release);
            queue.push(self.clone());
        }
    }

    /// Returns whether the work is over.
    fn poll(self: &Arc<Self>, future: &mut Work) -> bool {
        let waker = Waker::from(self.clone());
        let watch = Stopwatch::start();
        let polled =
            catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(&mut Context::from_waker(&waker))));
        let used = watch.elapsed();
        self.owner.add(used);
        self.add(used);
        match polled {
            Ok(Poll::Ready(())) => true,
            Ok(Poll::Pending) => self.is_used_up() || self.abandoned.load(Ordering::Acquire),
            // The caller's panics are caught further in.
            Err(_) => true,
        }
    }

    /// Only for the thread that polls.
    fn add(&self, used: Duration) {
        let mut before = self.used();
        if let Some(last) = &self.lasting {
            let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
            before = left_after(before, last.elapsed());
            *last = Instant::now();
        }
        self.used.store(nanoseconds(before + used), Ordering::Relaxed);
    }

    fn work(&self) -> MutexGuard<'_, Option<Work>> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns what still counts of the time that was used before so much time has passed.
fn left_after(used: Duration, passed: Duration) -> Duration {
    used.saturating_sub(passed / REGAINED)
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        if let Some(queue) = self.queue.upgrade() {
            self.schedule(&*queue);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lasts_may_compute_for_half_of_the_time() {
        let used_in_an_hour = |used: u64, passed: u64| {
            let [used, passed] = [used, passed].map(Duration::from_millis);
            let polls = 3600 * 1000 / passed.as_millis();
            (0..polls).fold(Duration::ZERO, |sum, _| left_after(sum, passed) + used)
        };
        assert_eq!(used_in_an_hour(2, 4), Duration::from_millis(2));
        assert_eq!(used_in_an_hour(1, 100), Duration::from_millis(1));
        assert_eq!(used_in_an_hour(100, 150), Duration::from_secs(600) + Duration::from_millis(75));
    }
}
