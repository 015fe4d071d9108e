//! Limits: a call that floods, loops or grows fails without affecting others.

use std::time::Duration;

use bytes::Bytes;
use gpx_tests::both::{self, Both};
use gpx_tests::grafana::{DataSource, query};
use gpx_tests::plugin::Plugin;
use gpx_tests::proto::pluginv2::QueryDataResponse;
use gpx_tests::trace::{TRACE, TRACEPARENT};
use gpx_tests::upstream::{Answer, Gate, Upstream, points};
use serde_json::json;
use tonic_prost::ProstCodec;

use crate::data_source::count;

#[gpx_tests::test]
async fn others_are_answered_while_loops_run() {
    // The loops would run for longer than the test may take.
    let plugin = Plugin::guest("probe").setting("gpx_cpu_timeout", "30m").start().await;
    let (looping, other) = ([0; 3].map(|_| DataSource::new("")), DataSource::new(""));
    let loops = looping
        .each_ref()
        .map(|source| tokio::spawn(plugin.query(source, [query("A").kind("loop")]).into_future()));
    for source in &looping {
        let of_loop = |line: &gpx_tests::logs::Line| {
            line.message == "looping" && line.text("dsUid") == source.settings.uid
        };
        plugin.logs.wait_for(of_loop).await;
    }
    for calls in 1..=20 {
        assert_eq!(count(&plugin, &other).await, f64::from(calls));
    }
    assert!(loops.iter().all(|call| !call.is_finished()), "a loop ended too early");
}

#[gpx_tests::test]
async fn a_loop_ends_at_its_cpu_limit() {
    let plugin = Plugin::guest("probe").setting("gpx_cpu_timeout", "200ms").start().await;
    let source = DataSource::new("");
    assert_eq!(count(&plugin, &source).await, 1.0);
    let reply = plugin.query(&source, [query("A").kind("loop")]).await.unwrap();
    let text = "the plugin computed for more than 200ms; raise gpx_cpu_timeout if it needs more";
    assert_eq!(reply.answer("A").failure(), (504, "plugin", text));
    assert_eq!(count(&plugin, &source).await, 1.0, "the instance was discarded");
}

#[gpx_tests::test]
async fn a_callers_deadline_ends_a_loop() {
    let plugin = Plugin::guest("probe").setting("gpx_cpu_timeout", "30m").start().await;
    let source = DataSource::new("");
    assert_eq!(count(&plugin, &source).await, 1.0);
    let call = plugin.query(&source, [query("A").kind("loop")]);
    let status = call.deadline(Duration::from_millis(300)).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::DeadlineExceeded);
    assert_eq!(status.message(), "the plugin did not answer before the caller's deadline");
    let metrics = plugin.metrics().await.unwrap();
    let labels = r#"endpoint="queryData",status="error",status_source="plugin""#;
    assert!(metrics.contains(&format!("grafana_plugin_request_total{{{labels}}} 1")), "{metrics}");
    assert_eq!(count(&plugin, &source).await, 1.0, "the instance was discarded");
}

#[gpx_tests::test]
async fn an_instance_cannot_exceed_its_memory_limit() {
    let plugin = Plugin::guest("probe").setting("gpx_memory_max", "64").start().await;
    let source = DataSource::new("");
    let queries = [query("A").kind("allocate"), query("B").kind("count")];
    let reply = plugin.query(&source, queries).await.unwrap();
    let text = "the plugin needs more than 64 MiB; raise gpx_memory_max if that is expected";
    assert_eq!(reply.answer("A").failure(), (500, "plugin", text));
    assert_eq!(reply.answer("B").error, "");
}

#[gpx_tests::test]
async fn all_instances_together_cannot_exceed_the_total_memory_limit() {
    let plugin = Plugin::guest("probe").setting("gpx_memory_total", "64").start().await;
    let (source, other) = (DataSource::new(""), DataSource::new(""));
    assert_eq!(count(&plugin, &other).await, 1.0);
    let reply = plugin.query(&source, [query("A").kind("allocate")]).await.unwrap();
    let text = "all instances of the plugin together need more than 64 MiB; raise gpx_memory_total if that is expected";
    assert_eq!(reply.answer("A").failure(), (500, "plugin", text));
    assert_eq!(count(&plugin, &other).await, 1.0, "the other data source's idle instance made room");
}

#[gpx_tests::test]
async fn idle_instances_are_dropped_when_all_memory_is_used() {
    // If they were not dropped, the next call would wait for memory until it timed out.
    let launch = Plugin::guest("probe").setting("gpx_memory_total", "64");
    let plugin = launch.setting("gpx_call_timeout", "10s").start().await;
    let (source, other) = (DataSource::new(""), DataSource::new(""));
    let reply = plugin.query(&source, [query("A").kind("hoard")]).await.unwrap();
    assert_eq!(reply.answer("A").error, "");
    assert_eq!(count(&plugin, &source).await, 2.0, "the instance is reused, with its memory");
    assert_eq!(count(&plugin, &other).await, 1.0);
    assert_eq!(count(&plugin, &source).await, 1.0, "the idle instance was dropped");
}

#[gpx_tests::test]
async fn calls_wait_for_a_free_instance() {
    let gate = Gate::closed();
    let upstream = Upstream::always(Answer::json(points(1)).after(&gate)).await;
    let plugin = Plugin::guest("probe").setting("gpx_instances_max", "2").start().await;
    let (source, other) = (DataSource::new(&upstream.url()), DataSource::new(""));
    let waiting = || query("A").kind("sleep-on-upstream").json(json!({ "url": upstream.url() }));
    let first = tokio::spawn(plugin.query(&source, [waiting()]).into_future());
    let second = tokio::spawn(plugin.query(&source, [waiting()]).into_future());
    upstream.wait_for_requests(2).await;

    let third = plugin.query(&source, [query("A").kind("count")]).traceparent(TRACEPARENT);
    let third = tokio::spawn(third.into_future());
    let began = |line: &gpx_tests::logs::Line| {
        line.message == "Plugin Request Started" && line.text("traceId") == TRACE
    };
    plugin.logs.wait_for(began).await;
    assert_eq!(count(&plugin, &other).await, 1.0, "another data source does not wait");
    assert!(!third.is_finished(), "there is a third instance");
    gate.open();
    for call in [first, second] {
        assert_eq!(call.await.unwrap().unwrap().answer("A").error, "");
    }
    let reply = third.await.unwrap().unwrap();
    assert_eq!(reply.frame("A").field("calls").numbers(), [2.0], "it used one of the two");
}

#[gpx_tests::test]
async fn grafana_says_how_many_queries_run_concurrently() {
    let plugin = Plugin::guest("probe").start().await;
    for (said, at_once) in [(Some("2"), 2), (None, 10), (Some("0"), 10)] {
        let gate = Gate::closed();
        let upstream = Upstream::always(Answer::json(points(1)).after(&gate)).await;
        let mut source = DataSource::new(&upstream.url());
        if let Some(count) = said {
            source = source.grafana("GF_CONCURRENT_QUERY_COUNT", count);
        }
        let model = json!({ "url": upstream.url() });
        let wait = |name: i32| query(&name.to_string()).kind("sleep-on-upstream").json(model.clone());
        let call = tokio::spawn(plugin.query(&source, (0..12).map(wait)).into_future());
        upstream.wait_for_requests(at_once).await;
        // If one more had started with them, its request would have arrived by the time that these are answered.
        let other = DataSource::new("");
        for calls in 1..=3 {
            assert_eq!(count(&plugin, &other).await, f64::from(calls));
        }
        assert_eq!(upstream.requests().len(), at_once, "Grafana says {said:?}");
        gate.open();
        let reply = call.await.unwrap().unwrap();
        let answered = reply.responses.values().filter(|answer| answer.error.is_empty());
        assert_eq!((answered.count(), upstream.requests().len()), (12, 12));
    }
}

#[gpx_tests::test]
async fn a_request_of_more_than_16_mib_is_refused_as_in_go() {
    let upstream = Upstream::points(1).await;
    let plugin = Plugin::packaged("http-backend").start().await;
    let source = DataSource::new(&upstream.url());
    let large = Bytes::from(vec![b' '; 17 << 20]);
    let status = plugin.query(&source, [query("A").raw(large)]).await.unwrap_err();
    // Grafana maps this code, and no other, to a message about the size.
    assert_eq!(status.code(), tonic::Code::ResourceExhausted, "{status}");
    assert_eq!(plugin.query(&source, [query("A")]).await.unwrap().frame("A").rows(), 1);
}

#[gpx_tests::test]
async fn the_headers_of_a_call_are_as_long_as_in_go_and_its_metadata_has_a_mebibyte() {
    let Some(mut both) = Both::start(json!({})).await else { return };
    let upstream = Upstream::points(1).await;
    let source = DataSource::new(&upstream.url());
    let nothing = || json!({});
    // With room for the call's other metadata.
    let much = |bytes: usize| json!({ "x-large": "x".repeat(bytes - 4096) });
    for (what, headers, metadata, code) in [
        ("a cookie", json!({ "Cookie": format!("a={}", "x".repeat(8 << 20)) }), nothing(), ""),
        ("much", nothing(), much(1 << 20), ""),
        ("more", nothing(), much((1 << 20) + 8192), "Internal"),
        ("nothing", nothing(), nothing(), ""),
    ] {
        let mut call = both::call(&source, json!({ "url": upstream.url() }));
        (call["headers"], call["metadata"]) = (headers, metadata);
        let theirs = both.theirs.get("query", call.clone()).await;
        assert_eq!(theirs["responses"]["A"]["status"], 200, "{what}");
        match both.ours.ask("query", call).await {
            Ok(ours) => assert_eq!((&ours["responses"]["A"]["status"], code), (&json!(200), ""), "{what}"),
            Err(error) => assert_eq!(error["code"], code, "{what}: {error}"),
        }
    }
    both.end().await;
}

#[gpx_tests::test]
async fn ten_thousand_queries_in_one_request() {
    let plugin = Plugin::guest("probe").start().await;
    let queries = (0..10_000).map(|number| query(&format!("Q{number}")).kind("count"));
    let reply = plugin.query(&DataSource::new(""), queries).await.unwrap();
    assert_eq!(reply.responses.len(), 10_000);
    let failed = reply.responses.values().find(|answer| !answer.error.is_empty() || answer.frames.len() != 1);
    assert!(failed.is_none(), "{failed:?}");
}

#[gpx_tests::test]
async fn a_request_without_queries() {
    let plugin = Plugin::guest("probe").start().await;
    let reply = plugin.query(&DataSource::new(""), []).await.unwrap();
    assert!(reply.responses.is_empty());
}

#[gpx_tests::test]
async fn a_request_without_a_context_or_a_time_range() {
    let plugin = Plugin::guest("probe").start().await;
    let call = plugin.query(&DataSource::new(""), [query("A").kind("count")]);
    let status = call.with(|request| request.plugin_context = None).await.unwrap_err();
    assert_eq!(
        (status.code(), status.message()),
        (tonic::Code::Unknown, "the request has no plugin context")
    );
    let call = plugin.query(&DataSource::new(""), [query("A").kind("count")]);
    let reply = call.with(|request| request.queries[0].time_range = None);
    // Go panics here.
    assert_eq!(reply.await.unwrap().frame("A").field("calls").numbers(), [1.0]);
    assert_eq!(count(&plugin, &DataSource::new("")).await, 1.0, "the next call works");
}

#[gpx_tests::test]
async fn a_request_in_an_unknown_format() {
    let plugin = Plugin::guest("probe").start().await;
    let call = plugin.query(&DataSource::new(""), [query("A").kind("count")]);
    let status = call.with(|request| request.format = 7).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::Unknown, "{status}");
    assert_eq!(status.message(), "unsupported data frame format 7");
}

/// Parts of a `QueryDataRequest` whose texts can be any bytes.
#[derive(Clone, PartialEq, prost::Message)]
struct RawRequest {
    #[prost(message, repeated, tag = "3")]
    queries: Vec<RawQuery>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct RawQuery {
    #[prost(bytes = "vec", tag = "1")]
    ref_id: Vec<u8>,
}

#[gpx_tests::test]
async fn a_request_that_is_not_utf_8_has_a_status_and_a_sentence() {
    let plugin = Plugin::guest("probe").start().await;
    let mut client = tonic::client::Grpc::new(plugin.channel.clone());
    let path = "/pluginv2.Data/QueryData".parse().unwrap();
    let codec = ProstCodec::<RawRequest, QueryDataResponse>::default();
    let request = RawRequest { queries: vec![RawQuery { ref_id: vec![0xff, 0xfe] }] };
    client.ready().await.unwrap();
    let status = client.unary(tonic::Request::new(request), path, codec).await.unwrap_err();
    // As in Go.
    assert_eq!(status.code(), tonic::Code::Internal, "{status}");
    assert!(status.message().contains("UTF-8"), "{status}");
    assert_eq!(
        plugin.query(&DataSource::new(""), [query("A").kind("count")]).await.unwrap().responses.len(),
        1
    );
}
