//! Calls and streams that take too long, and what a test prints.

use std::time::Duration;

use serde_json::json;

use crate::http::{self, Cause};
use crate::stream::{Include, PacketSender, Reply};
use crate::test::{Host, Opened, any, data_source, failure, no_settings, status, text};
use crate::*;

/// Waits for an upstream, or for its stream's end.
struct Patient(String);

plugin!(Patient: diagnostics, stream);

impl Plugin for Patient {
    fn open(settings: Settings) -> Result<Self> {
        Ok(Self(settings.url().to_owned()))
    }
}

impl Diagnostics for Patient {
    fn check_health(&self, context: &Context) -> Result<Health> {
        let _span = span!("wait");
        let before = context.time_left();
        time::sleep(Duration::from_secs(2));
        let text = http::get(&self.0).send()?.text()?;
        Ok(Health::ok(format!("{text} {before:?} {:?}", context.time_left())))
    }
}

impl Stream for Patient {
    fn subscribe(&self, _: &Context, _: &stream::Request) -> Result<Reply> {
        time::sleep(Duration::from_secs(2));
        Ok(Reply::ok())
    }

    fn run(&self, context: &Context, request: &stream::Request, packets: &mut PacketSender) -> Result<()> {
        assert_eq!(context.time_left(), None, "a stream has no deadline");
        let pause = Duration::from_millis(request.json()?);
        while !context.cancelled() {
            if request.path == "loud" {
                packets.frame(Frame::new("now").time("time", [Time::now()]), Include::All)?;
            }
            time::sleep(pause);
        }
        Ok(())
    }
}

fn patient<'h>(host: &'h Host, timeout: serde_json::Value) -> Opened<'h, Patient> {
    let json = if timeout.is_null() { json!({}) } else { json!({ "timeout": timeout }) };
    host.open(data_source("http://a.example").json(&json)).unwrap()
}

fn seconds(host: &Host) -> i64 {
    host.now().unix_seconds() - crate::test::START
}

#[test]
fn a_call_ends_when_its_time_is_over() {
    let host = Host::new();
    host.time_limit(Duration::from_secs(3));
    host.given(any()).once().respond(text("in time").delay(Duration::from_secs(1)));
    host.given(any()).respond(text("late").delay(Duration::from_millis(1001)));
    let plugin = patient(&host, json!(null));
    assert_eq!(plugin.check_health().unwrap().message, "in time Some(3s) Some(0ns)");
    let fault = plugin.check_health().unwrap_err();
    let told = "the plugin did not answer within 3s; raise gpx_call_timeout if it needs more";
    assert_eq!((fault.status, fault.message.as_str()), (504, told));
    assert_eq!(seconds(&host), 6);
    assert_eq!(host.spans()[1].duration(), Some(Duration::from_secs(3)));
    // What the test calls itself is no call.
    time::sleep(Duration::from_secs(60));
    assert_eq!(Context::default().time_left(), Some(Duration::from_secs(3)));
    assert_eq!(seconds(&host), 66);
    assert_eq!(plugin.subscribe("x").unwrap(), crate::test::ReplyRecord::Accepted(None));
    host.time_limit(Duration::from_secs(1));
    assert_eq!(plugin.subscribe("x").unwrap_err().status, 504);
}

#[test]
fn a_panic_of_the_plugin_is_the_tests_and_ends_its_call() {
    let host = Host::new();
    let plugin = patient(&host, json!(null));
    let call = std::panic::AssertUnwindSafe(|| plugin.check_health());
    let panic = std::panic::catch_unwind(call).unwrap_err();
    assert!(panic.downcast_ref::<String>().unwrap().starts_with("no answer is scripted"));
    assert!(host.span("wait").end.is_some());
    host.time_limit(Duration::from_secs(1));
    time::sleep(Duration::from_secs(2));
}

#[test]
fn a_data_source_waits_for_thirty_seconds_or_what_it_says() {
    for (timeout, delay, passes) in [
        (json!(null), 30, true),
        (json!(null), 31, false),
        (json!(5), 5, true),
        (json!(5.9), 6, false),
        (json!(0), 1000, true),
        (json!(-1), 1000, true),
        (json!("5"), 1000, true),
    ] {
        let told = format!("{timeout} {delay}");
        let host = Host::new();
        host.given(any()).once().respond(text("").delay(Duration::from_secs(delay)));
        host.given(any()).once().respond(text("").body_delay(Duration::from_secs(delay)));
        host.given(any()).once().respond(failure(Cause::Reset).delay(Duration::from_secs(delay)));
        let plugin = patient(&host, timeout);
        assert_eq!(plugin.check_health().is_ok(), passes, "{told}");
        let body = plugin.check_health();
        let expected = if passes { None } else { Some((504, Source::Downstream)) };
        assert_eq!(body.err().map(|fault| (fault.status, fault.source)), expected, "{told}");
        let status = if passes { 500 } else { 504 };
        assert_eq!(plugin.check_health().unwrap_err().status, status, "{told}");
    }
    let host = Host::new();
    host.given(any()).respond(text("").body_delay(Duration::from_secs(3)));
    let response = http::get("http://a.example").timeout(Duration::from_secs(2)).send().unwrap();
    assert_eq!(seconds(&host), 0);
    assert!(response.text().unwrap_err().is_timeout());
    assert_eq!(seconds(&host), 2);
}

#[test]
fn a_stream_ends_with_its_last_subscriber() {
    let run = |path: &str, pause: u64, packets: usize, limit: Option<u64>| {
        let host = Host::new();
        limit.into_iter().for_each(|seconds| host.time_limit(Duration::from_secs(seconds)));
        let plugin = host.open::<Patient>(no_settings()).unwrap();
        let request = stream::Request { path: path.to_owned(), data: pause.to_string().into() };
        let (packets, outcome) = plugin.run(request, packets);
        let millis = host.now().unix_millis() - 1000 * crate::test::START;
        (packets.len(), outcome.map_err(|fault| fault.status), millis)
    };
    // It looks in time whether somebody is there, or it is dropped after 50 ms.
    assert_eq!(run("loud", 50, 2, None), (2, Ok(()), 100));
    assert_eq!(run("loud", 51, 2, None), (2, Err(499), 101));
    assert_eq!(run("loud", 1, 0, None), (0, Ok(()), 0));
    assert_eq!(run("quiet", 1000, 1, None), (0, Ok(()), 3_600_000));
    assert_eq!(run("quiet", 7000, 1, Some(20)), (0, Err(499), 20_050));
}

#[test]
fn what_happens_is_a_line_each() {
    let host = Host::new();
    host.given(any()).respond(status(503));
    let template = |template: crate::test::ResponseTemplate| template.to_string();
    assert_eq!(template(status(503)), "503");
    assert_eq!(template(status(200).delay(Duration::from_millis(1500))), "200 after 1.5s");
    assert_eq!(template(failure(Cause::Refused)), "a failure (connection refused)");
    let span = span!("read", "a" = "b", "n" = 1);
    span.error(&Fault::plugin("broken"));
    time::sleep(Duration::from_secs(3));
    drop(span);
    assert_eq!(host.span("read").to_string(), "span: read a=\"b\" n=1 (error: broken), 3s");
    http::post("http://a.example").body("ü").send().unwrap();
    let request = format!("{:?}", host.requests()[0]);
    assert!(request.contains("body: \"ü\", span: None, own_span: None"), "{request}");
}

#[test]
#[should_panic(expected = "there is no log line `b`, only [\"a\"]")]
fn a_log_line_that_is_missing_is_told_with_those_that_are_there() {
    let host = Host::new();
    log::info!("a", "n" = 1);
    assert_eq!(host.log("a").attributes["n"], 1);
    let _ = host.log("b");
}
