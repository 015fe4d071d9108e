//! Ended spans on their way to the export tasks. Bounded, and without a timer while it is empty.

mod backlog;
mod open;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use opentelemetry_sdk::trace::SpanData;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, timeout, timeout_at};

use self::backlog::Backlog;
#[cfg(test)]
pub(super) use self::backlog::{BATCH, CAPACITY_BYTES};
pub(super) use self::backlog::{Batch, BatchId};
pub(super) use self::open::Missing;
use self::open::OpenSpans;
use super::loss::Losses;
use super::owner::SpanOwner;

/// How long the first span waits for others. OpenTelemetry's default.
const DELAY: Duration = Duration::from_secs(5);

/// Stands between the threads that end spans and the tasks that export them.
#[derive(Debug)]
pub(crate) struct Queue {
    backlog: Mutex<Backlog>,
    open: OpenSpans,
    /// Wakes the task whose turn it is: at the first span, a full batch, a flush, and the end.
    work: Notify,
    /// Whose turn it is to wait for a batch.
    turn: tokio::sync::Mutex<()>,
    /// A flush is waiting, or the provider is gone: nobody pauses.
    hurry: watch::Sender<bool>,
    /// Wakes those who flush: no span is queued or being exported.
    idle: Notify,
}

// === impl Queue ===

impl Default for Queue {
    fn default() -> Self {
        Self {
            backlog: Mutex::default(),
            open: OpenSpans::default(),
            work: Notify::new(),
            turn: tokio::sync::Mutex::default(),
            hurry: watch::Sender::new(false),
            idle: Notify::new(),
        }
    }
}

impl Queue {
    pub(super) fn losses(&self) -> Losses {
        self.lock().losses()
    }

    /// Returns how many spans the collector has taken.
    pub(super) fn taken(&self) -> u64 {
        self.lock().taken()
    }

    /// Returns what the spans weigh that wait or are being exported, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.lock().bytes()
    }

    pub(super) fn open(&self) -> &OpenSpans {
        &self.open
    }

    /// Whether there is no time for another attempt.
    pub(super) fn hurry(&self) -> bool {
        *self.hurry.borrow()
    }

    /// Waits until every span that has started has ended, at most `within`.
    pub(super) async fn settle(&self, within: Duration) {
        let _ = timeout(within, self.open.settled()).await;
    }

    /// Waits until no span is queued or being exported, at most `within`; then drops and counts the rest. Returns how many
    /// spans that were.
    pub(super) async fn flush(&self, within: Duration) -> u64 {
        let deadline = Instant::now() + within;
        self.hurry.send_replace(true);
        self.work.notify_one();
        let emptied = async {
            loop {
                let idle = self.idle.notified();
                if self.lock().is_idle() {
                    return;
                }
                idle.await;
            }
        };
        let in_time = timeout_at(deadline, emptied).await.is_ok();
        let mut backlog = self.lock();
        self.hurry.send_replace(backlog.closed);
        if in_time { 0 } else { backlog.give_up() }
    }

    /// Returns the spans to export next, as soon as the first has waited long enough, a batch is full, or a
    /// flush is waiting. Tasks take turns. `None` once the provider is gone.
    pub(super) async fn batch(&self) -> Option<Batch> {
        let _turn = self.turn.lock().await;
        loop {
            self.until(|backlog| backlog.closed || !backlog.is_empty()).await;
            let full = |backlog: &Backlog| backlog.closed || self.hurry() || backlog.fills_batch();
            // If time is up, what is there goes out.
            let _ = timeout(DELAY, self.until(full)).await;
            let mut backlog = self.lock();
            let batch = backlog.take_batch();
            if batch.is_some() {
                return batch;
            }
            if backlog.closed {
                return None;
            }
        }
    }

    /// Ends a batch, of which some spans did not arrive.
    pub(super) fn exported(&self, batch: BatchId, lost: Losses) {
        let mut backlog = self.lock();
        backlog.exported(batch, lost);
        if backlog.is_idle() {
            self.idle.notify_waiters();
        }
    }

    /// Sleeps for `time`. A flush ends the sleep early.
    pub(super) async fn pause(&self, time: Duration) {
        let _ = timeout(time, self.hurry.subscribe().wait_for(|hurry| *hurry)).await;
    }

    pub(super) fn push(&self, span: SpanData, owner: SpanOwner) {
        let mut backlog = self.lock();
        let before = (backlog.is_empty(), backlog.fills_batch());
        backlog.push(span, owner);
        let after = (backlog.is_empty(), backlog.fills_batch());
        drop(backlog);
        if before != after {
            self.work.notify_one();
        }
    }

    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.hurry.send_replace(true);
        self.work.notify_one();
    }

    /// Only for the task whose turn it is: `work` wakes a single listener.
    async fn until(&self, ready: impl Fn(&Backlog) -> bool) {
        while !ready(&self.lock()) {
            self.work.notified().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Backlog> {
        self.backlog.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
