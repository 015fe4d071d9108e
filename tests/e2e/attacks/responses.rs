//! A call ends completely: with it end its requests, its responses, and a resource's answer that nobody reads.

use gpx_tests::grafana::{DataSource, query};
use gpx_tests::logs::Line;
use gpx_tests::plugin::Plugin;
use gpx_tests::upstream::{Answer, Gate, Upstream, points};
use serde_json::json;
use tokio::task::JoinSet;
use tonic::Code;

use super::siege::{Siege, assert_told};
use crate::data_source::count;

#[gpx_tests::test]
async fn forgotten_responses_change_nothing_for_the_next_call() {
    let large = "x".repeat(1 << 20);
    let upstream = Upstream::start(move |request| match request.path.as_str() {
        "/large" => Answer::text("text/plain", &large),
        "/stalled" => Answer::StallMidBody("stalled".into()),
        _ => Answer::json(points(1)),
    })
    .await;
    let plugin = Plugin::guest("probe").start().await;
    // Seconds until a request fails: those after the attack must not come to that.
    let source = DataSource::new(&upstream.url()).json(json!({ "timeout": 5 }));
    count(&plugin, &source).await;
    let descriptors = plugin.process().descriptors();
    for path in ["/large", "/stalled"] {
        let model = json!({ "url": upstream.url() + path, "count": 100 });
        let reply = plugin.query(&source, [query("A").kind("responses").json(model)]).await.unwrap();
        // All hundred, or as many as a call may hold.
        if !reply.answer("A").error.is_empty() {
            assert_told(&reply.answer("A").error, &[]);
        }
        let fetch = query("A").kind("fetch").json(json!({ "url": upstream.url() }));
        let reply = plugin.query(&source, [fetch]).await.unwrap();
        assert_eq!(reply.answer("A").error, "", "after {path}");
    }
    while plugin.process().descriptors() > descriptors + 8 {
        count(&plugin, &source).await;
    }
}

#[gpx_tests::test]
async fn forgotten_requests_are_aborted_with_their_call() {
    let (never, gate) = (Gate::closed(), Gate::closed());
    let upstream = Upstream::start({
        let (never, gate) = (never.clone(), gate.clone());
        move |request| Answer::json(points(1)).after(if request.path == "/hold" { &gate } else { &never })
    })
    .await;
    let plugin = Plugin::guest("probe").start().await;
    // Seconds: they do not end by themselves.
    let source = DataSource::new(&upstream.url()).json(json!({ "timeout": 300 }));
    let model = json!({ "url": upstream.url(), "count": 50, "hold": upstream.url() + "/hold" });
    let call = tokio::spawn(plugin.query(&source, [query("A").kind("pending").json(model)]).into_future());
    upstream.wait_for_requests(51).await;
    gate.open();
    assert_eq!(call.await.unwrap().unwrap().answer("A").error, "");
    let open = || upstream.requests().iter().filter(|request| !request.answered && !request.aborted).count();
    while open() > 0 {
        count(&plugin, &source).await;
    }
}

#[gpx_tests::test]
async fn readers_that_do_not_read_do_not_keep_a_data_source_from_answering() {
    let launch = Plugin::guest("probe").setting("gpx_instances_max", "32");
    let mut plugin = launch.setting("gpx_call_timeout", "2s").start().await;
    let source = DataSource::new("");
    let mut streams = Vec::new();
    for _ in 0..32 {
        streams.push(plugin.resource_stream(&source, "GET", "large-chunks", "").await.unwrap());
    }
    let began = |line: &Line| line.message == "Plugin Request Started";
    plugin.logs.wait_for_lines(32, began).await;
    // What is not read uses up the flow control of its connection, which is the caller's own affair.
    plugin.reconnect().await;
    // Each may come to the end of its own time while all instances are in use.
    loop {
        let reply = plugin.query(&source, [query("A").kind("count")]).await.unwrap();
        match reply.answer("A").status {
            200 => break,
            status => assert_eq!(status, 504, "{}", reply.answer("A").error),
        }
    }
    // All at once, since they share the connection's flow control.
    let ends = streams.into_iter().map(|mut stream| async move {
        loop {
            match stream.message().await {
                Ok(Some(_)) => {}
                Ok(None) => panic!("the stream ended as if it were complete"),
                Err(status) => return status,
            }
        }
    });
    for status in ends.collect::<JoinSet<_>>().join_all().await {
        assert_told(status.message(), &["gpx_call_timeout", "2s"]);
    }
}

#[gpx_tests::test]
async fn chunks_that_nobody_reads_are_memory() {
    let mut siege = Siege::of_probe().await;
    // A queue of small chunks without a bound needs some time to fill all memory.
    for (path, body, rounds) in [("one-chunk", "8000000", 1), ("large-chunks", "", 30)] {
        let mut streams = Vec::new();
        // So few that memory is left for others: these keep theirs until their deadline.
        for _ in 0..3 {
            let call = siege.plugin.resource_stream(&DataSource::new(""), "GET", path, body);
            streams.push(tokio::spawn(call.into_future()));
        }
        siege.plugin.reconnect().await;
        for _ in 0..rounds {
            siege.others_are_answered_often().await;
        }
        for stream in streams {
            // A chunk that does not fit is refused; the others wait for their reader, who leaves.
            stream.abort();
        }
    }
    siege.over().await;
}

#[gpx_tests::test]
async fn a_long_late_fault_is_cut_and_ends_no_other_call() {
    let gate = Gate::closed();
    let upstream = Upstream::always(Answer::json(points(1)).after(&gate)).await;
    let plugin = Plugin::guest("probe").start().await;
    let (source, other) = (DataSource::new(""), DataSource::new(&upstream.url()));
    let waiting = query("A").kind("sleep-on-upstream").json(json!({ "url": upstream.url() }));
    let waiting = tokio::spawn(plugin.query(&other, [waiting]).into_future());
    upstream.wait_for_requests(1).await;
    let call = plugin.resource_stream(&source, "GET", "long-late-fault", "20000000");
    let mut stream = call.await.unwrap();
    let status = loop {
        match stream.message().await {
            Ok(message) => assert!(message.is_some(), "the stream ended without an error"),
            Err(status) => break status,
        }
    };
    assert_eq!(status.code(), Code::Unknown, "{status:.1000}");
    assert_told(status.message(), &["xxx"]);
    gate.open();
    assert_eq!(waiting.await.unwrap().unwrap().answer("A").error, "", "it is not affected");
}
