//! The time of calls: each has a deadline and processor time, and a core is left to the calls that need little.

use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::runtime::Handle;
use tokio::runtime::RuntimeFlavor::MultiThread;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::block_in_place;
use tokio::time::{Instant, sleep_until};

use super::memory::Footprint;
use super::upstream::Upstream;

/// The processor time after which a call counts as slow. Nearly every call is done by then.
const SLOW_AFTER: Duration = Duration::from_millis(20);

/// Shares the processor between calls: those that compute for a long time leave a core to the others.
pub(crate) struct Governor {
    cpu_timeout: Duration,
    /// Slow calls run only while they hold a permit. There is one permit fewer than there are cores.
    slow_lane: Arc<Semaphore>,
}

/// The time of one call, for all the work that is done for it.
pub(crate) struct Turn {
    deadline: Instant,
    cpu_timeout: Duration,
    used: Duration,
    slow_lane: Arc<Semaphore>,
    upstream: Upstream,
}

/// Why a call was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    CpuTime,
    Deadline { waited_for_upstream: bool },
}

/// Does work that nothing interrupts beside the threads that serve calls, so that it holds up nobody else's.
pub(crate) fn beside_others<R>(work: impl FnOnce() -> R) -> R {
    if Handle::try_current().is_ok_and(|runtime| runtime.runtime_flavor() == MultiThread) {
        block_in_place(work)
    } else {
        work()
    }
}

// === impl Governor ===

impl Governor {
    /// `cpu_timeout` is the processor time of one call.
    pub(crate) fn new(cpu_timeout: Duration) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let slow_lane = Arc::new(Semaphore::new(cores.saturating_sub(1).max(1)));
        Self { cpu_timeout, slow_lane }
    }

    /// Returns the turn of a call that begins now and must end at `deadline`. `upstream` says whether it is then
    /// waiting for an upstream.
    pub(crate) fn turn(&self, deadline: Instant, upstream: Upstream) -> Turn {
        let (cpu_timeout, slow_lane) = (self.cpu_timeout, self.slow_lane.clone());
        Turn { deadline, cpu_timeout, used: Duration::ZERO, slow_lane, upstream }
    }
}

// === impl Turn ===

impl Turn {
    /// Runs a part of the call until it ends or the call's time is used up. The time between two polls counts as
    /// waiting. The time within a poll counts as work, and lasts at most about a tick: the engine's clock makes a guest
    /// yield, and the host's own work is done in small steps.
    pub(crate) async fn run<F: Future>(&mut self, work: F) -> Result<F::Output, Stop> {
        self.run_with(None, work).await
    }

    /// The same for a guest's work. While the guest has much memory it runs beside the threads that serve other calls: its
    /// answer is lifted in one go, and 128 MiB of it take 50 to 200 ms.
    pub(crate) async fn run_guest<F: Future>(
        &mut self,
        memory: &Footprint,
        work: F,
    ) -> Result<F::Output, Stop> {
        self.run_with(Some(memory), work).await
    }

    async fn run_with<F: Future>(&mut self, memory: Option<&Footprint>, work: F) -> Result<F::Output, Stop> {
        let mut work = pin!(work);
        // Registered only once there is something to wait for: most calls are ready soon.
        let mut deadline = pin!(sleep_until(self.deadline));
        let mut lane = None;
        let (upstream, at) = (self.upstream.clone(), self.deadline);
        let late = move |()| Err(Stop::Deadline { waited_for_upstream: upstream.was_waited_for(at) });
        std::future::poll_fn(move |context| {
            if self.used >= self.cpu_timeout {
                return Poll::Ready(Err(Stop::CpuTime));
            }
            let began = Instant::now();
            if began >= self.deadline {
                return Poll::Ready(late(()));
            }
            let mut _permit: Option<OwnedSemaphorePermit> = None;
            if self.used >= SLOW_AFTER {
                let turn = lane.get_or_insert_with(|| Box::pin(self.slow_lane.clone().acquire_owned()));
                let Poll::Ready(permit) = turn.poll_unpin(context) else {
                    return deadline.as_mut().poll(context).map(&late);
                };
                (_permit, lane) = (permit.ok(), None);
            }
            let mut poll = || work.as_mut().poll(context);
            let polled = if memory.is_some_and(Footprint::is_large) { beside_others(poll) } else { poll() };
            self.used += began.elapsed();
            match polled {
                Poll::Ready(output) => Poll::Ready(Ok(output)),
                Poll::Pending => deadline.as_mut().poll(context).map(&late),
            }
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use wasmtime::ResourceLimiter as _;

    use super::super::memory::{InstanceMemory, MemoryBudget};
    use super::*;

    const LATE: Stop = Stop::Deadline { waited_for_upstream: false };

    const CPU: Duration = Duration::from_millis(30);

    fn turn(within: Duration) -> Turn {
        Governor::new(CPU).turn(Instant::now() + within, Upstream::default())
    }

    /// Computes forever, in small steps.
    async fn compute() {
        loop {
            let tick = Instant::now();
            while tick.elapsed() < Duration::from_millis(1) {
                std::hint::spin_loop();
            }
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn waiting_costs_no_processor_time() {
        let mut turn = turn(Duration::from_secs(60));
        assert_eq!(turn.run(tokio::time::sleep(2 * CPU)).await, Ok(()));
    }

    #[tokio::test]
    async fn a_call_ends_at_its_deadline() {
        let mut turn = turn(Duration::from_millis(1));
        assert_eq!(turn.run(std::future::pending::<()>()).await, Err(LATE));
        assert_eq!(turn.run(async {}).await, Err(LATE), "no more work is done for it");
    }

    #[tokio::test]
    async fn a_call_ends_at_its_deadline_while_it_waits_for_the_slow_lane() {
        let governor = Governor::new(CPU);
        let permits = governor.slow_lane.available_permits() as u32;
        let _all = governor.slow_lane.acquire_many(permits).await.unwrap();
        let mut turn = governor.turn(Instant::now() + Duration::from_millis(25), Upstream::default());
        turn.used = SLOW_AFTER;
        assert_eq!(turn.run(async {}).await, Err(LATE));
    }

    #[tokio::test]
    async fn a_call_that_waits_for_an_upstream_until_its_deadline_says_so() {
        let upstream = Upstream::default();
        let mut turn = Governor::new(CPU).turn(Instant::now() + Duration::from_millis(1), upstream.clone());
        let request = async {
            let _waiting = upstream.wait();
            std::future::pending::<()>().await;
        };
        assert_eq!(turn.run(request).await, Err(Stop::Deadline { waited_for_upstream: true }));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn a_guest_with_much_memory_leaves_its_thread_to_others() {
        let mut memory = InstanceMemory::new(MemoryBudget::new(1 << 30), 1 << 30);
        assert!(memory.memory_growing(0, 3 << 20, None).unwrap());
        let (sender, receiver) = std::sync::mpsc::channel();
        // There is one thread for tasks, and the guest keeps it until the other task has run.
        let guest = tokio::spawn(async move {
            tokio::spawn(async move { sender.send(()).unwrap() });
            let mut turn = turn(Duration::from_secs(60));
            let lift = async move { receiver.recv_timeout(Duration::from_secs(30)) };
            turn.run_guest(memory.footprint(), lift).await
        });
        assert_eq!(guest.await.unwrap(), Ok(Ok(())));
    }

    #[tokio::test]
    async fn computing_uses_the_time_up() {
        assert_eq!(turn(Duration::from_secs(60)).run(compute()).await, Err(Stop::CpuTime));
    }

    #[tokio::test]
    async fn all_parts_of_a_call_count() {
        let mut turn = turn(Duration::from_secs(60));
        let spin = async {
            let began = Instant::now();
            while began.elapsed() < CPU {
                std::hint::spin_loop();
            }
        };
        assert_eq!(turn.run(spin).await, Ok(()), "it cannot be stopped before it ends");
        assert_eq!(turn.run(async {}).await, Err(Stop::CpuTime));
    }
}
