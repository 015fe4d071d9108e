//! A health check goes ahead of its data source's queries: it is answered while they hold all that they may have, and more
//! of them wait for it.

use gpx_tests::grafana::{DataSource, Reply, query};
use gpx_tests::plugin::{Launch, Plugin};
use gpx_tests::upstream::{Answer, Gate, Upstream};
use serde_json::json;
use tokio::task::JoinSet;

use crate::data_source::count;

/// A data source whose upstream answers only health checks, until it is told otherwise.
struct Slow {
    plugin: Plugin,
    upstream: Upstream,
    gate: Gate,
    source: DataSource,
    queries: JoinSet<Result<Reply, tonic::Status>>,
}

// === impl Slow ===

impl Slow {
    async fn of(launch: Launch) -> Self {
        Self::on(launch.start().await).await
    }

    async fn on(plugin: Plugin) -> Self {
        let gate = Gate::closed();
        let upstream = Upstream::start({
            let gate = gate.clone();
            move |request| match request.path.as_str() {
                "/health" => Answer::text("text/plain", "the upstream is well"),
                _ => Answer::text("text/plain", "at last").after(&gate),
            }
        })
        .await;
        // Seconds: requests wait as long as the test.
        let json = json!({ "health": "upstream", "timeout": 300 });
        let source = DataSource::new(&upstream.url()).json(json);
        Self { plugin, upstream, gate, source, queries: JoinSet::new() }
    }

    /// Sends so many queries, of which this number gets as far as the upstream, and waits until others wait for this
    /// setting.
    async fn queries(&mut self, sent: usize, arriving: usize, awaited: &str) {
        for _ in 0..sent {
            let model = json!({ "url": self.upstream.url() + "/query" });
            let query = query("A").kind("sleep-on-upstream").json(model);
            self.queries.spawn(self.plugin.query(&self.source, [query]).into_future());
        }
        self.upstream.wait_for_requests(arriving).await;
        let line = self.plugin.logs.wait_for(|line| line.message.contains(awaited)).await;
        assert_eq!(line.level, "warn");
    }

    /// Health checks are answered, one after another.
    async fn is_healthy(&self) {
        for _ in 0..3 {
            let health = self.plugin.health(&self.source).await.unwrap();
            assert_eq!(health.message, "the upstream is well");
        }
    }

    /// No query has been answered yet. Now all are.
    async fn over(mut self) {
        assert!(self.queries.try_join_next().is_none(), "a query was answered");
        self.gate.open();
        for reply in self.queries.join_all().await {
            assert_eq!(reply.unwrap().frame("A").field("body").values, [json!("at last")]);
        }
    }
}

fn probe() -> Launch {
    Plugin::guest("probe")
}

#[gpx_tests::test]
async fn while_queries_have_all_connections() {
    let mut slow = Slow::of(probe().setting("gpx_connections_max", "2")).await;
    slow.queries(5, 2, "gpx_connections_max = 2").await;
    slow.is_healthy().await;
    slow.over().await;
}

#[gpx_tests::test]
async fn while_queries_have_all_instances() {
    let mut slow = Slow::of(probe().setting("gpx_instances_max", "2")).await;
    slow.queries(64, 2, "gpx_instances_max = 2").await;
    slow.is_healthy().await;
    let metrics = slow.plugin.metrics().await.unwrap();
    assert!(metrics.contains("\ngpx_instances_idle 0\n"), "nothing is left of the third instance: {metrics}");
    slow.over().await;
}

#[gpx_tests::test]
async fn while_queries_have_all_memory() {
    let launch = probe().setting("gpx_memory_max", "64").setting("gpx_memory_total", "64");
    let mut slow = Slow::of(launch).await;
    // Steps that leave too little for another instance, but not nothing.
    let model = json!({ "bytes": 600 << 10, "hold": slow.upstream.url() + "/query" });
    let grow = query("A").kind("grow").json(model);
    let growing = tokio::spawn(slow.plugin.query(&slow.source, [grow]).into_future());
    slow.upstream.wait_for_requests(1).await;
    slow.queries(5, 1, "gpx_memory_total = 64").await;
    slow.is_healthy().await;
    assert_eq!(slow.upstream.requests().iter().filter(|request| request.path == "/query").count(), 1);
    slow.over().await;
    assert_eq!(growing.await.unwrap().unwrap().answer("A").error, "");
}

#[gpx_tests::test]
async fn while_queries_have_all_files() {
    let few = |_: &std::path::Path, executable: &std::path::Path| {
        let words = ["/bin/sh", "-c", "ulimit -n 128; exec \"$0\""].map(str::to_owned);
        words.into_iter().chain([executable.display().to_string()]).collect()
    };
    let mut slow = Slow::on(probe().start_by(few).await.unwrap()).await;
    // Connections may have 64, of which a sixteenth is kept for other data sources.
    slow.queries(100, 60, "limit of 128 open files").await;
    slow.is_healthy().await;
    slow.over().await;
}

#[gpx_tests::test]
async fn while_queries_compute() {
    const TURNS: usize = 15_000_000;
    let plugin = probe().start().await;
    let source = DataSource::new("").json(json!({ "health": "spin", "turns": 6 * TURNS }));
    let mut calls = JoinSet::new();
    for _ in 0..30 {
        let spin = query("A").kind("spin").json(json!({ "count": TURNS }));
        let call = plugin.query(&source, [spin]).into_future();
        calls.spawn(async move { (call.await.unwrap().answer("A").error.clone(), "query") });
    }
    plugin.logs.wait_for_lines(30, |line| line.message == "Plugin Request Started").await;
    let health = plugin.health(&source).into_future();
    calls.spawn(async move { (health.await.unwrap().message, "health") });
    let mut order = Vec::new();
    while let Some(ended) = calls.join_next().await {
        let (message, name) = ended.unwrap();
        assert_eq!(message, if name == "query" { "" } else { "all is well" });
        order.push(name);
    }
    // In turns with 30 others, it would be the last: it computes for longer than each of them.
    let before = order.iter().position(|name| *name == "health").unwrap();
    assert!(before <= 15, "{before} of 30 queries ended before the health check");
}

#[gpx_tests::test]
async fn but_a_flood_of_health_checks_does_not() {
    /// Those that go ahead at once, beside the two that have what queries may have.
    const AHEAD: usize = 4;
    let gate = Gate::closed();
    let upstream = Upstream::always(Answer::text("text/plain", "the upstream is well").after(&gate)).await;
    let launch = probe().setting("gpx_connections_max", "2").setting("gpx_instances_max", "2");
    let plugin = launch.start().await;
    let json = json!({ "health": "upstream", "timeout": 300 });
    let source = DataSource::new(&upstream.url()).json(json);
    let mut calls = JoinSet::new();
    let model = json!({ "url": upstream.url() });
    for _ in 0..2 {
        let query = query("A").kind("sleep-on-upstream").json(model.clone());
        let call = plugin.query(&source, [query]).into_future();
        calls.spawn(async move { call.await.unwrap().answer("A").error.clone() });
    }
    upstream.wait_for_requests(2).await;
    for _ in 0..20 {
        let check = plugin.health(&source).into_future();
        calls.spawn(async move { check.await.unwrap().message });
    }
    upstream.wait_for_requests(2 + AHEAD).await;
    plugin.logs.wait_for_lines(22, |line| line.message == "Plugin Request Started").await;
    // If another one had got on, its request would have arrived by the time that these are answered.
    let other = DataSource::new("");
    for calls in 1..=10 {
        assert_eq!(count(&plugin, &other).await, f64::from(calls));
    }
    assert_eq!(upstream.requests().len(), 2 + AHEAD);
    gate.open();
    let answers = calls.join_all().await;
    assert_eq!(answers.iter().filter(|message| *message == "the upstream is well").count(), 20);
}
