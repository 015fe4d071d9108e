//! How cost grows: with callers, rows, queries, data sources and spans. One plot each, and a table, for docs/performance.md.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use gpx_tests::collector::Collector;
use gpx_tests::grafana::{DataSource, query};
use gpx_tests::peer::{self, Tools};
use gpx_tests::plugin::Plugin;
use serde_json::{Value, json};

use crate::number;
use crate::plot::{Line, Plot};

/// The page, and the part of it that is measured.
const PAGE: &str = "docs/performance.md";
const BEGIN: &str = "<!-- measured: begin -->\n";
const END: &str = "<!-- measured: end -->";

/// What grows.
struct Growth {
    /// The file's name, and what the horizontal axis counts.
    name: &'static str,
    /// What the vertical axis counts, and where the report has it.
    unit: &'static str,
    pointer: &'static str,
    values: &'static [usize],
    options: fn(usize, u64) -> Value,
}

const GROWTHS: [Growth; 5] = [
    Growth {
        name: "callers",
        unit: "CPU per call, µs",
        pointer: "/loads/0/cpu_per_call_us",
        values: &[1, 2, 4, 8, 16, 32, 64, 128],
        options: |callers, milliseconds| json!({ "callers": [callers], "duration_ms": milliseconds, "warmup_ms": milliseconds / 4 }),
    },
    Growth {
        name: "points in an answer",
        unit: "time, ms",
        pointer: "/loads/0/p50_ms",
        values: &[10, 100, 1_000, 10_000, 100_000, 1_000_000],
        options: |points, _| json!({ "points": points, "callers": [1], "calls": (1_000_000 / points).clamp(5, 200) }),
    },
    Growth {
        name: "queries in a request",
        unit: "CPU per request, µs",
        pointer: "/loads/0/cpu_per_call_us",
        values: &[1, 2, 4, 8, 16, 32, 64],
        options: |queries, milliseconds| {
            // Of the example's queries, every second one is refused.
            json!({ "queries_per_request": queries, "callers": [1], "duration_ms": milliseconds, "warmup_ms": 200 })
        },
    },
    Growth {
        name: "data sources, memory",
        unit: "memory, KiB",
        pointer: "/loads/0/rss_kib",
        values: &[1, 10, 100, 1_000],
        options: |sources, _| json!({ "sources": sources, "callers": [4], "calls": 3 * sources.max(100) }),
    },
    Growth {
        name: "data sources, time",
        unit: "CPU per call, µs",
        pointer: "/loads/0/cpu_per_call_us",
        values: &[1, 10, 100, 1_000],
        options: |sources, milliseconds| json!({ "sources": sources, "callers": [4], "duration_ms": milliseconds, "warmup_ms": 1000 }),
    },
];

/// How many spans a call of the test component starts.
const SPANS: [usize; 5] = [1, 10, 100, 300, 900];

/// Measures everything, draws the plots and writes the tables.
pub(crate) async fn growth(tools: &Tools, ours: &Path, milliseconds: u64) -> Result<()> {
    let mut plots = Vec::new();
    for growth in &GROWTHS {
        let mut lines = [Line::new("gpx-host"), Line::new("Go SDK")];
        for value in growth.values {
            for (executable, line) in [ours, &tools.twin].into_iter().zip(&mut lines) {
                let mut peer = tools.start()?;
                let mut options = (growth.options)(*value, milliseconds);
                options["exe"] = json!(executable);
                let report = peer.get("bench", options).await;
                peer.end().await;
                line.points.push((*value as f64, number(&report, growth.pointer)?));
            }
        }
        plots.push(Plot { name: growth.name, unit: growth.unit, lines: lines.into() });
    }
    plots.push(spans(tools, milliseconds).await?);
    write(&plots)
}

/// Only ours: the twin starts no spans of its own number.
async fn spans(tools: &Tools, milliseconds: u64) -> Result<Plot> {
    let collector = Collector::unread().await;
    let launch = Plugin::guest("probe");
    let mut line = Line::new("gpx-host");
    for spans in SPANS {
        let environment = json!({
            "GF_INSTANCE_OTLP_ADDRESS": collector.address(), "GF_INSTANCE_OTLP_PROPAGATION": "w3c",
        });
        let mut peer = tools.run(launch.executable(), environment).await;
        let asked = query("A").kind("spans-many").json(json!({ "spans": spans }));
        let load = json!({
            "plugin_context": peer::context(&DataSource::new("")), "queries": [peer::query(&asked)],
            "callers": 1, "duration_ms": milliseconds, "warmup_ms": 200,
        });
        let report = peer.get("load", load).await;
        peer.end().await;
        line.points.push((spans as f64, number(&report, "/cpu_per_call_us")?));
    }
    Ok(Plot { name: "spans in a call", unit: "CPU per call, µs", lines: vec![line] })
}

fn write(plots: &[Plot]) -> Result<()> {
    let root = gpx_tests::artifacts::repository();
    let mut measured = String::new();
    for plot in plots {
        let file = format!("performance/{}.svg", plot.name.replace(", ", "-").replace(' ', "-"));
        std::fs::write(root.join("docs").join(&file), plot.svg())
            .with_context(|| format!("cannot write {file}"))?;
        write!(
            measured,
            "\n### {}\n\n![{}, by {}]({file})\n\n{}",
            heading(plot.name),
            plot.unit,
            plot.name,
            plot.table()
        )?;
    }
    let page = root.join(PAGE);
    let text = std::fs::read_to_string(&page).with_context(|| format!("cannot read {PAGE}"))?;
    let parts = text.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let (before, after) = parts.with_context(|| format!("{PAGE} lacks the marks of what is measured"))?;
    std::fs::write(page, format!("{before}{BEGIN}{measured}\n{END}{after}"))?;
    Ok(())
}

fn heading(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
