//! What tracing costs.

use std::path::Path;

use anyhow::Result;
use gpx_tests::collector::Collector;
use gpx_tests::grafana::{DataSource, query};
use gpx_tests::peer::{self, Peer, Tools};
use serde_json::{Value, json};

use crate::{Bench, Figure, number};

/// A plugin that runs beside others and is measured in turns with them.
struct InTurns {
    peer: Peer,
    load: Value,
    /// The plugin's CPU time per call, of each turn, in microseconds.
    costs: Vec<f64>,
}

impl Bench {
    /// Compares each of the two without tracing, with one trace in a hundred, and with all of them. Tracing costs less than
    /// two runs differ by: so all six run at once, each has a short turn in every round, and the costs of one round are
    /// compared.
    pub(crate) async fn tracing(&mut self, ours: &Path) -> Result<()> {
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
            self.figures.push(Figure { name, ours, theirs, native: None });
        }
        for (way, (name, _)) in ways.iter().enumerate().skip(1) {
            let [ours, theirs] = of(InTurns::more_than, way);
            let name = format!("32 callers: CPU that tracing {name} adds, %");
            self.figures.push(Figure { name, ours, theirs, native: None });
        }
        for plugin in sides.into_iter().flatten() {
            plugin.peer.end().await;
        }
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
