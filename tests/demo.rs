//! What `cargo xtask demo` shows: the packaged example is started as Grafana starts it and answers two requests, and
//! one trace joins caller, plugin and upstream.

use std::io::IsTerminal as _;
use std::time::Instant;

use anyhow::{Context as _, Result};
use gpx_tests::collector::Collector;
use gpx_tests::frame::Frame;
use gpx_tests::grafana::{DataSource, Reply, query};
use gpx_tests::plugin::Plugin;
use gpx_tests::trace::{Span, Trace, duration, ids, now, waterfall};
use gpx_tests::upstream::{Answer, Request, Upstream, points};
use serde_json::{Value, json};

/// How many rows of a table are shown.
const ROWS: usize = 5;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<()> {
    let collector = Collector::start().await;
    let reporter = collector.reporter();
    let upstreams = reporter.clone();
    let upstream = Upstream::start(move |request| {
        let started = now();
        let answer = Answer::json(points(24));
        upstreams.report(upstream_span(request, started));
        answer
    })
    .await;

    let launch = Plugin::packaged("http-backend").tracing(&collector.address());
    let begin = Instant::now();
    let mut plugin = launch.start().await;
    let started = begin.elapsed();
    let line = &plugin.handshake;
    heading("the plugin, started as Grafana starts it");
    println!(
        "  handshake  {}|{}|{}|{}|{}|",
        line.core_version, line.protocol_version, line.network, line.address, line.protocol
    );
    println!("  after      {}", duration(started.as_nanos() as u64));
    println!("  upstream   {}\n", upstream.url());

    let mut source = DataSource::new(&upstream.url());
    source.plugin = "gpx-httpbackend-datasource".to_owned();
    source.settings.name = "Demo".to_owned();
    let health = plugin.health(&source).await.context("CheckHealth")?;
    heading("CheckHealth");
    println!("  {}  {}\n", health.status().as_str_name(), health.message);

    let queries = || [query("A").json(json!({ "multiplier": 2 })), query("B"), query("C")];
    // Once on a new connection, and then on a warm one, which is the one to look at.
    plugin.query(&source, queries()).await.context("QueryData")?;
    let (trace_id, caller_id) = ids();
    let started = now();
    let call = plugin.query(&source, queries());
    let reply = call.traceparent(&format!("00-{trace_id}-{caller_id}-01")).await.context("QueryData")?;
    reporter.report(Span {
        name: "Grafana: QueryData, three queries".to_owned(),
        kind: "client".to_owned(),
        span_id: caller_id.clone(),
        ..span(&trace_id, started)
    });
    show(&reply);

    plugin.shutdown().await;
    // Shutdown flushes the trace, and once the process has ended, the log is complete.
    plugin.exit().await;
    let whole = |trace: &Trace| trace.has(&["pluginv2.Data/QueryData", "upstream: GET"]);
    let trace = collector.wait_for_trace(&trace_id, whole).await;
    heading("the plugin's log of these calls");
    for line in plugin.logs.all().iter().filter(|line| line.text("traceId") == trace_id) {
        let fields = ["endpoint", "number", "ref", "refID", "status", "duration", "error"];
        let fields = fields.iter().filter_map(|key| Some((key, line.fields.get(*key)?)));
        let fields: Vec<_> = fields.map(|(key, value)| format!("{key}={}", plain(value))).collect();
        println!("  {:5}  {:28}  {}", line.level, line.message, fields.join(" "));
    }
    heading(&format!("\nthe trace {trace_id}"));
    for line in waterfall(&trace).lines() {
        println!("  {line}");
    }
    Ok(())
}

fn show(reply: &Reply) {
    let mut names: Vec<_> = reply.responses.keys().collect();
    names.sort();
    for name in names {
        let answer = reply.answer(name);
        heading(&format!("query {name}: status {}", answer.status));
        if !answer.error.is_empty() {
            println!("  {} (source {})", answer.error, answer.source);
        }
        answer.frames.iter().for_each(table);
        println!();
    }
}

fn table(frame: &Frame) {
    println!("  frame {:?}, {} rows", frame.name, frame.rows());
    let columns = frame.fields.iter().map(|field| {
        let cells = field.values.iter().take(ROWS).map(|value| cell(&field.item, value));
        let column: Vec<String> = [field.name.clone()].into_iter().chain(cells).collect();
        let width = column.iter().map(|cell| cell.chars().count()).max().unwrap_or_default();
        column.into_iter().map(|cell| format!("{cell:width$}")).collect::<Vec<_>>()
    });
    let columns: Vec<_> = columns.collect();
    for row in 0..=frame.rows().min(ROWS) {
        let cells: Vec<_> = columns.iter().filter_map(|column| column.get(row)).map(String::as_str).collect();
        println!("  │ {} │", cells.join(" │ "));
    }
    if frame.rows() > ROWS {
        println!("  … {} more", frame.rows() - ROWS);
    }
}

/// Returns a readable value. A JSON frame's time is in milliseconds; the demo's points are all within one day.
fn cell(item: &str, value: &Value) -> String {
    match (item, value.as_i64()) {
        ("time.Time", Some(millis)) => {
            let seconds = millis / 1000 % 86_400;
            format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
        }
        _ => plain(value),
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Returns the span that an upstream with its own tracing reports: its parent is the span in the request's header.
fn upstream_span(request: &Request, started: u64) -> Span {
    let header = request.header("traceparent").unwrap_or_default();
    let parts: Vec<_> = header.split('-').collect();
    let [_, trace_id, parent_id, _] = parts.as_slice() else { return Span::default() };
    Span {
        name: format!("upstream: {}", request.method),
        kind: "server".to_owned(),
        span_id: ids().1,
        parent_id: (*parent_id).to_owned(),
        ..span(trace_id, started)
    }
}

fn span(trace_id: &str, start: u64) -> Span {
    Span { trace_id: trace_id.to_owned(), start, end: now(), status: "unset".to_owned(), ..Span::default() }
}

fn heading(text: &str) {
    if std::io::stdout().is_terminal() {
        println!("\x1b[1m{text}\x1b[0m");
    } else {
        println!("{text}");
    }
}
