//! What `cargo xtask chaos` prints: healthy data sources under load, first alone and then beside hostile ones. Every
//! answer to the healthy ones is checked. Times are printed, not judged; wrong answers and memory that does not come
//! back are failures.

#[path = "chaos/healthy.rs"]
mod healthy;
#[path = "chaos/hostile.rs"]
mod hostile;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use gpx_tests::collector::Collector;
use gpx_tests::plugin::Plugin;
use gpx_tests::process::Process;
use tokio::runtime::{Handle, Runtime};

use self::healthy::{Healthy, Latencies};
use self::hostile::Hostile;

/// The load on the healthy data sources, as a part of what the plugin can answer when nothing else happens.
const LOAD: f64 = 0.2;

/// How long the run without attackers is, at most.
const QUIET: Duration = Duration::from_secs(30);

/// How long memory may take to come back: idle instances are kept for a minute.
const PATIENCE: Duration = Duration::from_secs(90);

/// What may be left in memory and of descriptors at the end: the healthy data sources' own instances and connections,
/// and what the allocator keeps.
const LEFT_BYTES: u64 = 32 << 20;
const LEFT_DESCRIPTORS: usize = 32;

/// The default of `gpx_memory_total`.
const TOTAL_BYTES: u64 = 1280 << 20;

const MIB: u64 = 1 << 20;

fn main() -> Result<()> {
    let mut words = std::env::args().skip(1);
    let (mut seconds, mut only) = (300, Vec::new());
    while let Some(option) = words.next() {
        let value = words.next();
        match (option.as_str(), value) {
            ("--seconds", Some(number)) => seconds = number.parse().context("--seconds needs a number")?,
            ("--only", Some(attack)) => only.push(attack),
            _ => anyhow::bail!("usage: cargo xtask chaos [--seconds N] [--only ATTACK]..."),
        }
    }
    // Attackers, their upstreams and the collector have a thread of their own, which steps back: what they do here must not
    // delay a healthy call before it is sent, nor the plugin, nor an answer after it has come.
    let (healthy, hostile) = (runtime(2, || ())?, runtime(1, step_back)?);
    let result = healthy.block_on(compare(Duration::from_secs(seconds), only, hostile.handle()));
    hostile.shutdown_background();
    healthy.shutdown_background();
    result
}

fn runtime(threads: usize, start: fn()) -> Result<Runtime> {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    Ok(runtime.worker_threads(threads).on_thread_start(start).enable_all().build()?)
}

/// Has the scheduler prefer other threads to this one.
fn step_back() {
    // On Linux, that is the calling thread's own niceness. Where it cannot be changed, more is measured than the plugin.
    let _ = rustix::process::setpriority_process(None, 10);
}

/// Compares a run without attackers with one beside all of them, or beside `only` some.
async fn compare(time: Duration, only: Vec<String>, apart: &Handle) -> Result<()> {
    let collector = Arc::new(apart.spawn(Collector::unread()).await?);
    // Loops and hanging requests end earlier than by default, so that there are more of them.
    let launch = Plugin::guest("probe").tracing(&collector.address()).unread();
    let launch = launch.setting("gpx_cpu_timeout", "2s").setting("gpx_call_timeout", "10s");
    let plugin = Arc::new(launch.start().await);
    let process = plugin.process();
    let healthy = Healthy::start(plugin.clone()).await;

    let capacity = healthy.capacity().await?;
    let rate = capacity * LOAD;
    println!("{capacity:.0} calls/s when quiet; {rate:.0} calls/s to {} data sources", healthy::SOURCES);
    let quiet = healthy.load(rate, time.min(QUIET)).await;
    let start = Held::by(&process);
    process.forget_peak();

    let hostile = apart.spawn(Hostile::start(plugin.clone(), collector.clone(), only)).await??;
    let beside = healthy.load(rate, time).await;
    let said = hostile.end().await;
    let peak = process.peak();
    let end = settled(&process, &start).await;

    print_latencies(&quiet, &beside);
    println!("\n{:24} {:>10} {:>10} {:>10}", "", "start", "peak", "end");
    let (a, b) = (start.bytes / MIB, end.bytes / MIB);
    println!("{:24} {a:10} {:10} {b:10}", "memory, MiB", peak / MIB);
    println!("{:24} {:10} {:>10} {:10}\n", "descriptors", start.descriptors, "", end.descriptors);
    said.print();

    let wrong = quiet.wrong.iter().chain(&beside.wrong);
    let wrong: Vec<_> = wrong.map(String::as_str).collect();
    ensure!(wrong.is_empty(), "{} wrong answers, such as: {}", wrong.len(), wrong[0]);
    let allowed = start.bytes + TOTAL_BYTES * 5 / 4 + 32 * MIB;
    ensure!(peak <= allowed, "{} MiB in memory, where {} are allowed", peak / MIB, allowed / MIB);
    ensure!(end.is_near(&start), "memory or descriptors are not back at the start");
    Ok(())
}

/// What the process holds.
struct Held {
    bytes: u64,
    descriptors: usize,
}

// === impl Held ===

impl Held {
    fn by(process: &Process) -> Self {
        Self { bytes: process.resident(), descriptors: process.descriptors() }
    }

    fn is_near(&self, start: &Self) -> bool {
        self.bytes <= start.bytes + LEFT_BYTES && self.descriptors <= start.descriptors + LEFT_DESCRIPTORS
    }
}

/// Waits until the process holds as much as at the start, or too long.
async fn settled(process: &Process, start: &Held) -> Held {
    let end = tokio::time::Instant::now() + PATIENCE;
    loop {
        let held = Held::by(process);
        if held.is_near(start) || tokio::time::Instant::now() >= end {
            return held;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

fn print_latencies(quiet: &Latencies, beside: &Latencies) {
    println!("{:24} {:>10} {:>10} {:>10}", "healthy data sources", "quiet", "attacked", "ratio");
    println!("{:24} {:10} {:10}", "answers", quiet.answers.count(), beside.answers.count());
    println!("{:24} {:10} {:10}", "wrong answers", quiet.wrong.len(), beside.wrong.len());
    for (name, part) in [("p50, ms", 0.5), ("p99, ms", 0.99), ("p99.9, ms", 0.999), ("max, ms", 1.0)] {
        let (a, b) = (quiet.answers.quantile(part), beside.answers.quantile(part));
        println!("{name:24} {a:10.2} {b:10.2} {:10.2}", b / a);
    }
    for (name, part) in [("sent late, p99, ms", 0.99), ("sent late, max, ms", 1.0)] {
        println!("{name:24} {:10.2} {:10.2}", quiet.late.quantile(part), beside.late.quantile(part));
    }
}
