//! The streams of one owner: how many run at once, what they are charged to, and when one that has failed may run again.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::budget::{OwnerMemory, OwnerTime, Priority};

/// The streams of one owner.
pub(crate) struct Streams {
    permits: Arc<Semaphore>,
    /// Apart from the owner's: streams that hold much, for ever, must not make its queries wait behind those of others.
    pub memory: OwnerMemory,
    /// In the lane, streams take turns with the owner's queries as if they were another owner's.
    pub time: OwnerTime,
    /// The streams that have failed, by the hash of their path.
    failed: Mutex<HashMap<u64, Failed>>,
    hasher: RandomState,
}

/// A stream that has failed, and has not run well since.
#[derive(Clone, Copy)]
struct Failed {
    in_a_row: u32,
    last: Instant,
}

/// Why a stream has to wait before it runs again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pause {
    pub failures: u32,
    pub until: Instant,
}

/// The first pause. Each further one is twice as long. Grafana itself has the same pauses, but only after runs of less than
/// 100 ms; it lets others run again at once.
const FIRST: Duration = Duration::from_millis(100);

/// The longest pause: as long as Grafana's.
const LONGEST: Duration = Duration::from_secs(5);

/// A stream that has run for so long did not fail because it began.
const WELL: Duration = Duration::from_secs(30);

/// How many streams that have failed are known at once. Those beyond may run again without a pause.
const MAX_FAILED: usize = 10_000;

// === impl Streams ===

impl Streams {
    pub(super) fn new(max: usize, memory: OwnerMemory) -> Self {
        Self {
            permits: Arc::new(Semaphore::new(max)),
            memory: memory.with(Priority::Lasting),
            time: OwnerTime::default(),
            failed: Mutex::default(),
            hasher: RandomState::new(),
        }
    }

    /// Returns the right to run one more stream, unless as many as there may be are running.
    pub(super) fn permit(&self) -> Option<OwnedSemaphorePermit> {
        self.permits.clone().try_acquire_owned().ok()
    }

    /// Returns what the stream with this path is known by.
    pub(super) fn key(&self, path: &str) -> u64 {
        self.hasher.hash_one(path)
    }

    /// Returns the pause that a stream has to make before it runs, if any.
    pub(super) fn pause(&self, key: u64) -> Option<Pause> {
        let Failed { in_a_row, last } = *self.failed().get(&key)?;
        let pause = Pause { failures: in_a_row, until: last + length(in_a_row) };
        (pause.until > Instant::now()).then_some(pause)
    }

    /// Notes that a stream has failed after it has run for so long.
    pub(super) fn failed_after(&self, key: u64, ran: Duration) {
        let mut failed = self.failed();
        let before = failed.get(&key).filter(|_| ran < WELL).map_or(0, |failed| failed.in_a_row);
        if failed.len() >= MAX_FAILED {
            failed.retain(|_, failed| failed.last.elapsed() < LONGEST);
        }
        if failed.len() < MAX_FAILED {
            failed.insert(key, Failed { in_a_row: before.saturating_add(1), last: Instant::now() });
        }
    }

    /// Notes that a stream has ended well.
    pub(super) fn ended(&self, key: u64) {
        self.failed().remove(&key);
    }

    fn failed(&self) -> MutexGuard<'_, HashMap<u64, Failed>> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns how long a stream pauses that has failed so often in a row.
fn length(in_a_row: u32) -> Duration {
    FIRST.saturating_mul(2_u32.saturating_pow(in_a_row.saturating_sub(1))).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::MemoryAccount;

    fn streams(max: usize) -> Streams {
        Streams::new(max, MemoryAccount::new(1 << 20).owner())
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_that_fails_again_and_again_pauses_longer_each_time() {
        let streams = streams(1);
        let (a, b) = (streams.key("a"), streams.key("b"));
        let pause =
            |key| streams.pause(key).map(|Pause { failures, until }| (failures, until - Instant::now()));
        let millis = Duration::from_millis;
        for (failures, length) in [100, 200, 400, 800, 1600, 3200, 5000, 5000].into_iter().enumerate() {
            streams.failed_after(a, millis(200));
            assert_eq!(pause(a), Some((failures as u32 + 1, millis(length))));
            assert_eq!(pause(b), None);
        }
        tokio::time::advance(LONGEST).await;
        assert_eq!(pause(a), None, "it has waited elsewhere");
        streams.failed_after(a, Duration::ZERO);
        assert_eq!(pause(a), Some((9, LONGEST)));
        streams.failed_after(a, WELL);
        assert_eq!(pause(a), Some((1, FIRST)), "it had run well");
        streams.failed_after(a, Duration::ZERO);
        streams.ended(a);
        assert_eq!(pause(a), None);
    }

    #[tokio::test(start_paused = true)]
    async fn few_failures_are_remembered() {
        let streams = streams(1);
        for number in 0..2 * MAX_FAILED as u64 {
            streams.failed_after(number, Duration::ZERO);
        }
        assert_eq!(streams.failed().len(), MAX_FAILED);
        tokio::time::advance(LONGEST).await;
        streams.failed_after(u64::MAX, Duration::ZERO);
        assert_eq!(streams.failed().len(), 1);
    }

    #[test]
    fn no_more_run_than_may() {
        let streams = streams(2);
        let running = [streams.permit(), streams.permit()];
        assert!(running.iter().all(Option::is_some) && streams.permit().is_none());
        drop(running);
        assert!(streams.permit().is_some());
    }
}
