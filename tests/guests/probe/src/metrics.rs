//! Metrics of its own.

use gpx_sdk::metrics::{Counter, Gauge, Histogram};
use gpx_sdk::{Frame, Query, Result};
use serde::Deserialize;

static READS: Counter<2> =
    Counter::new("probe_reads_total", "Reads, \"quoted\"\nand on two lines").labels(["symbol", "from"]);
static CALLS: Counter = Counter::new("probe_calls_total", "Calls");
static LEVEL: Gauge = Gauge::new("probe_level", "The last value");
static OPEN: Gauge<1> = Gauge::new("probe_open", "What is open").labels(["symbol"]);
static SIZES: Histogram<1> =
    Histogram::new("probe_sizes_bytes", "Sizes").labels(["symbol"]).buckets(&[10.0, 100.0]);
static SECONDS: Histogram = Histogram::new("probe_work_seconds", "How long it worked");

static UNUSED: Counter = Counter::new("probe_unused_total", "Is there from the start");
static OURS: Counter = Counter::new("process_cpu_seconds_total", "The host's own");
static TWICE: Gauge = Gauge::new("probe_calls_total", "Calls");

/// `{"symbol", "value"}`
#[derive(Deserialize)]
struct Measured {
    symbol: String,
    value: f64,
}

/// Changes all of its metrics by the value.
pub fn measure(query: &Query) -> Result<Vec<Frame>> {
    let Measured { symbol, value } = query.json()?;
    UNUSED.register()?;
    CALLS.inc();
    READS.with([&symbol, "cache"]).add(value);
    READS.with([&symbol, "upstream"]).inc();
    LEVEL.set(value);
    OPEN.with([&symbol]).add(value);
    OPEN.with([&symbol]).add(-1.0);
    SIZES.with([&symbol]).observe(value);
    SECONDS.time(|| ());
    Ok(Vec::new())
}

/// Does what a metric cannot do. Returns what the host says of those that it refuses.
pub fn mismeasure() -> Result<Vec<Frame>> {
    CALLS.add(-1.0);
    LEVEL.set(f64::NAN);
    OURS.inc();
    TWICE.set(1.0);
    let said = [OURS.register(), TWICE.register()]
        .map(|registered| registered.err().map_or_else(String::new, |fault| fault.message));
    Ok(vec![Frame::new("refused").field("said", said)])
}
