//! One behaviour for each query type, resource path and health setting, so that a test can ask for exactly that.
//! A behaviour is a function of the same name; its parameters are in the query's JSON.

use std::cell::Cell;
use std::time::Duration;

use gpx_sdk::chunks::ChunkSender;
use gpx_sdk::resource::Router;
use gpx_sdk::stream::{PacketSender, Reply, Request};
use gpx_sdk::{
    Answer, Context, Data, DataChunked, Diagnostics, Fault, Frame, Health, HealthStatus, Plugin, Query,
    Resource, Result, Settings, Stream, Unread, log,
};
use serde::Deserialize;

mod answer;
mod attack;
mod cached;
mod chunks;
mod fetch;
mod frames;
mod metrics;
mod misbehave;
mod otel;
mod outside;
mod pages;
mod raw;
mod report;
mod resources;
mod say;
mod spans;
mod stream;

struct Probe {
    settings: Settings,
    config: Config,
    calls: Cell<i64>,
}

/// The data source's jsonData.
#[derive(Deserialize)]
#[serde(default)]
struct Config {
    /// `ok`, `error`, `unknown`, `fault`, `panic`, `upstream`, `spin`, `headers` or `leak`.
    health: String,
    /// How long `spin` computes.
    turns: usize,
    /// `ok`, `fault`, `panic` or `sleep`.
    open: String,
}

gpx_sdk::plugin!(
    Probe: data, data_chunked, diagnostics, resource, stream;
    attributes: { "probe.text": "on", "probe.number": 7, "probe.flags": [true, false] };
    secrets: ["apiToken", "missing"];
    origins: ["https://wanted.example"];
    headers: ["X-Probe", "X-Probe-Token"];
);

impl Default for Config {
    fn default() -> Self {
        Self { health: "ok".to_owned(), turns: 0, open: "ok".to_owned() }
    }
}

impl Plugin for Probe {
    fn open(settings: Settings) -> Result<Self> {
        let config: Config = settings.json()?;
        match config.open.as_str() {
            "fault" => return Err(Fault::new(418, "open failed on purpose")),
            "panic" => panic!("open panicked on purpose"),
            "sleep" => {
                log::info!("opening");
                std::thread::sleep(Duration::from_secs(3600));
            }
            _ => {}
        }
        Ok(Self { settings, config, calls: Cell::new(0) })
    }
}

impl Data<Unread, Answer> for Probe {
    fn query(&self, context: &Context, query: &Query) -> Result<Answer> {
        self.calls.set(self.calls.get() + 1);
        let frames = match query.query_type.as_str() {
            "answer" => return answer::answer(query),
            "count" => self.count(),
            "config" => Ok(report::config(context)),
            "context" => Ok(report::context(context)),
            "settings" => Ok(report::settings(&self.settings)),
            "log" => report::log(),
            "log-in-spans" => report::log_in_spans(),
            "fault" => report::fault(query),
            "leak" => report::leak(&self.settings),
            "say" => say::say(query),
            "token" => cached::token(query),
            "cache" => cached::cache(query),
            "measure" => metrics::measure(query),
            "mismeasure" => metrics::mismeasure(),

            "panic" => misbehave::panic(),
            "trap" => misbehave::trap(),
            "loop" => misbehave::forever(),
            "allocate" => misbehave::allocate(query),
            "hoard" => misbehave::hoard(),
            "stdout" => misbehave::stdout(),
            "outside" => outside::outside(query),

            "fetch" | "redirect" => fetch::fetch(query),
            "fetch-json" | "decode" => fetch::fetch_json(query),
            "fetch-json-of-any-status" => fetch::fetch_json_of_any_status(query),
            "raw" => raw::send(query),
            "fetch-many" => fetch::fetch_many(query),
            "pages-by-link" => pages::by_link(query),
            "pages-by-cursor" => pages::by_cursor(query),
            "retry" => pages::retry(query),
            "interpolate" => pages::interpolate(query),
            "sleep-on-upstream" => fetch::sleep_on_upstream(query),
            "own-traceparent" => fetch::own_traceparent(query),
            "described" => fetch::described(query),

            "spans-open" => spans::open(),
            "spans-nested" => spans::nested(),
            "spans-many" => spans::many(query),
            "spans-all" => spans::all(),
            "spans-otel" => otel::spans(query),
            "spans-instrumented" => spans::instrumented(query),

            "all-types" => frames::all_types(),
            "types" => frames::types(query),
            "sample" => frames::sample(),
            "convert" => frames::convert(query),
            "dataplane" => frames::dataplane(query),
            "promised" => frames::promised(query),
            "said" => frames::said(query),
            "big" => frames::big(query),
            "bad-frame" => Ok(frames::bad_frame()),
            "none" => Ok(Vec::new()),
            _ => attack::run(query),
        };
        frames.map(Answer::from)
    }
}

impl Probe {
    /// Returns how many queries this instance has seen: always 1 if instances are not reused.
    fn count(&self) -> Result<Vec<Frame>> {
        Ok(vec![Frame::new("count").field("calls", [self.calls.get()])])
    }
}

impl DataChunked for Probe {
    fn query_chunked(&self, context: &Context, queries: &[Query], chunks: &mut ChunkSender) -> Result<()> {
        chunks::query(context, queries, chunks)
    }
}

impl Diagnostics for Probe {
    fn check_health(&self, context: &Context) -> Result<Health> {
        match self.config.health.as_str() {
            "error" => Ok(Health::error("unwell on purpose")),
            "unknown" => Ok(Health::new(HealthStatus::Unknown, "who knows")),
            "fault" => Err(Fault::downstream(503, "health failed on purpose")),
            "panic" => panic!("health panicked on purpose"),
            "upstream" => Ok(Health::ok(fetch::health(self.settings.url())?)),
            "spin" => Ok(Health::ok(attack::spin(self.config.turns))),
            "headers" => Ok(Health::ok(report::header_names(context))),
            "leak" => {
                let secret = self.settings.secret("apiToken").unwrap_or_default();
                Health::ok(secret).details(&serde_json::json!({ secret: [secret] }))
            }
            _ => Health::ok("all is well").details(&serde_json::json!({ "calls": self.calls.get() })),
        }
    }
}

impl Resource for Probe {
    fn routes() -> Router<Self> {
        resources::routes()
    }
}

impl Stream for Probe {
    fn subscribe(&self, _: &Context, request: &Request) -> Result<Reply> {
        stream::subscribe(request)
    }

    fn publish(&self, _: &Context, request: &Request) -> Result<Reply> {
        stream::publish(request)
    }

    fn run(&self, context: &Context, request: &Request, packets: &mut PacketSender) -> Result<()> {
        stream::run(&self.settings, context, request, packets)
    }
}
