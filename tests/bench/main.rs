//! What `cargo xtask bench` prints: the packaged example compared with its twin on the Go SDK, and with a native one in Rust
//! where that can do the same. The Go peer measures all of them in one run on one machine. Only the ratios mean anything on other machines. `--growth` draws the plots of
//! docs/performance.md instead.

mod calls;
mod crowd;
mod growth;
mod plot;
mod tracing;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use gpx_tests::artifacts;
use gpx_tests::peer::{self, Tools};
use gpx_tests::plugin::Plugin;
use serde_json::{Value, json};

/// One line of the table.
struct Figure {
    name: String,
    ours: f64,
    theirs: f64,
    /// That of the native plugin in Rust, which has no spans and no metrics.
    native: Option<f64>,
}

/// What the peer has measured with the same options.
struct Reports {
    ours: Value,
    theirs: Value,
    native: Option<Value>,
}

struct Bench {
    tools: Tools,
    native: PathBuf,
    /// The duration of each load.
    milliseconds: u64,
    tracing_rounds: usize,
    figures: Vec<Figure>,
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<()> {
    let has = |option: &str| std::env::args().any(|word| word == option);
    let tools = peer::tools().context("the benchmark needs Go")?;
    let (milliseconds, tracing_rounds) = if has("--quick") { (1000, 15) } else { (5000, 60) };
    let launch = Plugin::packaged("http-backend");
    let ours = launch.executable();
    if has("--growth") {
        return growth::growth(&tools, ours, milliseconds).await;
    }
    let native = artifacts::native();
    let mut bench = Bench { tools, native, milliseconds, tracing_rounds, figures: Vec::new() };
    bench.starts(ours).await?;
    bench.small_queries(ours).await?;
    bench.protocols(ours).await?;
    bench.tracing(ours).await?;
    bench.large_answers(ours).await?;
    bench.slow_upstream(ours).await?;
    bench.cliff(ours).await?;
    bench.loopers().await?;
    bench.fairness().await?;
    bench.sizes(ours, &launch.directory().join(launch.name_of(".wasm")))?;
    print(&bench.figures);
    let file = artifacts::target().join("bench.json");
    let figures: Vec<_> = bench.figures.iter().map(Figure::json).collect();
    std::fs::write(&file, serde_json::to_vec_pretty(&figures)?)
        .with_context(|| format!("cannot write {}", file.display()))?;
    println!("as JSON: {}", file.display());
    Ok(())
}

fn print(figures: &[Figure]) {
    println!(
        "{:52} {:>12} {:>12} {:>7} {:>12} {:>7}",
        "", "gpx-host", "Go SDK", "ratio", "native Rust", "ratio"
    );
    for Figure { name, ours, theirs, native } in figures {
        let native = native.map(|native| format!(" {native:12.2} {:7.2}", ours / native)).unwrap_or_default();
        println!("{name:52} {ours:12.2} {theirs:12.2} {:7.2}{native}", ours / theirs);
    }
}

// === impl Figure ===

impl Figure {
    fn json(&self) -> Value {
        json!({ "name": self.name, "gpx_host": self.ours, "go": self.theirs, "native": self.native })
    }
}

// === impl Bench ===

impl Bench {
    /// Measures ours and the twin.
    async fn compared(&self, ours: &Path, options: &Value) -> Result<Reports> {
        let (ours, theirs) =
            (self.measure(ours, options).await?, self.measure(&self.tools.twin, options).await?);
        Ok(Reports { ours, theirs, native: None })
    }

    /// The same, and the native one.
    async fn all(&self, ours: &Path, options: &Value) -> Result<Reports> {
        let native = Some(self.measure(&self.native, options).await?);
        Ok(Reports { native, ..self.compared(ours, options).await? })
    }

    async fn measure(&self, executable: &Path, options: &Value) -> Result<Value> {
        let mut peer = self.tools.start()?;
        let mut options = options.clone();
        options["exe"] = json!(executable);
        let report = peer.get("bench", options).await;
        peer.end().await;
        Ok(report)
    }

    fn row(&mut self, name: &str, reports: &Reports, pointer: &str) -> Result<()> {
        let Reports { ours, theirs, native } = reports;
        let native = native.as_ref().map(|native| number(native, pointer)).transpose()?;
        let (ours, theirs) = (number(ours, pointer)?, number(theirs, pointer)?);
        self.figures.push(Figure { name: name.to_owned(), ours, theirs, native });
        Ok(())
    }
}

fn number(report: &Value, pointer: &str) -> Result<f64> {
    report.pointer(pointer).and_then(Value::as_f64).with_context(|| format!("no {pointer} in {report}"))
}
