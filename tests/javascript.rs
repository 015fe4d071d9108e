//! The example `javascript`: a component in a language that has no SDK here, made of the contract alone. Only the full run
//! builds it, with tools from npm.

use gpx_tests::collector::Collector;
use gpx_tests::grafana::{DataSource, query};
use gpx_tests::plugin::Plugin;
use gpx_tests::proto::pluginv2::check_health_response::HealthStatus;
use gpx_tests::proto::pluginv2::subscribe_stream_response::Status;
use gpx_tests::trace::{OnlySpan as _, TRACE, TRACEPARENT};
use gpx_tests::upstream::{Answer, Upstream};
use serde_json::json;

async fn upstream() -> Upstream {
    Upstream::always(Answer::json(json!({ "value": 2 }))).await
}

#[gpx_tests::test]
async fn a_query_is_answered_and_traced() {
    let (upstream, collector) = (upstream().await, Collector::start().await);
    let plugin = Plugin::javascript().tracing(&collector.address()).start().await;
    let source = DataSource::new(&upstream.url()).basic_auth("ada", "hunter2");
    let asked = [query("A").json(json!({ "factor": 3 }))];
    let reply = plugin.query(&source, asked).traceparent(TRACEPARENT).await.unwrap();
    let answer = reply.answer("A");
    assert_eq!((answer.status, answer.error.as_str()), (200, ""));
    let frame = reply.frame("A");
    assert_eq!((frame.name.as_str(), frame.field("time").item.as_str()), ("value", "time.Time"));
    assert_eq!(frame.field("value").numbers(), [6.0]);
    let asked = upstream.requests();
    assert!(asked[0].header("authorization").is_some(), "the host has added the credentials");
    assert!(plugin.stop().await.success());
    let trace = collector.wait_for_trace(TRACE, |trace| trace.has(&["pluginv2.Data/QueryData"])).await;
    assert_eq!(
        trace.path(trace.span("HTTP Outgoing Request")),
        ["pluginv2.Data/QueryData", "sdk.queryData", "read", "HTTP Outgoing Request"]
    );
    assert_eq!(trace.span("read").text("query.ref_id"), "A");
}

#[gpx_tests::test]
async fn faults_are_told_and_the_instance_goes_on() {
    let plugin = Plugin::javascript().start().await;
    let refusing = Upstream::always(Answer::status(500)).await;
    let source = DataSource::new(&refusing.url());
    let reply = plugin.query(&source, [query("A"), query("B").raw("{")]).await.unwrap();
    let text = format!("{} answered with status 500", refusing.url());
    assert_eq!(reply.answer("A").failure(), (502, "downstream", text.as_str()));
    let (status, source_of_it, text) = reply.answer("B").failure();
    assert!(text.starts_with("this is not JSON: "), "{text}");
    assert_eq!((status, source_of_it), (400, "plugin"));
    let line = plugin.logs.wait_for(|line| line.message.contains("answered with status 500")).await;
    assert_eq!((line.level.as_str(), line.text("query.ref_id")), ("warn", "A"));
    assert_eq!(plugin.health(&source).await.unwrap().status(), HealthStatus::Error);

    // Each of these has a span and a request. None of their handles may be left.
    let upstream = upstream().await;
    let source = DataSource::new(&upstream.url());
    for _ in 0..300 {
        let reply = plugin.query(&source, [query("A")]).await.unwrap();
        assert_eq!(reply.frame("A").field("value").numbers(), [2.0]);
    }
    assert_eq!(plugin.health(&source).await.unwrap().message, "The service answers");
    let metrics = plugin.metrics().await.unwrap();
    assert!(!metrics.contains("gpx_traps_total{"), "nothing has trapped: {metrics}");
}

#[gpx_tests::test]
async fn a_resource_is_answered_in_chunks() {
    let plugin = Plugin::javascript().start().await;
    let source = DataSource::new("");
    let answer = plugin.resource(&source, "POST", "greet", r#"{"name":"grün"}"#).await.unwrap();
    assert_eq!((answer.status, answer.text().as_str()), (200, "hello grün, from ada"));
    assert_eq!((answer.pieces.len(), &answer.headers["content-type"]), (2, &vec!["text/plain".to_owned()]));
    let answer = plugin.resource(&source, "GET", "else", "").await.unwrap();
    assert_eq!(
        (answer.status, answer.text().as_str()),
        (404, r#"{"message":"there is no resource GET else"}"#)
    );
}

#[gpx_tests::test]
async fn a_stream_sends_the_schema_once_and_ends_when_nobody_is_subscribed() {
    let upstream = upstream().await;
    let plugin = Plugin::javascript().start().await;
    let source = DataSource::new(&upstream.url());
    assert_eq!(plugin.subscribe(&source, "value", "").await.unwrap().status(), Status::Ok);
    assert_eq!(plugin.subscribe(&source, "else", "").await.unwrap().status(), Status::NotFound);
    let mut packets = plugin.run_stream(&source, "value", "").await.unwrap();
    let first = packets.next().await;
    assert_eq!((&first["schema"]["name"], &first["data"]["values"][1]), (&json!("value"), &json!([2])));
    for _ in 0..3 {
        let packet = packets.next().await;
        assert_eq!((packet.get("schema"), &packet["data"]["values"][1]), (None, &json!([2])));
    }
    drop(packets);
    plugin
        .logs
        .wait_for(|line| line.message == "Plugin Request Completed" && line.text("endpoint") == "runStream")
        .await;
    assert!(plugin.stop().await.success());
}
