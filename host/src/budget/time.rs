//! The time of calls: each has a deadline and processor time, and work that outlasts a tick leaves the threads that serve
//! calls.

use std::panic::resume_unwind;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::runtime::RuntimeFlavor::MultiThread;
use tokio::task::block_in_place;
use tokio::time::{Instant, Sleep, sleep_until};

use super::clock::Stopwatch;
use super::lane::{CpuLimit, Ended, Lane, OwnerTime};
use super::memory::Footprint;
use super::upstream::Upstream;

/// The processor time that a call gets on the threads that serve calls. Nearly every call is done by then.
const SHORT: Duration = Duration::from_millis(2);

/// Longer than any process runs.
const FOR_EVER: Duration = Duration::from_secs(60 * 60 * 24 * 365 * 10);

/// Gives calls their time.
pub(crate) struct Governor {
    cpu_timeout: Duration,
    /// The processor time after which a call's work goes to the lane.
    short: Duration,
    lane: Arc<Lane>,
}

/// The time of one call, for all the work that is done for it.
pub(crate) struct Turn {
    deadline: Instant,
    /// It may last for ever: then its processor time is not limited as a whole.
    lasts: bool,
    cpu_timeout: Duration,
    short: Duration,
    used: Duration,
    lane: Arc<Lane>,
    owner: OwnerTime,
    upstream: Upstream,
}

/// Why a call was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    CpuTime,
    /// There is no thread for long work.
    NoThread,
    Deadline {
        awaited: Awaited,
    },
}

/// What a call was waiting for at its deadline, besides itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Awaited {
    Nothing,
    Upstream,
    /// Room in the memory of all instances together, which is so many bytes.
    Memory {
        total: usize,
    },
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
        // A test's clock runs ahead while other threads work, so tests that use one stay on theirs.
        let short = if cfg!(test) { 100 * SHORT } else { SHORT };
        Self { cpu_timeout, short, lane: Arc::new(Lane::new()) }
    }

    /// Returns the turn of a call of `owner` that begins now and must end at `deadline`. `upstream` says whether it is then
    /// waiting for an upstream.
    pub(crate) fn turn(&self, owner: &OwnerTime, deadline: Instant, upstream: Upstream) -> Turn {
        let Self { cpu_timeout, short, ref lane } = *self;
        let (lane, owner, used) = (lane.clone(), owner.clone(), Duration::ZERO);
        Turn { deadline, lasts: false, cpu_timeout, short, used, lane, owner, upstream }
    }

    /// Returns the turn of a call that may last for ever, unless its caller has set a deadline. It may compute for half of the
    /// time, and be ahead of that by as much as another call may use in all.
    pub(crate) fn lasting_turn(
        &self,
        owner: &OwnerTime,
        deadline: Option<Instant>,
        upstream: Upstream,
    ) -> Turn {
        let deadline = deadline.unwrap_or_else(|| Instant::now() + FOR_EVER);
        Turn { lasts: true, ..self.turn(owner, deadline, upstream) }
    }
}

// === impl Turn ===

impl Turn {
    /// Runs a part of the call until it ends or the call's time is used up. It begins here. Once the call has used more than
    /// a tick or two, its work goes on in the lane, and if it is stopped there, it is dropped there.
    ///
    /// The processor's time within a poll counts. The time between two polls is waiting. A poll lasts at most about a
    /// tick: the engine's clock makes a guest yield, and the host's own work is done in small steps.
    pub(crate) fn run<F>(&mut self, work: F) -> impl Future<Output = Result<F::Output, Stop>> + Send
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        self.run_with(None, Box::pin(work))
    }

    /// The same for a guest's work. A guest that has much memory works in the lane from the start: it can fill or copy all
    /// of it in one instruction, and its answer is lifted in one go.
    pub(crate) fn run_guest<F>(
        &mut self,
        memory: &Footprint,
        work: F,
    ) -> impl Future<Output = Result<F::Output, Stop>> + Send
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        self.run_with(Some(memory), Box::pin(work))
    }

    /// The work is moved only once, on the way into its box: it is some kilobytes large.
    async fn run_with<F>(
        &mut self,
        memory: Option<&Footprint>,
        mut work: Pin<Box<F>>,
    ) -> Result<F::Output, Stop>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        // Registered only once there is something to wait for: most calls are ready soon.
        let mut deadline = pin!(sleep_until(self.deadline));
        let here = Here { turn: self, memory, work: work.as_mut(), deadline: deadline.as_mut() };
        if let Some(result) = here.await {
            return result;
        }
        let left = CpuLimit { most: self.cpu_timeout.saturating_sub(self.used), lasts: self.lasts };
        let mut work = self.lane.run(&self.owner, left, work);
        let ended = tokio::select! {
            biased;
            ended = &mut work => ended,
            () = deadline => return Err(self.late(memory)),
        };
        self.used += work.used();
        match ended {
            Ok(output) => Ok(output),
            Err(Ended::CpuTime) => Err(Stop::CpuTime),
            Err(Ended::NoThread) => Err(Stop::NoThread),
            Err(Ended::Panicked(panic)) => resume_unwind(panic),
        }
    }

    /// Returns the processor time that the call has used so far.
    pub(crate) fn used(&self) -> Duration {
        self.used
    }

    fn late(&self, memory: Option<&Footprint>) -> Stop {
        let awaited = if let Some(total) = memory.and_then(Footprint::awaited) {
            Awaited::Memory { total }
        } else if self.upstream.was_waited_for(self.deadline) {
            Awaited::Upstream
        } else {
            Awaited::Nothing
        };
        Stop::Deadline { awaited }
    }

    /// Returns why no more may be done for the call, if that is so.
    fn over(&self, memory: Option<&Footprint>) -> Option<Stop> {
        if self.used >= self.cpu_timeout {
            return Some(Stop::CpuTime);
        }
        (Instant::now() >= self.deadline).then(|| self.late(memory))
    }
}

/// Work while it is short. Ends with its result, or with `None` if it must go to the lane.
struct Here<'a, F> {
    turn: &'a mut Turn,
    memory: Option<&'a Footprint>,
    work: Pin<&'a mut F>,
    deadline: Pin<&'a mut Sleep>,
}

// === impl Here ===

impl<F: Future> Here<'_, F> {
    fn is_short(&self) -> bool {
        self.turn.used < self.turn.short && !self.memory.is_some_and(Footprint::is_large)
    }
}

impl<F: Future> Future for Here<'_, F> {
    type Output = Option<Result<F::Output, Stop>>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(stop) = self.turn.over(self.memory) {
            return Poll::Ready(Some(Err(stop)));
        }
        if !self.is_short() {
            return Poll::Ready(None);
        }
        let watch = Stopwatch::start();
        let polled = self.work.as_mut().poll(context);
        self.turn.used += watch.elapsed();
        match polled {
            Poll::Ready(output) => Poll::Ready(Some(Ok(output))),
            Poll::Pending if !self.is_short() => Poll::Ready(None),
            Poll::Pending => {
                self.deadline.as_mut().poll(context).map(|()| Some(Err(self.turn.late(self.memory))))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LATE: Stop = Stop::Deadline { awaited: Awaited::Nothing };

    const CPU: Duration = Duration::from_millis(30);

    fn turn(within: Duration) -> Turn {
        governor().turn(&OwnerTime::default(), Instant::now() + within, Upstream::default())
    }

    fn governor() -> Governor {
        Governor { short: SHORT, ..Governor::new(CPU) }
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
    async fn a_call_that_waits_for_an_upstream_until_its_deadline_says_so() {
        let upstream = Upstream::default();
        let mut turn = governor().turn(
            &OwnerTime::default(),
            Instant::now() + Duration::from_millis(1),
            upstream.clone(),
        );
        let request = async move {
            let _waiting = upstream.wait();
            std::future::pending::<()>().await;
        };
        assert_eq!(turn.run(request).await, Err(Stop::Deadline { awaited: Awaited::Upstream }));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn a_guest_with_much_memory_leaves_its_thread_to_others() {
        let (sender, receiver) = std::sync::mpsc::channel();
        let memory = Footprint::of(3 << 20);
        // There is one thread for tasks, and the guest would keep it until the other task has run.
        let guest = tokio::spawn(async move {
            tokio::spawn(async move { sender.send(()).unwrap() });
            let mut turn = turn(Duration::from_secs(60));
            let receiver = std::sync::Mutex::new(receiver);
            let lift = async move { receiver.lock().unwrap().recv_timeout(Duration::from_secs(30)) };
            turn.run_guest(&memory, lift).await
        });
        assert_eq!(guest.await.unwrap(), Ok(Ok(())));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn long_work_leaves_its_thread_to_others() {
        let (sender, receiver) = std::sync::mpsc::channel();
        let work = tokio::spawn(async move {
            let receiver = std::sync::Mutex::new(receiver);
            let work = async move {
                let began = std::time::Instant::now();
                while began.elapsed() < 2 * SHORT {
                    std::hint::spin_loop();
                }
                tokio::spawn(async move { sender.send(()).unwrap() });
                tokio::task::yield_now().await;
                receiver.lock().unwrap().recv_timeout(Duration::from_secs(30))
            };
            turn(Duration::from_secs(60)).run(work).await
        });
        assert_eq!(work.await.unwrap(), Ok(Ok(())));
    }

    #[tokio::test]
    async fn computing_uses_the_time_up() {
        assert_eq!(turn(Duration::from_secs(60)).run(compute()).await, Err(Stop::CpuTime));
    }

    #[tokio::test]
    async fn all_parts_of_a_call_count() {
        let mut turn = turn(Duration::from_secs(60));
        let spin = async {
            let watch = Stopwatch::start();
            while watch.elapsed() < CPU {
                std::hint::spin_loop();
            }
        };
        assert_eq!(turn.run(spin).await, Ok(()), "it cannot be stopped before it ends");
        assert_eq!(turn.run(async {}).await, Err(Stop::CpuTime));
    }
}
