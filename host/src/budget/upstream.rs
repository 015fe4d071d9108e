//! Whether a call is waiting for an upstream. If so, the upstream is to blame when the call's time runs out.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

/// The requests of one call that are waiting for an upstream. Cheap to clone; all clones share one count.
#[derive(Clone, Debug, Default)]
pub(crate) struct Upstream(Arc<Mutex<Waits>>);

/// One request that is waiting. Dropping it ends the wait.
#[derive(Debug)]
pub(crate) struct Waiting(Upstream);

#[derive(Debug, Default)]
struct Waits {
    now: usize,
    /// When the last one ended.
    ended: Option<Instant>,
}

// === impl Upstream ===

impl Upstream {
    /// Counts a request until the guard is dropped.
    pub(crate) fn wait(&self) -> Waiting {
        self.waits().now += 1;
        Waiting(self.clone())
    }

    /// Returns whether any request was waiting at `at`, which is in the past. A call that ends also ends its requests,
    /// maybe before this is asked.
    pub(crate) fn was_waited_for(&self, at: Instant) -> bool {
        let waits = self.waits();
        waits.now > 0 || waits.ended.is_some_and(|ended| ended >= at)
    }

    fn waits(&self) -> MutexGuard<'_, Waits> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Waiting ===

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut waits = self.0.waits();
        waits.now -= 1;
        waits.ended = Some(Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_wait_that_a_deadline_ended_was_one_at_the_deadline() {
        let upstream = Upstream::default();
        let second = Duration::from_secs(1);
        let began = Instant::now();
        assert!(!upstream.was_waited_for(began));
        let waiting = upstream.wait();
        tokio::time::advance(second).await;
        assert!(upstream.was_waited_for(began + second));
        drop(waiting);
        assert!(upstream.was_waited_for(began + second), "it ended at that moment");
        tokio::time::advance(second).await;
        assert!(!upstream.was_waited_for(began + 2 * second));
    }
}
