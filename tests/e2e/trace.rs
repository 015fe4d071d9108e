//! One trace from Grafana's span to the upstream's.

use gpx_tests::collector::Collector;
use gpx_tests::grafana::{DataSource, query};
use gpx_tests::plugin::Plugin;
use gpx_tests::proto::go_plugin::ConnInfo;
use gpx_tests::proto::go_plugin::grpc_broker_client::GrpcBrokerClient;
use gpx_tests::proto::go_plugin::grpc_stdio_client::GrpcStdioClient;
use gpx_tests::trace::{FirstEvent as _, OnlySpan as _, PARENT, TRACE, TRACEPARENT, Trace};
use gpx_tests::upstream::{Answer, Upstream};
use serde_json::json;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

const OTHER_TRACE: &str = "0af7651916cd43dd8448eb211c80319d";

/// Whether the span that ends last has arrived.
fn whole(trace: &Trace) -> bool {
    trace.has(&["pluginv2.Data/QueryData"])
}

#[gpx_tests::test]
async fn a_query_is_one_tree() {
    let (upstream, collector) = (Upstream::points(3).await, Collector::start().await);
    let plugin = Plugin::packaged("http-backend").tracing(&collector.address()).start().await;
    let source = DataSource::new(&upstream.url());
    let queries = [query("A").json(json!({ "multiplier": 2 }))];
    plugin.query(&source, queries).traceparent(TRACEPARENT).await.unwrap();
    assert!(plugin.stop().await.success());

    let trace = collector.wait_for_trace(TRACE, whole).await;
    let out = trace.span("HTTP Outgoing Request");
    assert_eq!(
        trace.path(out),
        ["pluginv2.Data/QueryData", "sdk.queryData", "query processing", "HTTP Outgoing Request"]
    );
    let server = trace.span("pluginv2.Data/QueryData");
    assert_eq!((server.kind.as_str(), server.parent_id.as_str()), ("server", PARENT));
    assert_eq!(server.text("rpc.method"), "pluginv2.Data/QueryData");
    assert_eq!(server.text("rpc.response.status_code"), "OK");

    let handler = trace.span("sdk.queryData");
    assert_eq!(handler.text("datasource_uid"), source.settings.uid);
    assert_eq!(handler.text("user"), "Ada Lovelace");
    assert_eq!(handler.attributes["org_id"], json!(1));
    assert_eq!(
        (handler.text("request_status"), handler.text("status_source")),
        ("ok".into(), "plugin".into())
    );

    let guest = trace.span("query processing");
    for (key, value) in [
        ("query.ref_id", json!("A")),
        ("query.max_data_points", json!(100)),
        ("query.interval_ms", json!(1000)),
        ("query.time_range.from", json!(1_767_225_600)),
        ("query.time_range.to", json!(1_767_229_200)),
    ] {
        assert_eq!(guest.attributes.get(key), Some(&value), "{key}");
    }
    assert_eq!(
        guest.event_names(),
        ["HTTP request done", "JSON response decoded", "Datapoints created", "Frames created"]
    );
    assert_eq!(guest.resource["my_plugin.my_attribute"], json!("custom value"));
    assert_eq!(guest.resource["service.name"], json!("gpx-httpbackend-datasource"));

    assert_eq!((out.kind.as_str(), out.attributes["http.status_code"].clone()), ("client", json!(200)));
    let events = out.event_names();
    let order = [
        "http.getconn.start",
        "http.getconn.done",
        "http.send.start",
        "http.send.done",
        "http.receive.start",
    ];
    let places: Vec<_> = order.iter().map(|name| events.iter().position(|event| event == name)).collect();
    assert!(places.is_sorted() && places.iter().all(Option::is_some), "{events:?}");
    assert_eq!(out.event("http.getconn.done").attributes["http.conn.reused"], json!(false));

    // The upstream got the innermost span as its parent.
    let sent = format!("00-{TRACE}-{}-01", out.span_id);
    assert_eq!(upstream.requests()[0].header("traceparent"), Some(sent.as_str()));
}

#[gpx_tests::test]
async fn urls_in_spans_show_no_secrets() {
    let (upstream, collector) = (Upstream::points(1).await, Collector::start().await);
    let plugin = Plugin::packaged("http-backend").tracing(&collector.address()).start().await;
    let url = upstream.url().replace("http://", "http://ada:hunter2@") + "/?token=hunter3";
    plugin.query(&DataSource::new(&url), [query("A")]).traceparent(TRACEPARENT).await.unwrap();
    // The userinfo is sent as credentials: RFC 7617, base64 of `ada:hunter2`.
    assert_eq!(upstream.requests()[0].header("authorization"), Some("Basic YWRhOmh1bnRlcjI="));
    assert!(plugin.stop().await.success());
    let trace = collector.wait_for_trace(TRACE, whole).await;
    let url = trace.span("HTTP Outgoing Request").text("http.url");
    assert!(url.contains("token=REDACTED"), "{url}");
    let everything = format!("{trace:?}");
    assert!(!everything.contains("hunter2") && !everything.contains("hunter3"), "{everything}");
}

#[gpx_tests::test]
async fn a_failed_request_marks_its_span() {
    let collector = Collector::start().await;
    let upstream = Upstream::always(Answer::status(500)).await;
    let plugin = Plugin::packaged("http-backend").tracing(&collector.address()).start().await;
    plugin.query(&DataSource::new(&upstream.url()), [query("A")]).traceparent(TRACEPARENT).await.unwrap();
    assert!(plugin.stop().await.success());
    let trace = collector.wait_for_trace(TRACE, whole).await;
    let out = trace.span("HTTP Outgoing Request");
    assert_eq!(
        (out.status.as_str(), out.status_message.as_str()),
        ("error", "error with HTTP status code 500")
    );
    assert_eq!(trace.span("sdk.queryData").text("request_status"), "error");
}

#[gpx_tests::test]
async fn without_tracing_the_callers_traceparent_is_passed_on() {
    let upstream = Upstream::points(1).await;
    let plugin = Plugin::packaged("http-backend").start().await;
    let source = DataSource::new(&upstream.url());
    plugin.query(&source, [query("A")]).traceparent(TRACEPARENT).await.unwrap();
    plugin.query(&source, [query("A")]).await.unwrap();
    let requests = upstream.requests();
    assert_eq!(requests[0].header("traceparent"), Some(TRACEPARENT));
    assert_eq!(requests[1].header("traceparent"), None);
}

#[gpx_tests::test]
async fn an_unsampled_trace_is_passed_on_and_not_exported() {
    let (upstream, collector) = (Upstream::points(1).await, Collector::start().await);
    let plugin = Plugin::packaged("http-backend").tracing(&collector.address()).start().await;
    let unsampled = format!("00-{TRACE}-{PARENT}-00");
    plugin.query(&DataSource::new(&upstream.url()), [query("A")]).traceparent(&unsampled).await.unwrap();
    // A sampled trace follows and takes the same path.
    let sampled = format!("00-{OTHER_TRACE}-{PARENT}-01");
    plugin.query(&DataSource::new(&upstream.url()), [query("A")]).traceparent(&sampled).await.unwrap();
    assert!(plugin.stop().await.success());
    let sent = upstream.requests()[0].header("traceparent").unwrap().to_owned();
    assert!(sent.contains(TRACE) && sent.ends_with("-00"), "{sent}");
    collector.wait_for_trace(OTHER_TRACE, whole).await;
    let unsampled: Vec<_> = collector.spans().into_iter().filter(|span| span.trace_id == TRACE).collect();
    assert!(unsampled.is_empty(), "{unsampled:?}");
}

#[gpx_tests::test]
async fn go_plugins_own_services_make_no_spans() {
    let (upstream, collector) = (Upstream::points(1).await, Collector::start().await);
    let plugin = Plugin::packaged("http-backend").tracing(&collector.address()).start().await;
    let request = HealthCheckRequest { service: "plugin".to_owned() };
    HealthClient::new(plugin.channel.clone()).check(request).await.unwrap();
    // Opened as go-plugin opens them; they stay open until the end.
    let _output = GrpcStdioClient::new(plugin.channel.clone()).stream_stdio(()).await.unwrap();
    let offers = tokio_stream::pending::<ConnInfo>();
    let _broker = GrpcBrokerClient::new(plugin.channel.clone()).start_stream(offers).await.unwrap();
    plugin.query(&DataSource::new(&upstream.url()), [query("A")]).traceparent(TRACEPARENT).await.unwrap();
    assert!(plugin.stop().await.success());
    collector.wait_for_trace(TRACE, whole).await;
    // Including spans of any other trace.
    let mut names: Vec<_> = collector.spans().into_iter().map(|span| span.name).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        ["HTTP Outgoing Request", "pluginv2.Data/QueryData", "query processing", "sdk.queryData"]
    );
}
