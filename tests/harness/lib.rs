//! The harness of the end-to-end tests and the demo: a plugin as a child process that is started as Grafana starts it,
//! an upstream, an OTLP receiver, and the caller's side of the protocol. It shares no code with the host. What it has in
//! common with the author's tool is in `client/`.

pub mod artifacts;
pub mod both;
pub mod collector;
pub mod component;
pub mod directory;
pub mod frame;
pub mod grafana;
pub mod logs;
pub mod peer;
pub mod plugin;
pub mod process;
pub mod proxy;
pub mod seen;
pub mod servers;
pub mod sigv4;
pub mod trace;
pub mod upstream;
pub mod wire;

use std::future::Future;
use std::io::Write as _;
use std::time::Duration;

pub use gpx_client::proto;
pub use gpx_tests_attribute::test;

/// How long a test may take in total. Nothing else in a test is timed: tests wait until they observe something.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Runs a test to its end, or fails it if it hangs. Tests usually use the attribute [`test`] instead.
pub fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime for the test");
    let ended = runtime.block_on(async { tokio::time::timeout(PATIENCE, test).await });
    runtime.shutdown_background();
    assert!(ended.is_ok(), "the test did not end within {PATIENCE:?}: what it waits for did not happen");
}

/// Prints that a test is skipped, and why. In CI, no test may be skipped.
pub fn skipped(why: &str) {
    let ci = std::env::var_os("CI").is_some_and(|value| value == "true");
    assert!(!ci, "{why}, and in CI no test may be skipped");
    // Bypasses the test harness's capture: a skipped test must not look like a passed one.
    let _ = std::io::stderr().write_all(format!("\nSKIPPED: {why}\n").as_bytes());
}
