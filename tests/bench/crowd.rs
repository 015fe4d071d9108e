//! Many calls at once, and what others notice of them.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;
use gpx_tests::grafana::{DataSource, query};
use gpx_tests::peer;
use gpx_tests::plugin::Plugin;
use serde_json::{Value, json};

use crate::{Bench, Figure, number};

impl Bench {
    /// Sends requests with eight queries, of which the example refuses four.
    pub(crate) async fn slow_upstream(&mut self, ours: &Path) -> Result<()> {
        let options = json!({ "queries_per_request": 8, "delay_ms": 100, "callers": [1], "calls": 10 });
        let reports = self.compared(ours, &options).await?;
        self.row("8 queries, upstream takes 100 ms, p50, ms", &reports, "/loads/0/p50_ms")
    }

    /// Sends many requests at once, all of which wait for their upstream, and checks the health of another data source
    /// meanwhile.
    pub(crate) async fn cliff(&mut self, ours: &Path) -> Result<()> {
        const REQUESTS: usize = 1000;
        let options = json!({ "delay_ms": 1500, "callers": [REQUESTS], "calls": REQUESTS });
        let reports = self.compared(ours, &options).await?;
        self.row("1000 queries, upstream takes 1.5 s: all answered, s", &reports, "/loads/0/seconds")?;
        let each = |report: &Value| {
            let more = number(report, "/loads/0/peak_rss_kib")? - number(report, "/idle_rss_kib")?;
            Ok::<_, anyhow::Error>(more / REQUESTS as f64)
        };
        self.figures.push(Figure {
            name: "1000 waiting queries: memory of each, KiB".to_owned(),
            ours: each(&reports.ours)?,
            theirs: each(&reports.theirs)?,
            native: None,
        });
        let twin = self.tools.twin.clone();
        for (whose, same) in [("the same data source", true), ("another", false)] {
            self.figures.push(Figure {
                name: format!("health check of {whose} meanwhile, ms"),
                ours: self.health_beside(ours, REQUESTS, same).await?,
                theirs: self.health_beside(&twin, REQUESTS, same).await?,
                native: None,
            });
        }
        Ok(())
    }

    /// Compares the latency of other calls while two guests loop with the same load without them.
    pub(crate) async fn loopers(&mut self) -> Result<()> {
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
            native: None,
        });
        Ok(())
    }

    /// Compares a computation while another data source loops in many calls with the same computation alone.
    pub(crate) async fn fairness(&mut self) -> Result<()> {
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
            native: None,
        });
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
}
