//! Ended spans on their way to the export task. Bounded, and without a timer while it is empty.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout, timeout_at};

/// How many spans may wait; more are dropped and counted. OpenTelemetry's default.
const CAPACITY: usize = 2048;

/// How many spans go to the collector in one request. OpenTelemetry's default.
pub(super) const BATCH: usize = 512;

/// How long the first span waits for others. OpenTelemetry's default.
const DELAY: Duration = Duration::from_secs(5);

/// Stands between the threads that end spans and the one task that exports them.
#[derive(Debug, Default)]
pub(super) struct Queue {
    backlog: Mutex<Backlog>,
    /// Wakes the export task: at the first span, a full batch, a flush, and the end.
    work: Notify,
    /// Wakes those who flush: no span is queued or being exported.
    idle: Notify,
    /// Spans that have started and not ended.
    open: AtomicUsize,
    /// Wakes those who flush: no span is open.
    settled: Notify,
}

/// The side of the queue where the SDK puts spans.
#[derive(Debug)]
pub(super) struct Processor(Arc<Queue>);

#[derive(Debug, Default)]
struct Backlog {
    spans: VecDeque<SpanData>,
    /// Spans of the batch that the export task holds, until it reports what became of them.
    exporting: usize,
    dropped: u64,
    /// A flush is waiting, so nothing waits for more spans.
    hurry: bool,
    /// The provider is gone, so no span will follow.
    closed: bool,
}

// === impl Queue ===

impl Queue {
    pub(super) fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    pub(super) fn hurry(&self) -> bool {
        self.lock().hurry
    }

    /// Waits until every span that has started has ended, at most `within`.
    pub(super) async fn settle(&self, within: Duration) {
        let settled = async {
            loop {
                let settled = self.settled.notified();
                if self.open.load(Ordering::Acquire) == 0 {
                    return;
                }
                settled.await;
            }
        };
        let _ = timeout(within, settled).await;
    }

    /// Waits until no span is queued or being exported, at most `within`; then drops and counts the rest.
    pub(super) async fn flush(&self, within: Duration) {
        let deadline = Instant::now() + within;
        self.lock().hurry = true;
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
        backlog.hurry = false;
        if !in_time {
            let lost = backlog.spans.len() + backlog.exporting;
            backlog.spans.clear();
            backlog.exporting = 0;
            backlog.dropped += lost as u64;
        }
    }

    /// Returns the spans to export next, as soon as the first has waited long enough, a batch is full, or a
    /// flush is waiting. `None` once the provider is gone.
    pub(super) async fn batch(&self) -> Option<Vec<SpanData>> {
        loop {
            self.until(|backlog| backlog.closed || !backlog.spans.is_empty()).await;
            let full = |backlog: &Backlog| backlog.closed || backlog.hurry || backlog.spans.len() >= BATCH;
            // If time is up, what is there goes out.
            let _ = timeout(DELAY, self.until(full)).await;
            let mut backlog = self.lock();
            let size = backlog.spans.len().min(BATCH);
            if size > 0 {
                backlog.exporting = size;
                return Some(backlog.spans.drain(..size).collect());
            }
            if backlog.closed {
                return None;
            }
        }
    }

    /// Ends the current batch, of which `lost` spans did not arrive.
    pub(super) fn exported(&self, lost: u64) {
        let mut backlog = self.lock();
        // A flush that gave up has counted them already.
        if std::mem::take(&mut backlog.exporting) > 0 {
            backlog.dropped += lost;
        }
        if backlog.is_idle() {
            self.idle.notify_waiters();
        }
    }

    /// Sleeps for `time`. A flush ends the sleep early.
    pub(super) async fn pause(&self, time: Duration) {
        let _ = timeout(time, self.until(|backlog| backlog.hurry || backlog.closed)).await;
    }

    fn push(&self, span: SpanData) {
        let mut backlog = self.lock();
        if backlog.spans.len() >= CAPACITY {
            backlog.dropped += 1;
            return;
        }
        backlog.spans.push_back(span);
        let waiting = backlog.spans.len();
        drop(backlog);
        if waiting == 1 || waiting == BATCH {
            self.work.notify_one();
        }
    }

    fn close(&self) {
        self.lock().closed = true;
        self.work.notify_one();
    }

    /// Only for the export task: `work` wakes a single listener.
    async fn until(&self, ready: impl Fn(&Backlog) -> bool) {
        while !ready(&self.lock()) {
            self.work.notified().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Backlog> {
        self.backlog.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Backlog ===

impl Backlog {
    fn is_idle(&self) -> bool {
        self.spans.is_empty() && self.exporting == 0
    }
}

// === impl Processor ===

impl Processor {
    pub(super) fn new(queue: Arc<Queue>) -> Self {
        Self(queue)
    }
}

impl SpanProcessor for Processor {
    fn on_start(&self, _span: &mut Span, _context: &Context) {
        self.0.open.fetch_add(1, Ordering::Relaxed);
    }

    fn on_end(&self, span: SpanData) {
        self.0.push(span);
        if self.0.open.fetch_sub(1, Ordering::Release) == 1 {
            self.0.settled.notify_waiters();
        }
    }

    /// Does nothing: code that wants the spans out uses the queue's own `flush`, which can wait.
    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        self.0.close();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::InstrumentationScope;
    use opentelemetry::trace::{SpanContext, SpanId, SpanKind, Status};
    use std::future::Future as _;
    use std::time::SystemTime;

    fn span() -> SpanData {
        SpanData {
            span_context: SpanContext::empty_context(),
            parent_span_id: SpanId::INVALID,
            parent_span_is_remote: false,
            span_kind: SpanKind::Internal,
            name: "span".into(),
            start_time: SystemTime::UNIX_EPOCH,
            end_time: SystemTime::UNIX_EPOCH,
            attributes: Vec::new(),
            dropped_attributes_count: 0,
            events: Default::default(),
            links: Default::default(),
            status: Status::Unset,
            instrumentation_scope: InstrumentationScope::default(),
        }
    }

    fn fill(queue: &Queue, spans: usize) {
        for _ in 0..spans {
            queue.push(span());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_span_waits_for_others_and_no_longer() {
        let queue = Queue::default();
        let start = Instant::now();
        fill(&queue, 3);
        assert_eq!(queue.batch().await.unwrap().len(), 3);
        assert_eq!(start.elapsed(), DELAY);
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_batch_goes_at_once() {
        let queue = Queue::default();
        let start = Instant::now();
        fill(&queue, BATCH + 1);
        assert_eq!(queue.batch().await.unwrap().len(), BATCH);
        assert_eq!(start.elapsed(), Duration::ZERO);
    }

    #[test]
    fn an_empty_queue_sets_no_timer() {
        let queue = Queue::default();
        // Outside of a runtime every timer panics.
        let mut batch = std::pin::pin!(queue.batch());
        let mut task = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(batch.as_mut().poll(&mut task).is_pending());
    }

    #[test]
    fn what_does_not_fit_is_counted() {
        let queue = Queue::default();
        fill(&queue, CAPACITY + 7);
        assert_eq!(queue.dropped(), 7);
    }

    #[tokio::test(start_paused = true)]
    async fn a_flush_gives_up_in_time_and_counts_every_span_once() {
        let queue = Queue::default();
        fill(&queue, BATCH + 100);
        assert_eq!(queue.batch().await.unwrap().len(), BATCH);
        let start = Instant::now();
        queue.flush(Duration::from_millis(1500)).await;
        assert_eq!(start.elapsed(), Duration::from_millis(1500));
        assert_eq!(queue.dropped(), BATCH as u64 + 100);
        queue.exported(BATCH as u64);
        assert_eq!(queue.dropped(), BATCH as u64 + 100);
    }

    #[tokio::test(start_paused = true)]
    async fn a_flush_hurries_the_task_and_ends_with_it() {
        let queue = Arc::new(Queue::default());
        fill(&queue, 2);
        let task = tokio::spawn({
            let queue = Arc::clone(&queue);
            async move {
                let batch = queue.batch().await.unwrap();
                queue.exported(0);
                batch.len()
            }
        });
        let start = Instant::now();
        queue.flush(Duration::from_secs(60)).await;
        assert_eq!(start.elapsed(), Duration::ZERO);
        assert_eq!((task.await.unwrap(), queue.dropped()), (2, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn the_task_ends_after_the_last_batch() {
        let queue = Queue::default();
        fill(&queue, 1);
        queue.close();
        assert_eq!(queue.batch().await.unwrap().len(), 1);
        assert!(queue.batch().await.is_none());
    }
}
