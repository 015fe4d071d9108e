//! A call ends completely: what it has asked upstreams for is gone, however the call ends.

use std::time::Duration;

use gpx_tests::grafana::{DataSource, query};
use gpx_tests::plugin::Plugin;
use gpx_tests::upstream::{Answer, Gate, Request, Upstream, points};
use serde_json::json;

use crate::data_source::count;

/// How many requests a call makes that no upstream answers.
const REQUESTS: usize = 50;

/// How a call of a component ends that has made them.
enum End {
    /// It returns, traps or loops once all have arrived.
    Does(&'static str),
    /// Its caller's time runs out.
    Late,
    /// Its caller leaves.
    Cancelled,
}

/// Ends a call that way, and waits until the plugin has closed all that the call had open.
async fn assert_closed(end: End) {
    let (never, gate) = (Gate::closed(), Gate::closed());
    let upstream = Upstream::start({
        let (never, gate) = (never.clone(), gate.clone());
        move |request| Answer::json(points(1)).after(if request.path == "/hold" { &gate } else { &never })
    })
    .await;
    let plugin = Plugin::guest("probe").setting("gpx_cpu_timeout", "500ms").start().await;
    // Seconds: the requests do not end by themselves.
    let source = DataSource::new(&upstream.url()).json(json!({ "timeout": 300 }));
    count(&plugin, &source).await;
    let descriptors = plugin.process().descriptors();
    let then = if let End::Does(then) = end { then } else { "" };
    let model =
        json!({ "url": upstream.url(), "count": REQUESTS, "hold": upstream.url() + "/hold", "then": then });
    let call = plugin.query(&source, [query("A").kind("pending").json(model)]);
    let call = if let End::Late = end { call.deadline(Duration::from_secs(4)) } else { call };
    let call = tokio::spawn(call.into_future());
    upstream.wait_for_requests(REQUESTS + 1).await;
    match end {
        End::Does(then) => {
            gate.open();
            let reply = call.await.unwrap().unwrap();
            assert_eq!(reply.answer("A").error.is_empty(), then.is_empty(), "{}", reply.answer("A").error);
        }
        End::Late => {
            let status = call.await.unwrap().unwrap_err();
            assert_eq!(status.code(), tonic::Code::DeadlineExceeded, "{status}");
        }
        End::Cancelled => call.abort(),
    }
    let is_open = |request: &&Request| !request.answered && !request.aborted;
    // Beside them, one idle connection may be left.
    while upstream.requests().iter().filter(is_open).count() > 0
        || plugin.process().descriptors() > descriptors + 1
    {
        count(&plugin, &source).await;
    }
    let answered = upstream.requests().iter().filter(|request| request.answered).count();
    assert_eq!(answered, usize::from(matches!(end, End::Does(_))), "nobody waited for the others' answers");
}

#[gpx_tests::test]
async fn requests_are_closed_when_their_call_returns() {
    assert_closed(End::Does("")).await;
}

#[gpx_tests::test]
async fn requests_are_closed_when_their_call_traps() {
    assert_closed(End::Does("trap")).await;
}

#[gpx_tests::test]
async fn requests_are_closed_when_the_processor_time_of_their_call_is_used_up() {
    assert_closed(End::Does("loop")).await;
}

#[gpx_tests::test]
async fn requests_are_closed_when_their_call_times_out() {
    assert_closed(End::Late).await;
}

#[gpx_tests::test]
async fn requests_are_closed_when_their_call_is_cancelled() {
    assert_closed(End::Cancelled).await;
}

#[gpx_tests::test]
async fn a_response_of_one_call_cannot_be_read_in_the_next() {
    let upstream = Upstream::always(Answer::text("text/plain", &"the whole text ".repeat(8000))).await;
    let plugin = Plugin::guest("probe").start().await;
    let source = DataSource::new(&upstream.url());
    let keep = query("A").kind("response-kept").json(json!({ "url": upstream.url() }));
    assert_eq!(plugin.query(&source, [keep]).await.unwrap().answer("A").error, "");
    // The same instance, which still has the handles.
    let reply = plugin.query(&source, [query("A").kind("response-read").json(json!({}))]).await.unwrap();
    let text = reply.frame("A").field("text").values[0].as_str().unwrap().to_owned();
    let is_over = "the call that this request belongs to is over";
    assert!(text.starts_with(": ") && text.contains(is_over), "{text:.200}");
}
