//! What `cargo xtask bench` prints: the packaged example compared with its twin on the Go SDK. The Go peer measures
//! both in one run on one machine. Only the ratios mean anything on other machines. `--growth` draws the plots of
//! docs/performance.md instead.

mod growth;
mod plot;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use gpx_tests::collector::Collector;
use gpx_tests::directory::Directory;
use gpx_tests::grafana::{DataSource, query};
use gpx_tests::peer::{self, Peer, Tools};
use gpx_tests::plugin::Plugin;
use gpx_tests::servers::nginx::{Nginx, Site};
use serde_json::{Value, json};

/// One line of the table.
struct Figure {
    name: String,
    ours: f64,
    theirs: f64,
}

struct Bench {
    tools: Tools,
    /// The duration of each load.
    milliseconds: u64,
    tracing_rounds: usize,
    figures: Vec<Figure>,
}

/// A plugin that runs beside others and is measured in turns with them.
struct InTurns {
    peer: Peer,
    load: Value,
    /// The plugin's CPU time per call, of each turn, in microseconds.
    costs: Vec<f64>,
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
    let mut bench = Bench { tools, milliseconds, tracing_rounds, figures: Vec::new() };
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
    println!("{:52} {:>12} {:>12} {:>7}", "", "gpx-host", "Go SDK", "ratio");
    for Figure { name, ours, theirs } in &bench.figures {
        println!("{name:52} {ours:12.2} {theirs:12.2} {:7.2}", ours / theirs);
    }
    Ok(())
}

// === impl Bench ===

impl Bench {
    async fn starts(&mut self, ours: &Path) -> Result<()> {
        let options = json!({ "starts": 21, "callers": [], "timeout_ms": 60000 });
        let (a, b) = self.both(ours, &options).await?;
        self.row("start → handshake, ms", &a, &b, "/starts/handshake_ms")?;
        self.row("start → first answer, ms", &a, &b, "/starts/first_answer_ms")?;
        self.row("idle memory, KiB", &a, &b, "/idle_rss_kib")?;
        // The same files, but without the machine code.
        let folder = Directory::new()?;
        for entry in ours.parent().context("the plugin's directory")?.read_dir()?.flatten() {
            let name = entry.file_name();
            if entry.path().is_file() && !name.to_string_lossy().contains(".cwasm") {
                gpx_tests::directory::link(&entry.path(), &folder.join(&name))?;
            }
        }
        let cold = folder.join(ours.file_name().context("the executable's name")?);
        let options = json!({ "starts": 5, "callers": [], "timeout_ms": 60000 });
        let a = self.measure(&cold, &options).await?;
        self.row("start → first answer without .cwasm, ms", &a, &b, "/starts/first_answer_ms")
    }

    async fn small_queries(&mut self, ours: &Path) -> Result<()> {
        let options = json!({ "callers": [1, 32], "duration_ms": self.milliseconds, "warmup_ms": 1000 });
        let (a, b) = self.both(ours, &options).await?;
        for (number, callers) in ["1 caller", "32 callers"].into_iter().enumerate() {
            for (key, unit) in [("calls_per_s", "calls/s"), ("p50_ms", "p50, ms"), ("p99_ms", "p99, ms")] {
                self.row(&format!("{callers}: {unit}"), &a, &b, &format!("/loads/{number}/{key}"))?;
            }
            let pointer = format!("/loads/{number}/cpu_per_call_us");
            self.row(&format!("{callers}: plugin's CPU per call, µs"), &a, &b, &pointer)?;
        }
        Ok(())
    }

    /// Compares HTTP/1.1 and HTTP/2 over TLS, to the same server. The twin is told to speak HTTP/2, which the SDK does not.
    async fn protocols(&mut self, ours: &Path) -> Result<()> {
        let twin = self.tools.twin.clone();
        for (http2, protocol) in [(false, "HTTP/1.1"), (true, "HTTP/2")] {
            let mut figures = Vec::new();
            for executable in [ours, &twin] {
                // A parameter of nginx has at most 4 KiB.
                let site = Site::secure(&["self"]).says(&gpx_tests::upstream::points(80).to_string());
                let site = site.with("keepalive_requests 10000000;");
                let Some(nginx) = Nginx::start(&[if http2 { site.http2() } else { site }]).await else {
                    return Ok(());
                };
                let mut source = DataSource::new(&nginx.url(0)).plugin("gpx-httpbackend-datasource");
                source = source.json(json!({ "tlsSkipVerify": true }));
                source.settings.database = "http2".to_owned();
                let options = json!({
                    "url": nginx.url(0), "plugin_context": peer::context(&source), "queries": [peer::query(&query("A"))],
                    "callers": [32], "duration_ms": self.milliseconds, "warmup_ms": 1000,
                });
                let report = self.measure(executable, &options).await?;
                let served = nginx.served(1).await;
                let connections: std::collections::HashSet<_> =
                    served.iter().map(|served| served.connection).collect();
                let each = served.len() as f64 / connections.len() as f64;
                figures.push((
                    number(&report, "/loads/0/cpu_per_call_us")?,
                    number(&report, "/loads/0/p50_ms")?,
                    each,
                ));
            }
            let [ours, theirs] = figures.as_slice() else { continue };
            for (what, ours, theirs) in [
                ("CPU per call, µs", ours.0, theirs.0),
                ("p50, ms", ours.1, theirs.1),
                ("requests per connection", ours.2, theirs.2),
            ] {
                self.figures.push(Figure {
                    name: format!("32 callers over {protocol} with TLS: {what}"),
                    ours,
                    theirs,
                });
            }
        }
        Ok(())
    }

    /// Compares each of the two without tracing, with one trace in a hundred, and with all of them. Tracing costs less than
    /// two runs differ by: so all six run at once, each has a short turn in every round, and the costs of one round are
    /// compared.
    async fn tracing(&mut self, ours: &Path) -> Result<()> {
        let collector = Collector::unread().await;
        let traced = |share: &str| {
            json!({
                "GF_INSTANCE_OTLP_ADDRESS": collector.address(), "GF_INSTANCE_OTLP_PROPAGATION": "w3c",
                "GF_INSTANCE_OTLP_SAMPLER_TYPE": "probabilistic", "GF_INSTANCE_OTLP_SAMPLER_PARAM": share,
            })
        };
        // The twin has nothing more to show.
        let mut everything = traced("1.000000");
        everything["GF_PLUGIN_GPX_TRACE_HOST"] = json!("on");
        everything["GF_PLUGIN_GPX_HTTP_SPAN_END"] = json!("body");
        let ways = [
            ("off", json!({})),
            ("of 1 %", traced("0.01")),
            ("of all", traced("1.000000")),
            ("of all and the host's work", everything),
        ];
        let mut sides = [Vec::new(), Vec::new()];
        for (executable, side) in [ours, &self.tools.twin].into_iter().zip(&mut sides) {
            for (_, environment) in &ways {
                side.push(InTurns::start(&self.tools, executable, environment).await?);
            }
        }
        for _ in 0..self.tracing_rounds {
            for plugin in sides.iter_mut().flatten() {
                plugin.turn().await?;
            }
        }
        let of = |figure: fn(&InTurns, &InTurns) -> f64, way: usize| {
            sides.each_ref().map(|side| figure(&side[way], &side[0]))
        };
        for (way, (name, _)) in ways.iter().enumerate() {
            let [ours, theirs] = of(|plugin, _| median(plugin.costs.clone()), way);
            let name = format!("32 callers, tracing {name}: CPU per call, µs");
            self.figures.push(Figure { name, ours, theirs });
        }
        for (way, (name, _)) in ways.iter().enumerate().skip(1) {
            let [ours, theirs] = of(InTurns::more_than, way);
            let name = format!("32 callers: CPU that tracing {name} adds, %");
            self.figures.push(Figure { name, ours, theirs });
        }
        for plugin in sides.into_iter().flatten() {
            plugin.peer.end().await;
        }
        Ok(())
    }

    async fn large_answers(&mut self, ours: &Path) -> Result<()> {
        for (points, format, calls) in
            [(10_000, "arrow", 50), (1_000_000, "arrow", 5), (1_000_000, "json", 5)]
        {
            let options = json!({ "points": points, "format": format, "callers": [1], "calls": calls });
            let (a, b) = self.both(ours, &options).await?;
            self.row(&format!("{points} points as {format}, p50, ms"), &a, &b, "/loads/0/p50_ms")?;
            self.row(
                &format!("{points} points as {format}, peak memory, KiB"),
                &a,
                &b,
                "/loads/0/peak_rss_kib",
            )?;
        }
        Ok(())
    }

    /// Sends requests with eight queries, of which the example refuses four.
    async fn slow_upstream(&mut self, ours: &Path) -> Result<()> {
        let options = json!({ "queries_per_request": 8, "delay_ms": 100, "callers": [1], "calls": 10 });
        let (a, b) = self.both(ours, &options).await?;
        self.row("8 queries, upstream takes 100 ms, p50, ms", &a, &b, "/loads/0/p50_ms")
    }

    /// Sends many requests at once, all of which wait for their upstream, and checks the health of another data source
    /// meanwhile.
    async fn cliff(&mut self, ours: &Path) -> Result<()> {
        const REQUESTS: usize = 1000;
        let options = json!({ "delay_ms": 1500, "callers": [REQUESTS], "calls": REQUESTS });
        let (a, b) = self.both(ours, &options).await?;
        self.row("1000 queries, upstream takes 1.5 s: all answered, s", &a, &b, "/loads/0/seconds")?;
        let each = |report: &Value| {
            let more = number(report, "/loads/0/peak_rss_kib")? - number(report, "/idle_rss_kib")?;
            Ok::<_, anyhow::Error>(more / REQUESTS as f64)
        };
        self.figures.push(Figure {
            name: "1000 waiting queries: memory of each, KiB".to_owned(),
            ours: each(&a)?,
            theirs: each(&b)?,
        });
        let twin = self.tools.twin.clone();
        for (whose, same) in [("the same data source", true), ("another", false)] {
            self.figures.push(Figure {
                name: format!("health check of {whose} meanwhile, ms"),
                ours: self.health_beside(ours, REQUESTS, same).await?,
                theirs: self.health_beside(&twin, REQUESTS, same).await?,
            });
        }
        Ok(())
    }

    /// Returns the milliseconds that a health check takes while so many queries wait for an upstream. That of the same
    /// data source waits for the upstream too.
    async fn health_beside(&self, executable: &Path, queries: usize, same: bool) -> Result<f64> {
        let mut peer = self.tools.start()?;
        let slow = peer.get("upstream", json!({ "delay_ms": 1500 })).await;
        let quick = peer.get("upstream", json!({})).await;
        let context = |upstream: &Value| {
            let url = upstream["url"].as_str().unwrap_or_default();
            peer::context(&DataSource::new(url).plugin("gpx-httpbackend-datasource"))
        };
        let (slow, quick) = (context(&slow), context(&quick));
        peer.get("start", json!({ "exe": executable, "quiet": true })).await;
        peer.get("health", json!({ "plugin_context": quick.clone() })).await;
        let load = json!({
            "plugin_context": slow.clone(), "queries": [peer::query(&query("A"))],
            "callers": queries, "calls": queries, "async": true, "id": "load",
        });
        peer.tell("load", load).await;
        // By then the requests have been sent, and the upstream has answered none of them.
        tokio::time::sleep(Duration::from_millis(700)).await;
        let start = Instant::now();
        peer.get("health", json!({ "plugin_context": if same { slow } else { quick } })).await;
        let time = start.elapsed();
        peer.get("kill", json!({})).await;
        peer.end().await;
        Ok(time.as_secs_f64() * 1000.0)
    }

    /// Compares a computation while another data source loops in many calls with the same computation alone.
    async fn fairness(&mut self) -> Result<()> {
        /// About 300 ms on one core.
        const TURNS: usize = 200_000_000;
        let launch = Plugin::guest("probe");
        let mut peer = self.tools.start()?;
        let environment = json!({ "GF_PLUGIN_GPX_CPU_TIMEOUT": "60s" });
        peer.get("start", json!({ "exe": launch.executable(), "env": environment, "quiet": true })).await;
        let spin = query("A").kind("spin").json(json!({ "count": TURNS }));
        let load = json!({
            "plugin_context": peer::context(&DataSource::new("")), "queries": [peer::query(&spin)],
            "callers": 1, "calls": 5,
        });
        peer.get("load", load.clone()).await;
        let alone = peer.get("load", load.clone()).await;
        let looper = peer::context(&DataSource::new(""));
        for number in 0..32 {
            let looping = json!({
                "plugin_context": looper, "timeout_ms": 30000, "async": true, "id": number,
                "queries": [peer::query(&query("A").kind("loop"))],
            });
            peer.tell("query", looping).await;
        }
        let beside = peer.get("load", load).await;
        peer.get("kill", json!({})).await;
        let (ours, theirs) = (number(&beside, "/p50_ms")?, number(&alone, "/p50_ms")?);
        self.figures.push(Figure {
            name: "computation beside 32 loops | alone, both ours, ms".to_owned(),
            ours,
            theirs,
        });
        Ok(())
    }

    /// Compares the latency of other calls while two guests loop with the same load without them.
    async fn loopers(&mut self) -> Result<()> {
        let launch = Plugin::guest("probe");
        let mut peer = self.tools.start()?;
        let environment = json!({ "GF_PLUGIN_GPX_CPU_TIMEOUT": "30s" });
        peer.get("start", json!({ "exe": launch.executable(), "env": environment, "quiet": true })).await;
        let context = |source: &DataSource| peer::context(source);
        let load = json!({
            "plugin_context": context(&DataSource::new("")), "queries": [peer::query(&query("A").kind("count"))],
            "callers": 4, "duration_ms": 2000, "warmup_ms": 500,
        });
        let alone = peer.get("load", load.clone()).await;
        let looping = json!({
            "plugin_context": context(&DataSource::new("")), "timeout_ms": 8000, "async": true, "id": "looper",
            "queries": [peer::query(&query("A").kind("loop")), peer::query(&query("B").kind("loop"))],
        });
        peer.tell("query", looping).await;
        let beside = peer.get("load", load).await;
        let (ours, theirs) = (number(&beside, "/p99_ms")?, number(&alone, "/p99_ms")?);
        self.figures.push(Figure {
            name: "p99 with two looping guests | without, both ours, ms".to_owned(),
            ours,
            theirs,
        });
        Ok(())
    }

    fn sizes(&mut self, ours: &Path, component: &Path) -> Result<()> {
        let size = |path: &Path| Ok::<_, anyhow::Error>(path.metadata()?.len() as f64 / 1024.0);
        let twin = size(&self.tools.twin)?;
        self.figures.push(Figure { name: "executable, KiB".to_owned(), ours: size(ours)?, theirs: twin });
        self.figures.push(Figure { name: "component, KiB".to_owned(), ours: size(component)?, theirs: twin });
        Ok(())
    }

    async fn both(&self, ours: &Path, options: &Value) -> Result<(Value, Value)> {
        Ok((self.measure(ours, options).await?, self.measure(&self.tools.twin, options).await?))
    }

    async fn measure(&self, executable: &Path, options: &Value) -> Result<Value> {
        let mut peer = self.tools.start()?;
        let mut options = options.clone();
        options["exe"] = json!(executable);
        let report = peer.get("bench", options).await;
        peer.end().await;
        Ok(report)
    }

    fn row(&mut self, name: &str, ours: &Value, theirs: &Value, pointer: &str) -> Result<()> {
        let (ours, theirs) = (number(ours, pointer)?, number(theirs, pointer)?);
        self.figures.push(Figure { name: name.to_owned(), ours, theirs });
        Ok(())
    }
}

// === impl InTurns ===

impl InTurns {
    /// Starts the plugin, and lets it warm up.
    async fn start(tools: &Tools, executable: &Path, environment: &Value) -> Result<Self> {
        let mut peer = tools.start()?;
        let upstream = peer.get("upstream", json!({})).await;
        let source = DataSource::new(upstream["url"].as_str().unwrap_or_default());
        let start = json!({ "exe": executable, "env": environment, "quiet": true, "timeout_ms": 60000 });
        peer.get("start", start).await;
        let load = json!({
            "plugin_context": peer::context(&source.plugin("gpx-httpbackend-datasource")),
            "queries": [peer::query(&query("A").json(json!({ "multiplier": 2 })))], "callers": 32, "calls": 500,
        });
        let mut plugin = Self { peer, load, costs: Vec::new() };
        for _ in 0..4 {
            plugin.turn().await?;
        }
        plugin.costs.clear();
        Ok(plugin)
    }

    async fn turn(&mut self) -> Result<()> {
        let figures = self.peer.get("load", self.load.clone()).await;
        self.costs.push(number(&figures, "/cpu_per_call_us")?);
        Ok(())
    }

    /// Returns how much more it costs than another, in percent.
    fn more_than(&self, other: &Self) -> f64 {
        let ratios = self.costs.iter().zip(&other.costs).map(|(cost, other)| cost / other);
        (median(ratios.collect()) - 1.0) * 100.0
    }
}

/// Returns the middle one, or the greater of two.
fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

fn number(report: &Value, pointer: &str) -> Result<f64> {
    report.pointer(pointer).and_then(Value::as_f64).with_context(|| format!("no {pointer} in {report}"))
}
