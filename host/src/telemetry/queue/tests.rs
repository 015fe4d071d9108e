use std::future::Future as _;
use std::sync::Arc;
use std::time::SystemTime;

use opentelemetry::Context;
use opentelemetry::InstrumentationScope;
use opentelemetry::trace::{
    SpanContext, SpanId, SpanKind, Status, TraceContextExt as _, TraceFlags, TraceId,
};

use super::backlog::BATCH_BYTES;
use super::*;
use crate::telemetry::weight;

/// As many spans without a name as fit. Each weighs as much as its data, and the block of its name.
const CAPACITY: usize = CAPACITY_BYTES / (weight::SPAN + 16);

const FLOODER: u64 = 1;
const INNOCENT: u64 = 2;

fn span(text: usize) -> SpanData {
    SpanData {
        span_context: SpanContext::empty_context(),
        parent_span_id: SpanId::INVALID,
        parent_span_is_remote: false,
        span_kind: SpanKind::Internal,
        name: "x".repeat(text).into(),
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
        queue.push(span(0), SpanOwner::default());
    }
}

/// Adds spans with names of that length.
fn push(queue: &Queue, owner: u64, spans: usize, text: usize) {
    for _ in 0..spans {
        queue.push(span(text), SpanOwner::of(owner));
    }
}

/// Takes everything out, and returns for each batch the lengths of the names.
async fn drain(queue: &Queue) -> Vec<Vec<usize>> {
    queue.close();
    let mut batches = Vec::new();
    while let Some(Batch { id, spans }) = queue.batch().await {
        queue.exported(id, Losses::default());
        batches.push(spans.iter().map(|span| span.name.len()).collect());
    }
    batches
}

#[tokio::test(start_paused = true)]
async fn the_first_span_waits_for_others_and_no_longer() {
    let queue = Queue::default();
    let start = Instant::now();
    fill(&queue, 3);
    assert_eq!(queue.batch().await.unwrap().spans.len(), 3);
    assert_eq!(start.elapsed(), DELAY);
}

#[tokio::test(start_paused = true)]
async fn a_full_batch_goes_at_once() {
    let queue = Queue::default();
    let start = Instant::now();
    fill(&queue, BATCH + 1);
    assert_eq!(queue.batch().await.unwrap().spans.len(), BATCH);
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_also_full_when_it_is_heavy() {
    let queue = Arc::new(Queue::default());
    let waiting = tokio::spawn({
        let queue = Arc::clone(&queue);
        async move { queue.batch().await.unwrap().spans }
    });
    tokio::task::yield_now().await;
    let start = Instant::now();
    push(&queue, FLOODER, 40, 100_000);
    let batch = waiting.await.unwrap();
    assert_eq!(start.elapsed(), Duration::ZERO);
    let bytes: usize = batch.iter().map(weight::span).sum();
    assert!((BATCH_BYTES - 200_000..=BATCH_BYTES).contains(&bytes), "{bytes}");
}

#[tokio::test(start_paused = true)]
async fn a_span_that_is_too_large_for_a_batch_goes_alone() {
    let queue = Queue::default();
    push(&queue, INNOCENT, 2, 1);
    push(&queue, FLOODER, 1, BATCH_BYTES);
    push(&queue, INNOCENT, 2, 1);
    assert_eq!(drain(&queue).await, [vec![1, 1], vec![BATCH_BYTES], vec![1, 1]]);
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
    assert_eq!(queue.losses(), Losses { queue_full: 7, ..Losses::default() });
}

#[tokio::test(start_paused = true)]
async fn what_is_on_its_way_takes_its_place_until_it_has_arrived() {
    let queue = Queue::default();
    fill(&queue, CAPACITY);
    let batch = queue.batch().await.unwrap();
    fill(&queue, 1);
    assert_eq!(queue.losses().queue_full, 1);
    queue.exported(batch.id, Losses::default());
    fill(&queue, BATCH + 1);
    assert_eq!((queue.losses().queue_full, queue.taken()), (2, BATCH as u64));
}

#[tokio::test(start_paused = true)]
async fn tasks_take_batches_beside_each_other() {
    let queue = Arc::new(Queue::default());
    fill(&queue, 3 * BATCH);
    let first = queue.batch().await.unwrap();
    let second = queue.batch().await.unwrap();
    assert_ne!(first.id, second.id);
    // The third is taken while another task waits for its turn.
    let tasks = [0, 1].map(|_| {
        let queue = Arc::clone(&queue);
        tokio::spawn(async move { queue.batch().await.map(|batch| (batch.id, batch.spans.len())) })
    });
    tokio::task::yield_now().await;
    queue.close();
    let mut left = Vec::new();
    for task in tasks {
        left.extend(task.await.unwrap());
    }
    assert_eq!(left.iter().map(|(_, spans)| *spans).collect::<Vec<_>>(), [BATCH]);
    let lost = Losses { too_large: 1, ..Losses::default() };
    queue.exported(second.id, lost);
    queue.exported(first.id, Losses::default());
    queue.exported(left[0].0, Losses::default());
    assert_eq!((queue.taken(), queue.losses(), queue.bytes()), (3 * BATCH as u64 - 1, lost, 0));
}

/// A collector that is away for an hour, at 1,000 calls a second. A span stands for the four spans of each of ten calls, and
/// weighs as much.
#[tokio::test(start_paused = true)]
async fn memory_stays_bounded_while_the_collector_is_away() {
    const CALLS: usize = 1000;
    const STANDS_FOR: usize = 10;
    let queue = Arc::new(Queue::default());
    // Each batch is tried for a minute, as by the export tasks.
    for _ in 0..8 {
        let queue = Arc::clone(&queue);
        tokio::spawn(async move {
            while let Some(Batch { id, spans }) = queue.batch().await {
                tokio::time::sleep(Duration::from_secs(60)).await;
                queue.exported(id, Losses { failed: spans.len() as u64, ..Losses::default() });
            }
        });
    }
    let (mut most, mut ended) = (0, 0);
    for _ in 0..3600 {
        push(&queue, FLOODER, CALLS / STANDS_FOR, STANDS_FOR * 4 * 2048);
        ended += (CALLS / STANDS_FOR) as u64;
        tokio::time::sleep(Duration::from_secs(1)).await;
        most = most.max(queue.bytes());
    }
    assert!((CAPACITY_BYTES / 2..=CAPACITY_BYTES).contains(&most), "{most}");
    queue.flush(Duration::from_millis(1500)).await;
    let Losses { queue_full, failed, shutdown, .. } = queue.losses();
    assert_eq!(queue_full + failed + shutdown, ended);
    assert!(failed > 0 && shutdown > 0, "{failed}, {shutdown}");
    assert_eq!((queue.bytes(), queue.taken()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn the_queue_is_bounded_in_bytes() {
    let queue = Queue::default();
    push(&queue, FLOODER, 500, 100_000);
    let (bytes, dropped) = (queue.bytes(), queue.losses().total());
    assert!((CAPACITY_BYTES - 200_000..=CAPACITY_BYTES).contains(&bytes), "{bytes}");
    let kept: usize = drain(&queue).await.iter().map(Vec::len).sum();
    assert_eq!((kept as u64 + dropped, queue.bytes()), (500, 0));
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_spans_drops_its_own_and_nobody_elses() {
    for (text, flood) in [(1, 2 * CAPACITY), (20_000, 3000)] {
        let queue = Queue::default();
        push(&queue, FLOODER, flood, text);
        // Others come late, and find a full queue.
        push(&queue, INNOCENT, 300, 3);
        push(&queue, FLOODER, 100, text);
        push(&queue, 3, 300, 4);
        let dropped = queue.losses().total();
        let names = drain(&queue).await.concat();
        let count = |text| names.iter().filter(|length| **length == text).count();
        assert_eq!((count(3), count(4)), (300, 300), "{text}");
        assert_eq!(names.len() as u64 + dropped, flood as u64 + 700, "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_owner_loses_its_newest_spans_first() {
    const LARGE: usize = 100_000;
    let queue = Queue::default();
    let fit = CAPACITY_BYTES / (LARGE + 1000);
    for text in 0..fit {
        push(&queue, FLOODER, 1, LARGE + text);
    }
    let before = queue.losses().queue_full;
    push(&queue, INNOCENT, 10, LARGE);
    let lost = (queue.losses().queue_full - before) as usize;
    assert!(before == 0 && lost > 0, "{before}, {lost}");
    let names = drain(&queue).await.concat();
    let old: Vec<_> = (0..fit - lost).map(|text| LARGE + text).collect();
    assert!(names == [old, vec![LARGE; 10]].concat());
}

#[tokio::test(start_paused = true)]
async fn a_span_belongs_to_its_calls_owner_and_so_does_the_span_around_the_call() {
    let open = OpenSpans::default();
    let id = |id: u64| SpanId::from(id);
    let within = |span: u64| {
        let ids = (TraceId::from(1), id(span));
        Context::new().with_remote_span_context(SpanContext::new(
            ids.0,
            ids.1,
            TraceFlags::SAMPLED,
            false,
            Default::default(),
        ))
    };
    let owner = SpanOwner::of(FLOODER);
    open.begin(id(1), &Context::new());
    open.begin(id(2), &within(1).with_value(owner));
    open.begin(id(3), &within(2).with_value(owner));
    open.begin(id(4), &Context::new());
    let missing = Missing { attributes: 1, events: 2, links: 3 };
    open.count(id(3), missing);
    open.count(id(3), missing);
    let ended = |number: u64| {
        let mut span = span(0);
        span.span_context = within(number).span().span_context().clone();
        let owner = open.end(&mut span);
        open.ended();
        (owner, span.dropped_attributes_count, span.events.dropped_count, span.links.dropped_count)
    };
    assert_eq!(ended(3), (owner, 2, 4, 6));
    assert_eq!(ended(2), (owner, 0, 0, 0));
    assert_eq!(ended(1), (owner, 0, 0, 0));
    assert_eq!(ended(4), (SpanOwner::default(), 0, 0, 0));
    open.settled().await;
}

#[tokio::test(start_paused = true)]
async fn a_flush_gives_up_in_time_and_counts_every_span_once() {
    let queue = Queue::default();
    fill(&queue, BATCH + 100);
    let batch = queue.batch().await.unwrap();
    assert_eq!(batch.spans.len(), BATCH);
    let start = Instant::now();
    queue.flush(Duration::from_millis(1500)).await;
    assert_eq!(start.elapsed(), Duration::from_millis(1500));
    let all = Losses { shutdown: BATCH as u64 + 100, ..Losses::default() };
    assert_eq!(queue.losses(), all);
    queue.exported(batch.id, Losses { failed: BATCH as u64, ..Losses::default() });
    assert_eq!((queue.losses(), queue.bytes()), (all, 0));
}

#[tokio::test(start_paused = true)]
async fn a_flush_hurries_the_task_and_ends_with_it() {
    let queue = Arc::new(Queue::default());
    fill(&queue, 2);
    let task = tokio::spawn({
        let queue = Arc::clone(&queue);
        async move {
            let batch = queue.batch().await.unwrap();
            queue.exported(batch.id, Losses::default());
            batch.spans.len()
        }
    });
    let start = Instant::now();
    queue.flush(Duration::from_secs(60)).await;
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert_eq!((task.await.unwrap(), queue.losses().total()), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn the_task_ends_after_the_last_batch() {
    let queue = Queue::default();
    fill(&queue, 1);
    queue.close();
    assert_eq!(queue.batch().await.unwrap().spans.len(), 1);
    assert!(queue.batch().await.is_none());
}
