//! Deadlines and the end of the process in whatever phase a call is.

use std::collections::HashSet;
use std::time::Duration;

use bytes::Bytes;
use gpx_tests::collector::Collector;
use gpx_tests::grafana::{DataSource, query};
use gpx_tests::plugin::Plugin;
use gpx_tests::trace::{TRACE, TRACEPARENT};
use gpx_tests::upstream::{Answer, Gate, Upstream, points};
use serde_json::json;
use tonic::{Code, Status};

const SOON: Duration = Duration::from_millis(300);

/// Checks that the caller's deadline ended the call. On a busy machine it may be broken off before it can say more.
fn assert_late(status: &Status) {
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert!(status.message().contains("the caller's"), "{status}");
}

async fn assert_counted(plugin: &Plugin, endpoint: &str, status: &str, source: &str, count: u32) {
    let metrics = plugin.metrics().await.unwrap();
    let labels = format!(r#"endpoint="{endpoint}",status="{status}",status_source="{source}""#);
    let line = format!("grafana_plugin_request_total{{{labels}}} {count}");
    assert!(metrics.lines().any(|found| found == line), "no {line} in\n{metrics}");
}

#[gpx_tests::test]
async fn an_upstream_is_to_blame_for_a_late_call_whichever_query_waited_for_it() {
    let upstream = Upstream::always(Answer::json(points(1)).after(&Gate::closed())).await;
    let plugin = Plugin::guest("probe").setting("gpx_instances_max", "1").start().await;
    let source = DataSource::new(&upstream.url());
    let waiting = || query("waits").kind("sleep-on-upstream").json(json!({ "url": upstream.url() }));
    plugin.query(&source, [query("A").kind("count")]).await.unwrap();
    // In the end it has the one instance, and those that were not quick enough wait for it.
    let count = |name: &str| query(name).kind("count");
    let orders = [[waiting(), count("B"), count("C")], [count("A"), count("B"), waiting()]];
    for (number, queries) in (1..).zip(orders) {
        assert_late(&plugin.query(&source, queries).deadline(SOON).await.unwrap_err());
        assert_counted(&plugin, "queryData", "error", "downstream", number).await;
    }
    assert!(!plugin.logs.mention("gpx_call_timeout"), "{}", plugin.logs);
}

#[gpx_tests::test]
async fn an_upstream_whose_answer_stalls_is_to_blame_for_a_late_call() {
    let half = Bytes::from(points(100).to_string());
    let upstream = Upstream::always(Answer::StallMidBody(half)).await;
    let plugin = Plugin::guest("probe").start().await;
    let source = DataSource::new(&upstream.url());
    plugin.query(&source, [query("A").kind("count")]).await.unwrap();
    let query = query("A").kind("sleep-on-upstream").json(json!({ "url": upstream.url() }));
    assert_late(&plugin.query(&source, [query]).deadline(SOON).await.unwrap_err());
    assert_counted(&plugin, "queryData", "error", "downstream", 1).await;
    upstream.wait_for(|request| request.aborted).await;
}

#[gpx_tests::test]
async fn an_upstream_is_to_blame_for_a_late_health_check() {
    let upstream = Upstream::always(Answer::json(points(1)).after(&Gate::closed())).await;
    let plugin = Plugin::packaged("http-backend").start().await;
    let source = DataSource::new(&upstream.url());
    plugin.resource(&source, "POST", "echo", "").await.unwrap();
    assert_late(&plugin.health(&source).deadline(SOON).await.unwrap_err());
    assert_counted(&plugin, "checkHealth", "error", "downstream", 1).await;
}

#[gpx_tests::test]
async fn a_resource_call_that_nobody_reads_ends_at_gpx_call_timeout() {
    let plugin = Plugin::guest("probe").setting("gpx_call_timeout", "300ms").start().await;
    let source = DataSource::new("");
    let stream = plugin.resource_stream(&source, "GET", "large-chunks", "").await.unwrap();
    let line = plugin.logs.wait_for_message("Plugin Request Completed").await;
    let text = "the plugin did not answer within 300ms; raise gpx_call_timeout if it needs more";
    assert_eq!((line.text("status"), line.text("error")), ("error", text), "{line}");
    drop(stream);
}

#[gpx_tests::test]
async fn shutdown_ends_every_call_and_loses_no_span_whatever_it_is_doing() {
    let upstream = Upstream::always(Answer::json(points(1)).after(&Gate::closed())).await;
    let collector = Collector::start().await;
    let launch = Plugin::guest("probe").setting("gpx_instances_max", "2").setting("gpx_cpu_timeout", "30m");
    let mut plugin = launch.tracing(&collector.address()).start().await;
    let (waiting, busy, encoding) =
        (DataSource::new(&upstream.url()), DataSource::new(""), DataSource::new(""));
    let upstreams = || query("A").kind("sleep-on-upstream").json(json!({ "url": upstream.url() }));
    let start = |source: &DataSource, queries: Vec<gpx_tests::grafana::Query>| {
        tokio::spawn(plugin.query(source, queries).traceparent(TRACEPARENT).into_future())
    };
    // Two wait for the upstream, the others for an instance.
    let mut calls: Vec<_> = (0..20).map(|_| start(&waiting, vec![upstreams()])).collect();
    upstream.wait_for_requests(2).await;
    calls.push(start(&busy, vec![query("A").kind("loop"), query("B").kind("loop"), query("C").kind("loop")]));
    plugin.logs.wait_for_message("looping").await;
    calls.push(start(&encoding, vec![query("A").kind("big").json(json!({ "rows": 2_000_000 }))]));
    let call =
        plugin.resource_stream(&DataSource::new(""), "GET", "large-chunks", "").traceparent(TRACEPARENT);
    let stream = call.await.unwrap();
    let count = calls.len();
    let of_stream = |line: &gpx_tests::logs::Line| line.text("endpoint") == "callResource";
    plugin.logs.wait_for(of_stream).await;
    let of_encoding = |line: &gpx_tests::logs::Line| line.text("dsUid") == encoding.settings.uid;
    plugin.logs.wait_for(of_encoding).await;
    plugin.shutdown().await;
    assert_eq!(plugin.exit().await.code(), Some(0));
    for call in calls {
        let status = call.await.unwrap().unwrap_err();
        assert_eq!((status.code(), status.message()), (Code::Cancelled, "the plugin is being stopped"));
    }
    drop(stream);
    // The process has ended: nothing more can arrive.
    let spans: Vec<_> = collector.spans().into_iter().filter(|span| span.trace_id == TRACE).collect();
    let named = |name: &str| spans.iter().filter(|span| span.name == name).count();
    assert_eq!((named("pluginv2.Data/QueryData"), named("sdk.queryData")), (count, count));
    // Others may get the instances of those that are cancelled first, for a moment.
    assert!(named("waiting for the upstream") >= 2 && named("HTTP Outgoing Request") >= 2, "{spans:?}");
    assert_eq!((named("pluginv2.Resource/CallResource"), named("sdk.callResource")), (1, 1));
    for span in spans.iter().filter(|span| span.name.starts_with("sdk.")) {
        let told = (span.text("request_status"), span.text("status_source"));
        assert_eq!(told, ("cancelled".into(), "downstream".into()), "{span:?}");
    }
    let ids: HashSet<_> = spans.iter().map(|span| &span.span_id).collect();
    let orphans: Vec<_> = spans.iter().filter(|span| !ids.contains(&span.parent_id)).collect();
    assert_eq!(orphans.len(), count + 1, "only server spans have a parent elsewhere: {orphans:?}");
}
