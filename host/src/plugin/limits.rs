//! What a call may use: processor time, wall time and memory.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// Processor time after which a call is a slow one. Nearly every call is done by then.
const SLOW_AFTER: Duration = Duration::from_millis(20);

/// The operator's limits.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Wall time of a call whose caller sets no deadline.
    pub call_timeout: Duration,
    /// Processor time of a call; waiting for the host does not count.
    pub cpu_timeout: Duration,
    /// Bytes of one instance.
    pub memory_max: usize,
    /// Bytes of all instances together.
    pub memory_total: usize,
    /// Instances of one data source.
    pub instances_max: usize,
}

/// Why a call was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    CpuTime,
    WallTime,
}

/// Shares the processor between calls, so that those which compute for long leave a core to the others.
pub(super) struct Governor {
    cpu_timeout: Duration,
    /// Slow calls run only while they hold one of these: one fewer than there are cores.
    slow_lane: Arc<Semaphore>,
}

/// Bytes that all instances together have.
pub struct MemoryBudget {
    used: AtomicUsize,
    total: usize,
    released: Notify,
}

/// The memory of one instance.
pub struct InstanceMemory {
    budget: Arc<MemoryBudget>,
    used: usize,
    max: usize,
    /// The limit that was met last.
    refused: Option<Refused>,
}

/// Which limit stood in the way of more memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    Instance { max: usize },
    Total { total: usize },
}

// === impl Governor ===

impl Governor {
    pub(super) fn new(limits: &Limits) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let slow_lane = Arc::new(Semaphore::new(cores.saturating_sub(1).max(1)));
        Self { cpu_timeout: limits.cpu_timeout, slow_lane }
    }

    /// Runs a call until it ends or has used up its time. What happens between two polls is waiting; what happens
    /// inside one is work, of at most a tick, because the engine's clock makes a guest yield.
    pub(super) async fn run<F: Future>(&self, deadline: Instant, call: F) -> Result<F::Output, Stop> {
        let mut call = pin!(call);
        let mut deadline = pin!(tokio::time::sleep_until(deadline));
        let mut used = Duration::ZERO;
        let mut lane = None;
        std::future::poll_fn(move |context| {
            if used >= self.cpu_timeout {
                return Poll::Ready(Err(Stop::CpuTime));
            }
            if deadline.as_mut().poll(context).is_ready() {
                return Poll::Ready(Err(Stop::WallTime));
            }
            let mut _permit: Option<OwnedSemaphorePermit> = None;
            if used >= SLOW_AFTER {
                let turn = lane.get_or_insert_with(|| Box::pin(self.slow_lane.clone().acquire_owned()));
                let Poll::Ready(permit) = turn.poll_unpin(context) else { return Poll::Pending };
                (_permit, lane) = (permit.ok(), None);
            }
            let began = Instant::now();
            let polled = call.as_mut().poll(context);
            used += began.elapsed();
            polled.map(Ok)
        })
        .await
    }
}

// === impl MemoryBudget ===

impl MemoryBudget {
    pub fn new(limits: &Limits) -> Arc<Self> {
        Arc::new(Self { used: AtomicUsize::new(0), total: limits.memory_total, released: Notify::new() })
    }

    pub fn is_used_up(&self) -> bool {
        self.used.load(Ordering::Relaxed) >= self.total
    }

    /// Returns once an instance was dropped.
    pub async fn released(&self) {
        self.released.notified().await;
    }

    fn take(&self, bytes: usize) -> bool {
        let taken = self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
            used.checked_add(bytes).filter(|sum| *sum <= self.total)
        });
        taken.is_ok()
    }
}

// === impl InstanceMemory ===

impl InstanceMemory {
    pub fn new(budget: Arc<MemoryBudget>, max: usize) -> Self {
        Self { budget, used: 0, max, refused: None }
    }

    pub fn take_refused(&mut self) -> Option<Refused> {
        self.refused.take()
    }
}

impl wasmtime::ResourceLimiter for InstanceMemory {
    fn memory_growing(&mut self, now: usize, wanted: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let more = wanted.saturating_sub(now);
        let fits = self.used.checked_add(more).is_some_and(|sum| sum <= self.max);
        self.refused = match (fits, fits && self.budget.take(more)) {
            (false, _) => Some(Refused::Instance { max: self.max }),
            (true, false) => Some(Refused::Total { total: self.budget.total }),
            (true, true) => {
                self.used += more;
                None
            }
        };
        Ok(self.refused.is_none())
    }

    fn table_growing(&mut self, _: usize, wanted: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        // A table's element is a pointer in the host.
        Ok(wanted.saturating_mul(size_of::<usize>()) <= self.max)
    }
}

impl Drop for InstanceMemory {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(self.used, Ordering::Relaxed);
        self.budget.released.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use wasmtime::ResourceLimiter as _;

    use super::*;

    const LIMITS: Limits = Limits {
        call_timeout: Duration::from_secs(300),
        cpu_timeout: Duration::from_millis(30),
        memory_max: 100,
        memory_total: 150,
        instances_max: 1,
    };

    #[tokio::test]
    async fn waiting_costs_no_processor_time() {
        let governor = Governor::new(&LIMITS);
        let deadline = Instant::now() + Duration::from_secs(60);
        assert_eq!(governor.run(deadline, tokio::time::sleep(2 * LIMITS.cpu_timeout)).await, Ok(()));
    }

    #[tokio::test]
    async fn a_call_ends_at_its_deadline() {
        let governor = Governor::new(&LIMITS);
        let deadline = Instant::now() + Duration::from_millis(1);
        assert_eq!(governor.run(deadline, std::future::pending::<()>()).await, Err(Stop::WallTime));
    }

    #[tokio::test]
    async fn computing_uses_the_budget_up() {
        let governor = Governor::new(&LIMITS);
        let deadline = Instant::now() + Duration::from_secs(60);
        let compute = async {
            loop {
                let tick = Instant::now();
                while tick.elapsed() < Duration::from_millis(1) {
                    std::hint::spin_loop();
                }
                tokio::task::yield_now().await;
            }
        };
        assert_eq!(governor.run(deadline, compute).await, Err::<(), _>(Stop::CpuTime));
    }

    #[test]
    fn memory_is_bounded_for_one_and_for_all() {
        let budget = MemoryBudget::new(&LIMITS);
        let mut one = InstanceMemory::new(budget.clone(), 100);
        let mut two = InstanceMemory::new(budget.clone(), 100);
        assert!(one.memory_growing(0, 100, None).unwrap());
        assert!(!one.memory_growing(100, 101, None).unwrap());
        assert_eq!(one.take_refused(), Some(Refused::Instance { max: 100 }));
        assert!(!two.memory_growing(0, 51, None).unwrap());
        assert_eq!(two.take_refused(), Some(Refused::Total { total: 150 }));
        drop(one);
        assert!(two.memory_growing(0, 51, None).unwrap());
        assert!(!budget.is_used_up());
    }
}
