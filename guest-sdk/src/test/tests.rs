//! The fake host, seen by a plugin that uses all of it.

mod limits;
mod objects;

use std::time::Duration;

use serde_json::json;

use super::{AnswerRecord, ChunkRecord, Host, PacketRecord, ReplyRecord, ResourceRequest};
use super::{any, app, data_source, failure, get, post, query, status, text};
use crate::chunks::ChunkSender;
use crate::http::{Cause, StatusCode};
use crate::metrics::{Counter, Gauge, Histogram};
use crate::resource::{Request, ResponseSender, Router};
use crate::stream::{Include, PacketSender, Reply};
use crate::*;

static READS: Counter<1> = Counter::new("kit_reads_total", "Reads").labels(["symbol"]);
static OLDEST: Gauge = Gauge::new("kit_oldest_seconds", "Age");
static TOOK: Histogram = Histogram::new("kit_read_seconds", "How long a read took");

struct Prices {
    url: String,
    token: Option<String>,
}

#[derive(serde::Deserialize)]
struct Model {
    symbol: String,
}

plugin!(Prices: data, data_chunked, diagnostics, resource, stream; secrets: ["apiToken"]);

impl Plugin for Prices {
    fn open(settings: Settings) -> Result<Self> {
        if settings.url().is_empty() {
            return Err(Fault::bad_request("the data source has no URL"));
        }
        let token = settings.secret("apiToken").or(settings.secret("password"));
        Ok(Self { url: settings.url().to_owned(), token: token.map(str::to_owned) })
    }
}

impl Prices {
    fn read(&self, symbol: &str) -> Result<Vec<f64>> {
        let span = span!("read", "symbol" = symbol);
        READS.with([symbol]).inc();
        let request = http::get(&self.url).path(["prices"]).query("symbol", symbol);
        let request = request.header("X-Token", self.token.as_deref().unwrap_or("none"));
        let prices: Vec<f64> = TOOK.time(|| request.timeout(Duration::from_secs(10)).send()?.json())?;
        span.set_attribute("prices", prices.len());
        log::info!("prices were read", "count" = prices.len());
        Ok(prices)
    }

    fn symbols(&self, context: &Context, request: &Request, response: &mut ResponseSender) -> Result<()> {
        let symbol: String = request.parameter("symbol")?;
        let user = context.user().map_or("nobody", |user| user.login.as_str());
        response.json(&[symbol.as_str(), user, context.header("x-tenant").unwrap_or_default()])
    }
}

impl Data<Model, Answer> for Prices {
    fn query(&self, context: &Context, query: &Query<Model>) -> Result<Answer> {
        OLDEST.set(context.time_left().map_or(-1.0, |left| left.as_secs_f64()));
        let prices = self.read(&query.model.symbol)?;
        let answer = Answer::from(Frame::new("prices").field("price", prices));
        Ok(answer.also("details", Frame::new("two").field("a", [1, 2]).field("b", [1])))
    }
}

impl DataChunked<Model> for Prices {
    fn query_chunked(&self, _: &Context, queries: &[Query<Model>], chunks: &mut ChunkSender) -> Result<()> {
        for query in queries {
            let prices = self.read(&query.model.symbol)?;
            chunks.frame(&query.ref_id, "prices", Frame::new("prices").field("price", prices))?;
        }
        Ok(chunks.frame("", "prices", Frame::new(""))?)
    }
}

impl Diagnostics for Prices {
    fn check_health(&self, _: &Context) -> Result<Health> {
        http::get(&self.url).send()?.error_for_status()?;
        Ok(Health::ok("fine"))
    }
}

impl Resource for Prices {
    fn routes() -> Router<Self> {
        Router::<Self>::new()
            .get("/symbols/{symbol}", Self::symbols)
            .post("/half", |_, _, _, response| {
                response.send("half")?;
                Err(Fault::plugin("the rest is missing"))
            })
            .get("/nothing", |_, _, _, _| Ok(()))
    }
}

impl Stream for Prices {
    fn subscribe(&self, _: &Context, request: &stream::Request) -> Result<Reply> {
        match request.path.as_str() {
            "gold" => Ok(Reply::json(&json!({ "unit": "EUR" }))?),
            "lead" => Ok(Reply::ok()),
            _ => Ok(Reply::not_found()),
        }
    }

    fn run(&self, _: &Context, _: &stream::Request, packets: &mut PacketSender) -> Result<()> {
        loop {
            packets.frame(Frame::new("now").time("time", [Time::now()]), Include::Data)?;
            time::sleep(Duration::from_secs(60));
        }
    }
}

fn gold() -> super::QueryBuilder {
    query("A").model(&json!({ "symbol": "gold" }))
}

fn prices(host: &Host) -> super::Opened<'_, Prices> {
    host.open(data_source("http://prices.example")).unwrap()
}

#[test]
fn a_query_is_answered_by_what_is_scripted_and_all_is_recorded() {
    let host = Host::new();
    host.given(get("/prices").query("symbol", "gold"))
        .respond(super::json(&[1.5]).delay(Duration::from_secs(3)));
    host.time_limit(Duration::from_secs(30));
    let plugin =
        host.open::<Prices>(data_source("http://prices.example").secret("apiToken", "geheim")).unwrap();

    let answers = plugin.answers(gold()).unwrap();

    let own = AnswerRecord {
        ref_id: "A".to_owned(),
        frames: vec![Frame::new("prices").field("price", [1.5])],
        outcome: Ok(200),
    };
    assert_eq!(answers[0], own);
    let refused = answers[1].outcome.as_ref().unwrap_err();
    assert!(answers[1].ref_id == "details" && refused.message.contains("differ in length"), "{refused}");

    let requests = host.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].url, "http://prices.example/prices?symbol=gold");
    assert_eq!((requests[0].header("x-token"), requests[0].span.as_deref()), (Some("geheim"), Some("read")));
    let span = host.span("read");
    assert_eq!((&span.attributes["symbol"], &span.attributes["prices"]), (&json!("gold"), &json!(1)));
    assert_eq!(span.end.unwrap().unix_nanos() - span.start.unix_nanos(), 3_000_000_000);
    assert_eq!(host.logs()[0].attributes["count"], 1);
    assert_eq!(host.metric("kit_reads_total", &["gold"]), Some(1.0));
    assert_eq!(host.metric("kit_oldest_seconds", &[]), Some(30.0));
    assert_eq!(host.observations("kit_read_seconds", &[]), [3.0]);
}

#[test]
fn a_query_fails_as_the_export_does() {
    let host = Host::new();
    let plugin = prices(&host);
    let fault = plugin.query(query("A").json("{}")).unwrap_err();
    assert_eq!(
        (fault.status, fault.message.as_str()),
        (400, "query A is not valid: `symbol` is missing at byte 1")
    );

    host.given(any()).once().respond(failure(Cause::Refused));
    host.given(any()).once().respond(status(429).body("slower"));
    host.given(any()).once().respond(text("[1").cut());
    host.given(any()).once().respond(super::json(&[1]).delay(Duration::from_secs(11)));
    let told = || plugin.query(gold()).map_err(|fault| (fault.status, fault.source)).unwrap_err();
    assert_eq!(told(), (502, Source::Downstream));
    assert_eq!(told(), (429, Source::Downstream));
    assert_eq!(told(), (500, Source::Plugin), "the body ends early");
    let before = host.now();
    assert_eq!(told(), (504, Source::Downstream));
    assert_eq!(host.now().unix_seconds() - before.unix_seconds(), 10, "the plugin's own limit");
}

#[test]
fn the_first_matcher_that_is_not_used_up_counts() {
    let host = Host::new();
    host.given(post("http://a.example/p").json(&json!({ "n": 1, "m": 2 }))).respond(status(201));
    host.given(post("/p").header("x-a", "1")).respond(status(202));
    host.given(post("/p").that(|request| request.body == b"x")).times(2).respond(status(203));
    host.given(post("/p")).respond_with(|request| text(request.query("q").collect::<String>()));
    let sent = |url: &str, body: &str, header: &str| {
        http::post(url).body(body).header("x-a", header).send().unwrap().status().as_u16()
    };
    assert_eq!(sent("http://a.example/p?x=1", r#"{"m": 2, "n": 1}"#, "0"), 201);
    assert_eq!(sent("http://b.example/p", r#"{"m": 2, "n": 1}"#, "1"), 202);
    assert_eq!([(); 3].map(|()| sent("http://a.example/p", "x", "0")), [203, 203, 200]);
    assert_eq!(http::post("http://a.example/p?q=a%20b").send().unwrap().text().unwrap(), "a b");
}

#[test]
#[should_panic(
    expected = "no answer is scripted for `GET http://a.example/b?c=d`: write `host.given(…).respond(…)` \
                           before the call. Scripted is:\n  GET /b, query c=e\n  GET /b (used up)"
)]
fn a_request_without_an_answer_says_what_is_scripted() {
    let host = Host::new();
    host.given(get("/b").query("c", "e")).respond(status(200));
    host.given(get("/b")).once().respond(status(200));
    http::get("http://a.example/b").send().unwrap();
    let _ = http::get("http://a.example/b?c=d").send();
}

#[test]
fn requests_that_are_in_flight_wait_together() {
    let host = Host::new();
    host.given(get("/a")).respond(status(200).delay(Duration::from_secs(2)));
    host.given(get("/b")).respond(status(200).delay(Duration::from_secs(3)));
    let before = time::monotonic();
    let (a, b) = (http::get("http://x.example/a").start(), http::get("http://x.example/b").start());
    a.unwrap().wait().unwrap();
    b.unwrap().wait().unwrap();
    assert_eq!(time::monotonic() - before, Duration::from_secs(3));
    assert_eq!(host.requests().len(), 2);
}

#[test]
fn a_redirect_is_followed_and_is_a_request_of_its_own() {
    let host = Host::new();
    host.given(get("/old")).respond(status(302).header("Location", "/new"));
    host.given(get("/new")).respond(text("here"));
    assert_eq!(http::get("http://a.example/old").send().unwrap().text().unwrap(), "here");
    assert_eq!(host.requests()[1].url, "http://a.example/new");
}

#[test]
fn a_plugin_has_the_secrets_that_it_names_and_the_log_says_so() {
    let host = Host::new();
    let settings = data_source("http://a.example").secret("password", "geheim");
    assert!(host.open::<Prices>(settings.clone()).unwrap().token.is_none());
    assert!(host.logs()[0].message.contains("`password` is not among the `secrets`"), "{:?}", host.logs());
    assert!(!format!("{settings:?}").contains("geheim"));
    let fault = host.open::<Prices>(app()).unwrap_err();
    assert_eq!(fault.status, 400);
}

#[test]
fn health_and_resources_are_called_as_the_host_calls_them() {
    let host = Host::new();
    let plugin = prices(&host);
    host.given(any()).once().respond(status(200));
    host.given(any()).respond(status(500));
    assert_eq!(plugin.check_health().unwrap().message, "fine");
    assert_eq!(plugin.check_health().unwrap_err().status, 500);

    host.header("X-Tenant", "t1");
    host.context(|context| context.feature_toggles.push("scenes".to_owned()));
    host.config(|config| config.app_url = Some("http://grafana.example/".to_owned()));
    let context = Context::default();
    assert!(context.is_enabled("scenes") && context.config().app_url.is_some());
    host.user(User { login: "ada".into(), name: "Ada".into(), email: String::new(), role: "Viewer".into() });
    let response = plugin.call_resource(ResourceRequest::get("/symbols/gold?x=1")).unwrap();
    assert_eq!(response.json::<Vec<String>>().unwrap(), ["gold", "ada", "t1"]);
    assert_eq!(response.header("content-type"), Some("application/json"));
    let missing = plugin.call_resource(ResourceRequest::get("lead")).unwrap();
    assert_eq!(
        (missing.status, missing.text().as_str()),
        (StatusCode::NOT_FOUND, r#"{"message":"there is no resource `GET lead`"}"#)
    );
    assert_eq!(plugin.call_resource(ResourceRequest::post("symbols/gold")).unwrap().status, 405);
    assert_eq!(plugin.call_resource(ResourceRequest::get("nothing")).unwrap().status, 200);
    assert_eq!(
        plugin.call_resource(ResourceRequest::post("half")).unwrap_err().message,
        "the rest is missing"
    );
}

#[test]
fn chunks_and_packets_are_recorded() {
    let host = Host::new();
    let plugin = prices(&host);
    host.given(any()).respond(super::json(&[1.0]));
    let (chunks, outcome) = plugin.query_chunked([query("B"), gold()]);
    let unfit = ChunkRecord::Fault {
        ref_id: "B".to_owned(),
        fault: Fault::bad_request("query B is not valid: `symbol` is missing at byte 1"),
    };
    let frame = Frame::new("prices").field("price", [1.0]);
    let sent = ChunkRecord::Frame { ref_id: "A".to_owned(), frame_id: "prices".to_owned(), frame };
    assert_eq!(chunks, [unfit, sent]);
    assert!(outcome.unwrap_err().message.contains("the refId or the frame's id is empty"));

    let unit = PacketRecord::Json(json!({ "unit": "EUR" }));
    assert_eq!(plugin.subscribe("gold").unwrap(), ReplyRecord::Accepted(Some(unit)));
    assert_eq!(plugin.subscribe("lead").unwrap(), ReplyRecord::Accepted(None));
    assert_eq!(plugin.publish("lead").unwrap(), ReplyRecord::PermissionDenied);
    let (packets, outcome) = plugin.run("gold", 2);
    let at = |minute: i64| {
        PacketRecord::Frame(
            Frame::new("now").time("time", [Time::from_unix_seconds(super::START + 60 * minute)]),
            Include::Data,
        )
    };
    assert_eq!(packets, [at(0), at(1)]);
    assert_eq!(outcome.unwrap_err().status, 499);
}

#[test]
fn the_cache_keeps_values_for_their_time() {
    let host = Host::new();
    let load = |value: u32| cache::get_or_load("key", || Ok((value, Duration::from_secs(60))));
    assert_eq!((load(1).unwrap(), load(2).unwrap()), (1, 1));
    host.advance(Duration::from_secs(60));
    assert_eq!(load(3).unwrap(), 3);
    let circular = cache::get_or_load("a", || {
        Ok((cache::get_or_load("a", || Ok((1, Duration::ZERO)))?, Duration::ZERO))
    });
    assert!(circular.unwrap_err().message.contains("would wait for itself"));
    assert_eq!(
        cache::get_or_load("a", || Ok((4, Duration::ZERO))).unwrap(),
        4,
        "the right to load was given back"
    );
    assert!(cache::set("big", &"x".repeat(2 << 20), Duration::MAX).is_err());
}

#[test]
fn spans_have_parents_events_and_a_status() {
    let host = Host::new();
    let outer = span!("outer");
    let inner = span!("inner", "a" = 1);
    inner.add_event("tried", attributes!("n" = 2));
    inner.error(&Fault::plugin("broken"));
    let context = outer.span_context();
    let apart = span::builder("apart").detached().start();
    assert_eq!(span::current().unwrap().span_id, inner.span_context().span_id);
    drop(outer);
    let child = span::builder("child").with_parent(inner.span_context()).start();
    drop(inner);
    assert_eq!(context.traceparent(), "00-0af7651916cd43dd8448eb211c80319c-0000000000000001-01");
    let spans = host.spans();
    assert_eq!(spans.iter().map(|span| span.parent).collect::<Vec<_>>(), [None, Some(0), Some(1), Some(1)]);
    let events: Vec<_> = spans[1].events.iter().map(|event| event.name.as_str()).collect();
    assert_eq!(events, ["tried", "exception"]);
    assert_eq!(spans[1].events[1].attributes["exception.message"], "broken");
    assert_eq!(spans[1].status, super::SpanStatus::Error("broken".to_owned()));
    assert!(spans[2].end.is_none() && spans[3].end.is_none());
    drop((apart, child));
    assert!(host.spans().iter().all(|span| span.end.is_some()));
}

#[test]
fn time_and_random_numbers_are_the_same_in_every_run() {
    let numbers = |seed: Option<u64>| {
        let host = Host::new();
        seed.iter().for_each(|seed| host.seed(*seed));
        (Time::now().to_string(), [(); 3].map(|()| random::number()))
    };
    assert_eq!(numbers(None).0, "2026-01-01T00:00:00Z");
    assert_eq!(numbers(None), numbers(None));
    assert_ne!(numbers(None).1, numbers(Some(1)).1);
    assert_ne!(Time::now().to_string(), "2026-01-01T00:00:00Z", "the host is gone");
}

#[test]
fn a_host_is_for_one_thread() {
    let _host = Host::new();
    std::thread::spawn(|| drop(Host::new())).join().unwrap();
    let second = std::panic::catch_unwind(Host::new).unwrap_err();
    let message = second.downcast_ref::<&str>().copied().unwrap_or_default();
    assert!(message.contains("this thread has a gpx_sdk::test::Host already"), "{message}");
}

#[test]
fn without_a_host_a_call_says_what_to_do_and_only_that_test_fails() {
    let told = |call: fn() -> bool| {
        let panic = std::panic::catch_unwind(call).unwrap_err();
        panic.downcast_ref::<String>().cloned().unwrap_or_default()
    };
    let remedy = "needs a host, and this thread has none: enable the feature `test` of gpx-sdk under \
                  [dev-dependencies], and begin the test with `let host = gpx_sdk::test::Host::new();`";
    assert_eq!(told(|| http::get("http://a.example").send().is_ok()), format!("a request {remedy}"));
    assert_eq!(told(|| cache::get::<u8>("a").is_some()), format!("the cache {remedy}"));
    assert_eq!(told(|| Context::default().user().is_some()), format!("the context of a call {remedy}"));
    assert_eq!(told(|| Context::default().header("a").is_some()), format!("a header of a call {remedy}"));
    assert_eq!(
        told(|| Context::default().time_left().is_some()),
        format!("the time that a call has left {remedy}")
    );

    // What only observes has no consequence.
    let span = span!("nobody sees it", "a" = 1);
    assert!(!span.is_recording() && span::current().is_none() && !Context::default().cancelled());
    log::warn!("on stderr", "a" = 1);
    READS.with(["nothing"]).inc();
    READS.register().unwrap();
    time::sleep(Duration::from_millis(1));
    assert_ne!(random::number(), random::number());
}
