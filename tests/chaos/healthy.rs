//! Data sources that behave: each query fetches a text of its own from an upstream, and must be answered with it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, ensure};
use gpx_tests::grafana::{DataSource, Reply, query};
use gpx_tests::plugin::Plugin;
use gpx_tests::upstream::{Answer, Upstream};
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tonic::Status;

pub(crate) const SOURCES: usize = 11;

/// How the capacity is measured.
const CALLERS: usize = 16;
const MEASURED: Duration = Duration::from_secs(3);

pub(crate) struct Healthy {
    plugin: Arc<Plugin>,
    upstream: Upstream,
    sources: Vec<DataSource>,
}

/// How long each answer took, and what was wrong.
#[derive(Default)]
pub(crate) struct Latencies {
    pub answers: Times,
    /// How much later than due each call was sent. This is this process's own delay: the plugin knows nothing of a call yet.
    pub late: Times,
    pub wrong: Vec<String>,
}

/// In milliseconds, sorted.
#[derive(Default)]
pub(crate) struct Times(Vec<f64>);

struct Outcome {
    late: Duration,
    took: Duration,
    wrong: Option<String>,
}

// === impl Healthy ===

impl Healthy {
    pub(crate) async fn start(plugin: Arc<Plugin>) -> Self {
        let upstream = Upstream::start(|request| Answer::text("text/plain", &request.path)).await;
        let sources = (0..SOURCES).map(|_| DataSource::new(&upstream.url())).collect();
        Self { plugin, upstream, sources }
    }

    /// Returns how many calls a second are answered if many callers call again at once.
    pub(crate) async fn capacity(&self) -> Result<f64> {
        // Once before, to fill pools.
        self.saturated(MEASURED / 3).await?;
        Ok(self.saturated(MEASURED).await? / MEASURED.as_secs_f64())
    }

    /// Sends calls at that rate, whether or not earlier ones have been answered.
    pub(crate) async fn load(&self, rate: f64, time: Duration) -> Latencies {
        let mut due = tokio::time::interval(Duration::from_secs_f64(1.0 / rate));
        let (end, mut calls, mut latencies) = (Instant::now() + time, JoinSet::new(), Latencies::default());
        for number in 0.. {
            let at = due.tick().await;
            if at >= end {
                break;
            }
            calls.spawn(self.call(number, at));
            while let Some(outcome) = calls.try_join_next() {
                latencies.add(outcome.expect("a call does not panic"));
            }
            if number % 1000 == 0 {
                self.upstream.forget();
            }
        }
        calls.join_all().await.into_iter().for_each(|outcome| latencies.add(outcome));
        latencies.answers.0.sort_by(f64::total_cmp);
        latencies.late.0.sort_by(f64::total_cmp);
        latencies
    }

    async fn saturated(&self, time: Duration) -> Result<f64> {
        let (end, mut calls, mut answered) = (Instant::now() + time, JoinSet::new(), 0_usize);
        for number in 0.. {
            if calls.len() >= CALLERS
                && let Some(outcome) = calls.join_next().await
            {
                let Outcome { wrong, .. } = outcome?;
                ensure!(wrong.is_none(), "a call failed without an attack: {}", wrong.unwrap_or_default());
                answered += 1;
            }
            if Instant::now() >= end {
                break;
            }
            calls.spawn(self.call(number, Instant::now()));
        }
        calls.join_all().await;
        self.upstream.forget();
        Ok(answered as f64)
    }

    fn call(&self, number: usize, due: Instant) -> impl Future<Output = Outcome> + Send + use<> {
        let path = format!("/{number}");
        let fetch = query("A").kind("fetch").json(json!({ "url": self.upstream.url() + &path }));
        let call = self.plugin.query(&self.sources[number % SOURCES], [fetch]).into_future();
        async move {
            let sent = Instant::now();
            let reply = call.await;
            Outcome { late: sent - due, took: sent.elapsed(), wrong: wrong(&reply, &path) }
        }
    }
}

/// Returns what is wrong with the answer, if anything is.
fn wrong(reply: &Result<Reply, Status>, path: &str) -> Option<String> {
    let reply = match reply {
        Ok(reply) => reply,
        Err(status) => return Some(status.to_string()),
    };
    let answer = reply.answer("A");
    match answer.frames.as_slice() {
        [frame] if answer.error.is_empty() && frame.pairs().get("body") == Some(&path) => None,
        _ if answer.error.is_empty() => Some(format!("{:?} instead of {path}", answer.frames)),
        _ => Some(answer.error.clone()),
    }
}

// === impl Latencies ===

impl Latencies {
    fn add(&mut self, Outcome { late, took, wrong }: Outcome) {
        self.answers.0.push(took.as_secs_f64() * 1000.0);
        self.late.0.push(late.as_secs_f64() * 1000.0);
        self.wrong.extend(wrong);
    }
}

// === impl Times ===

impl Times {
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// Returns the smallest time that at least this part of all did not exceed, in milliseconds.
    pub(crate) fn quantile(&self, part: f64) -> f64 {
        let rank = (part * self.count() as f64).ceil() as usize;
        self.0.get(rank.saturating_sub(1)).copied().unwrap_or(f64::NAN)
    }
}
