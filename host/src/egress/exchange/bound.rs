//! One bound on connections, and what is told about it: who waits, and which setting to raise.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::task::Poll;

use tokio::time::{Instant, timeout_at};

use crate::budget::{Counted, Priority, Share, Shares, Taken};
use crate::log::{Log, Seldom, Value};

/// A number of connections that owners divide fairly.
pub(super) struct Bound {
    shares: Arc<Shares>,
    /// How many more health checks may have.
    reserve: usize,
    /// How many requests wait for any bound.
    waiting: Arc<AtomicUsize>,
    /// Which limit it is, with its value and its remedy. A clause that follows a colon.
    words: String,
    log: Log,
    warned: Seldom,
}

// === impl Bound ===

impl Bound {
    pub(super) fn new(
        shares: Arc<Shares>,
        reserve: usize,
        waiting: Arc<AtomicUsize>,
        words: String,
        log: Log,
    ) -> Self {
        Self { shares, reserve, waiting, words, log, warned: Seldom::default() }
    }

    pub(super) fn words(&self) -> &str {
        &self.words
    }

    /// How many have been taken.
    pub(super) fn taken(&self) -> usize {
        self.shares.taken()
    }

    /// Whether somebody waits for this.
    pub(super) fn is_waited_for(&self) -> bool {
        self.shares.waiting() > 0
    }

    /// Whether health checks have more than all others may have.
    pub(super) fn is_exceeded(&self) -> bool {
        self.shares.is_exceeded()
    }

    /// Takes one for `share` before the deadline, if it comes to that. If none is free, `make_room` may close a connection
    /// that is idle, and returns whether it did. Health checks do not wait for that.
    pub(super) async fn take(
        &self,
        share: &Arc<Share>,
        priority: Priority,
        deadline: Option<Instant>,
        make_room: impl FnOnce() -> bool,
    ) -> Option<Taken> {
        let mut taken = pin!(self.shares.take(share, 1));
        if let Poll::Ready(taken) = futures_util::poll!(&mut taken) {
            return taken;
        }
        if priority == Priority::Ahead
            && let Some(taken) = self.shares.take_beyond(share, 1, self.reserve)
        {
            make_room();
            return Some(taken);
        }
        // In line first: a connection that becomes idle from now on is closed for those who wait.
        let _waiting = Counted::among(&self.waiting);
        if !make_room() {
            self.warn();
        }
        match deadline {
            None => taken.await,
            Some(deadline) => timeout_at(deadline, taken).await.ok()?,
        }
    }

    fn warn(&self) {
        if self.warned.is_due() {
            let waiting = self.shares.waiting();
            let waiting = Value::from(i64::try_from(waiting).unwrap_or(i64::MAX));
            let message = format!("Requests wait for a connection: {}", self.words);
            self.log.warn(&message, &[("waiting", waiting)]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_waits_is_in_line_before_room_is_made() {
        let bound = Bound::new(Shares::new(1), 0, Arc::default(), "a limit".to_owned(), Log::memory().0);
        let share = Arc::default();
        let held = bound.take(&share, Priority::Usual, None, || false).await.unwrap();
        // The exchange ends when nothing idle has been found. Whoever ends looks whether another waits.
        let make_room = || {
            assert!(bound.is_waited_for());
            drop(held);
            false
        };
        assert!(bound.take(&share, Priority::Usual, None, make_room).await.is_some());
    }
}
