//! Many spans, in simulated time.

use tokio::time::Instant;

use super::receiver::Collector;
use super::*;
use crate::telemetry::queue::CAPACITY_BYTES;

/// 5,000 calls a second are 20,000 spans a second. The collector answers each request a tenth of a second after it was
/// sent, as one far away does.
#[tokio::test(start_paused = true)]
async fn twenty_thousand_spans_a_second_are_all_exported() {
    metronome();
    const MILLISECONDS: usize = 2000;
    const SPANS: usize = 20;
    let mut collector = Collector::slow(Duration::from_millis(100)).await;
    let telemetry = to(&collector.url(), Log::memory().0);
    let (start, mut most) = (Instant::now(), 0);
    for _ in 0..MILLISECONDS {
        end_spans(&telemetry, SPANS);
        tokio::time::sleep(Duration::from_millis(1)).await;
        most = most.max(telemetry.bytes());
    }
    assert!(start.elapsed() >= Duration::from_millis(MILLISECONDS as u64));
    telemetry.flush(LONG).await;
    let all = MILLISECONDS * SPANS;
    assert_eq!((telemetry.exported(), telemetry.losses()), (all as u64, Losses::default()));
    assert_eq!(collector.arrived().0.len(), all);
    assert!(most < CAPACITY_BYTES / 2, "{most}");
}

/// The last time of the process: as much as waits, and a collector that takes half a second for each request.
#[tokio::test(start_paused = true)]
async fn the_last_spans_are_flushed_in_time_with_a_slow_collector() {
    metronome();
    let mut collector = Collector::slow(Duration::from_millis(500)).await;
    let telemetry = to(&collector.url(), Log::memory().0);
    end_spans(&telemetry, 16 * BATCH);
    let start = Instant::now();
    telemetry.flush(Duration::from_millis(1500)).await;
    assert!(start.elapsed() <= Duration::from_millis(1500), "{:?}", start.elapsed());
    assert_eq!((telemetry.exported(), telemetry.losses()), (16 * BATCH as u64, Losses::default()));
    assert_eq!(collector.arrived().0.len(), 16 * BATCH);
}
