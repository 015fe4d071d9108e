//! What waits for a thread of the lane, in the order of fairness.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use tokio::runtime::Handle;

use super::nice;
use super::task::{Line, OwnerTime, Task};

pub(super) struct Queue {
    state: Mutex<QueueState>,
    work: Condvar,
    /// For the timers and sockets that the work uses.
    runtime: Option<Handle>,
    max_threads: usize,
}

#[derive(Default)]
struct QueueState {
    /// The owners that have tasks, each once.
    owners: BinaryHeap<Reverse<Waiting>>,
    /// Tasks that nobody waits for any more.
    abandoned: Vec<Arc<Task>>,
    /// The time of the owner that was served last. One that comes back begins there: it is not repaid for the time in which
    /// it needed nothing.
    now: u64,
    /// Makes owners with the same time first come, first served.
    arrivals: u64,
    threads: usize,
    sleeping: usize,
    closed: bool,
}

/// An owner in the queue; the one with the smallest order goes first.
struct Waiting {
    order: (u64, u64),
    owner: OwnerTime,
}

/// What a turn is presumed to take while it is not over, in nanoseconds.
const TURN: u64 = 1_000_000;

// === impl Queue ===

impl Queue {
    pub(super) fn new(max_threads: usize, runtime: Option<Handle>) -> Arc<Self> {
        let state = QueueState::default();
        Arc::new(Self { state: Mutex::new(state), work: Condvar::new(), runtime, max_threads })
    }

    /// Queues a new task, and starts a thread for it if there are too few.
    pub(super) fn start(self: &Arc<Self>, task: &Arc<Task>) {
        let mut state = self.state();
        if state.sleeping == 0 && state.threads < self.max_threads {
            state.threads += 1;
            drop(state);
            let queue = self.clone();
            if std::thread::Builder::new().name("lane".to_owned()).spawn(move || queue.serve()).is_err() {
                // The threads that there are do it. If there is none, all that waits is dropped, which is its end.
                let mut state = self.state();
                state.threads -= 1;
                if state.threads == 0 {
                    let left = state.drain();
                    drop(state);
                    left.iter().chain([task]).for_each(|task| task.abandon_here());
                    return;
                }
            }
        } else {
            drop(state);
        }
        task.schedule(&**self);
    }

    pub(super) fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        let left = state.drain();
        drop(state);
        self.work.notify_all();
        // What they wait for may hold them.
        left.iter().for_each(|task| task.abandon_here());
    }

    /// The life of a thread.
    fn serve(self: Arc<Self>) {
        nice::step_back();
        let _entered = self.runtime.as_ref().map(Handle::enter);
        let mut state = self.state();
        while !state.closed {
            let Some(task) = state.next() else {
                state.sleeping += 1;
                state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
                state.sleeping -= 1;
                continue;
            };
            drop(state);
            task.run(&*self);
            drop(task);
            state = self.state();
        }
    }

    fn state(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Line for Queue {
    fn push(&self, task: Arc<Task>) {
        let owner = task.owner().clone();
        let mut state = self.state();
        if state.closed {
            drop(state);
            return task.abandon_here();
        }
        let mut tasks = owner.tasks();
        tasks.push_back(task);
        if tasks.len() == 1 {
            drop(tasks);
            let time = owner.catch_up(state.now);
            state.wait(owner, time);
        }
        drop(state);
        self.work.notify_one();
    }

    /// Queues a task that is only to be dropped.
    fn push_abandoned(&self, task: Arc<Task>) {
        let mut state = self.state();
        if state.closed {
            drop(state);
            return task.abandon_here();
        }
        state.abandoned.push(task);
        drop(state);
        self.work.notify_one();
    }
}

// === impl QueueState ===

impl QueueState {
    fn wait(&mut self, owner: OwnerTime, time: u64) {
        let order = (time, self.arrivals);
        self.arrivals += 1;
        self.owners.push(Reverse(Waiting { order, owner }));
    }

    fn drain(&mut self) -> Vec<Arc<Task>> {
        std::iter::from_fn(|| self.next()).collect()
    }

    /// Takes the next task of the owner that has used the least time.
    fn next(&mut self) -> Option<Arc<Task>> {
        if let Some(task) = self.abandoned.pop() {
            return Some(task);
        }
        let Reverse(Waiting { order, owner }) = self.owners.pop()?;
        self.now = self.now.max(order.0);
        let mut tasks = owner.tasks();
        let task = tasks.pop_front();
        let has_more = !tasks.is_empty();
        drop(tasks);
        if has_more {
            let time = owner.catch_up(self.now).saturating_add(TURN);
            self.wait(owner, time);
        }
        task
    }
}

// === impl Waiting ===

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.order == other.order
    }
}

impl Eq for Waiting {}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.order.cmp(&other.order)
    }
}
