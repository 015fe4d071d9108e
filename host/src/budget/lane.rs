//! Threads for work that outlasts a tick. It leaves the threads that serve calls to short work, and its owners take turns:
//! the one that has used the least time goes first, however many calls the others make.

mod nice;
mod queue;
mod task;

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use self::queue::Queue;
pub(super) use self::task::CpuLimit;
pub(crate) use self::task::OwnerTime;
use self::task::{Line, Task};

/// The threads. They start as work needs them, and end when this is dropped.
pub(crate) struct Lane(Arc<Queue>);

/// Work in the lane. It is dropped there if this is dropped.
pub(super) struct InLane<T> {
    receiver: oneshot::Receiver<std::thread::Result<T>>,
    task: Arc<Task>,
}

/// Why work in the lane has no result.
pub(super) enum Ended {
    /// It has used all the processor time that it may use.
    CpuTime,
    /// The system has no thread for it, or the process ends.
    NoThread,
    Panicked(Box<dyn Any + Send>),
}

// === impl Lane ===

impl Lane {
    /// Makes a lane with as many threads as there are cores: short work still gets its turn at once, since the lane's
    /// threads step back.
    pub(super) fn new() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Self(Queue::new(threads, Handle::try_current().ok()))
    }

    /// Moves work to the lane. It may use so much more processor time.
    pub(super) fn run<T: Send + 'static>(
        &self,
        owner: &OwnerTime,
        left: CpuLimit,
        work: impl Future<Output = T> + Send + 'static,
    ) -> InLane<T> {
        let (sender, receiver) = oneshot::channel();
        let work = async move {
            // A panic is the caller's. Nobody may wait for it any more.
            let _ = sender.send(AssertUnwindSafe(work).catch_unwind().await);
        };
        let queue: Arc<dyn Line> = self.0.clone();
        let task = Task::new(Box::pin(work), owner.clone(), left, Arc::downgrade(&queue));
        self.0.start(&task);
        InLane { receiver, task }
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.0.close();
    }
}

// === impl InLane ===

impl<T> InLane<T> {
    /// Returns the processor time that the work has used in the lane.
    pub(super) fn used(&self) -> Duration {
        self.task.used()
    }
}

impl<T> Future for InLane<T> {
    type Output = Result<T, Ended>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.receiver).poll(context).map(|result| match result {
            Ok(result) => result.map_err(Ended::Panicked),
            // The work was dropped.
            Err(_) if self.task.is_used_up() => Err(Ended::CpuTime),
            Err(_) => Err(Ended::NoThread),
        })
    }
}

impl<T> Drop for InLane<T> {
    fn drop(&mut self) {
        self.task.abandon();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{Mutex, mpsc};

    use super::*;
    use crate::budget::clock::Stopwatch;

    pub(super) const LONG: Duration = Duration::from_secs(60);
    pub(super) const MUCH: CpuLimit = CpuLimit { most: LONG, lasts: false };

    pub(super) fn lane(threads: usize) -> Lane {
        Lane(Queue::new(threads, None))
    }

    /// Keeps the only thread of a lane until the gate is dropped.
    fn blocked(lane: &Lane) -> (mpsc::Sender<()>, InLane<bool>) {
        let (gate, closed) = mpsc::channel::<()>();
        let closed = Mutex::new(closed);
        let work = async move { closed.lock().unwrap().recv().is_err() };
        (gate, lane.run(&OwnerTime::default(), MUCH, work))
    }

    /// Uses so much of the processor, however long the machine takes for that.
    fn spin(time: Duration) {
        let watch = Stopwatch::start();
        while watch.elapsed() < time {
            std::hint::spin_loop();
        }
    }

    struct SetOnDrop(Arc<AtomicBool>);

    impl Drop for SetOnDrop {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Release);
        }
    }

    #[tokio::test]
    async fn work_ends_with_its_result_and_says_what_it_used() {
        let lane = lane(1);
        let mut work = lane.run(&OwnerTime::default(), MUCH, async {
            spin(Duration::from_millis(2));
            tokio::task::yield_now().await;
            7
        });
        assert!(matches!((&mut work).await, Ok(7)));
        assert!(work.used() > Duration::ZERO);
    }

    #[tokio::test]
    async fn work_that_uses_too_much_is_dropped() {
        let (lane, dropped) = (lane(1), Arc::new(AtomicBool::new(false)));
        let guard = SetOnDrop(dropped.clone());
        let little = CpuLimit { most: Duration::from_millis(3), lasts: false };
        let work = lane.run(&OwnerTime::default(), little, async move {
            let _guard = guard;
            loop {
                spin(Duration::from_millis(1));
                tokio::task::yield_now().await;
            }
        });
        let ended: Result<(), _> = work.await;
        assert!(matches!(ended, Err(Ended::CpuTime)));
        assert!(dropped.load(Ordering::Acquire));
    }

    #[tokio::test]
    async fn a_panic_is_the_callers() {
        let lane = lane(1);
        let ended: Result<(), _> =
            lane.run(&OwnerTime::default(), MUCH, async { panic!("out of luck") }).await;
        let Err(Ended::Panicked(panic)) = ended else { panic!() };
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"out of luck"));
        assert!(matches!(lane.run(&OwnerTime::default(), MUCH, async { 1 }).await, Ok(1)));
    }

    #[test]
    fn abandoned_work_is_dropped_even_if_it_waits_or_never_stops() {
        for waits in [true, false] {
            let (lane, (sender, receiver)) = (lane(1), mpsc::channel());
            struct Tell(mpsc::Sender<()>);
            impl Drop for Tell {
                fn drop(&mut self) {
                    self.0.send(()).unwrap();
                }
            }
            let tell = Tell(sender);
            let work = lane.run(&OwnerTime::default(), MUCH, async move {
                let _tell = tell;
                loop {
                    if waits {
                        std::future::pending::<()>().await;
                    }
                    tokio::task::yield_now().await;
                }
            });
            drop::<InLane<()>>(work);
            receiver.recv_timeout(LONG).unwrap();
        }
    }

    #[tokio::test]
    async fn what_is_given_up_is_dropped_before_others_go_on() {
        struct Given(Arc<Mutex<Vec<&'static str>>>);
        impl Drop for Given {
            fn drop(&mut self) {
                self.0.lock().unwrap().push("given up");
            }
        }
        let (lane, order) = (lane(1), Arc::new(Mutex::new(Vec::new())));
        let (gate, block) = blocked(&lane);
        let others = [(); 3].map(|()| {
            let order = order.clone();
            lane.run(&OwnerTime::default(), MUCH, async move { order.lock().unwrap().push("other") })
        });
        let given = Given(order.clone());
        let work = lane.run(&OwnerTime::default(), MUCH, async move {
            let _given = given;
            std::future::pending::<()>().await;
        });
        drop(work);
        drop(gate);
        assert!(matches!(block.await, Ok(true)));
        for other in others {
            assert!(other.await.is_ok());
        }
        assert_eq!(*order.lock().unwrap(), ["given up", "other", "other", "other"]);
    }

    #[tokio::test]
    async fn owners_take_turns_however_many_calls_they_have() {
        let (lane, order) = (lane(1), Arc::new(Mutex::new(Vec::new())));
        let (gate, block) = blocked(&lane);
        let (many, one) = (OwnerTime::default(), OwnerTime::default());
        let work = |name: &'static str, owner: &OwnerTime| {
            let order = order.clone();
            lane.run(owner, MUCH, async move {
                for _ in 0..5 {
                    // Long enough for what the measure of a short poll adds not to matter.
                    spin(Duration::from_millis(4));
                    order.lock().unwrap().push(name);
                    tokio::task::yield_now().await;
                }
            })
        };
        let others: Vec<_> = (0..8).map(|_| work("many", &many)).collect();
        let single = work("one", &one);
        drop(gate);
        assert!(matches!(block.await, Ok(true)));
        assert!(single.await.is_ok());
        let before = order.lock().unwrap().iter().filter(|name| **name == "many").count();
        // Turns are as long as what was measured, so one or two more may slip in.
        assert!(before <= 8, "{before} of 40 turns of the others came before the last of five");
        for other in others {
            assert!(other.await.is_ok());
        }
    }
}
