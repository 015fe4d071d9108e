//! One trace from Grafana's span to the upstream's.

use gpx_tests::collector::Collector;
use gpx_tests::grafana::{DataSource, query};
use gpx_tests::plugin::Plugin;
use gpx_tests::trace::Trace;
use gpx_tests::upstream::{Answer, Upstream};
use serde_json::json;

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

fn traceparent() -> String {
    format!("00-{TRACE}-{PARENT}-01")
}

/// Whether the span came that ends last.
fn whole(trace: &Trace) -> bool {
    trace.has(&["pluginv2.Data/QueryData"])
}

#[gpx_tests::test]
async fn a_query_is_one_tree() {
    let (upstream, collector) = (Upstream::points(3).await, Collector::start().await);
    let plugin = Plugin::packaged("http-backend").tracing(&collector.address()).start().await;
    let source = DataSource::new(&upstream.url());
    let queries = [query("A").json(json!({ "multiplier": 2 }))];
    plugin.query(&source, queries).traceparent(&traceparent()).await.unwrap();
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
async fn urls_in_spans_show_no_secret() {
    let (upstream, collector) = (Upstream::points(1).await, Collector::start().await);
    let plugin = Plugin::packaged("http-backend").tracing(&collector.address()).start().await;
    let url = upstream.url().replace("http://", "http://ada:hunter2@") + "/?token=hunter3";
    plugin.query(&DataSource::new(&url), [query("A")]).traceparent(&traceparent()).await.unwrap();
    // Userinfo is sent as the credentials that it is: RFC 7617, base64 of `ada:hunter2`.
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
    plugin.query(&DataSource::new(&upstream.url()), [query("A")]).traceparent(&traceparent()).await.unwrap();
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
async fn spans_nest_as_the_guest_opened_them_and_all_end() {
    let collector = Collector::start().await;
    let plugin = Plugin::guest("probe").tracing(&collector.address()).start().await;
    let source = DataSource::new("");
    let kinds = ["spans-nested", "spans-open"];
    for (number, kind) in kinds.into_iter().enumerate() {
        let parent = format!("00-0af7651916cd43dd8448eb211c80319{number}-{PARENT}-01");
        plugin.query(&source, [query("A").kind(kind)]).traceparent(&parent).await.unwrap();
    }
    assert!(plugin.stop().await.success());
    for number in 0..kinds.len() {
        let trace =
            collector.wait_for_trace(&format!("0af7651916cd43dd8448eb211c80319{number}"), whole).await;
        let guests =
            trace.spans.iter().filter(|span| span.kind == "internal" && span.name != "sdk.queryData");
        let guests: Vec<_> = guests.collect();
        assert!(!guests.is_empty());
        for span in guests {
            assert_eq!(trace.path(span)[..2], ["pluginv2.Data/QueryData", "sdk.queryData"]);
            assert!(span.end >= span.start);
            // Left open by the guest: ended by the host, and no error.
            assert_eq!(span.status, "unset", "{}", span.name);
        }
    }
    let nested = collector.wait_for_trace("0af7651916cd43dd8448eb211c803190", whole).await;
    let depth = nested.spans.iter().map(|span| nested.path(span).len()).max();
    assert!(depth >= Some(4), "{nested:?}");
}

#[gpx_tests::test]
async fn spans_that_a_panic_leaves_open_end_in_error() {
    let collector = Collector::start().await;
    let plugin = Plugin::guest("probe").tracing(&collector.address()).start().await;
    let call = plugin.query(&DataSource::new(""), [query("A").kind("panic")]);
    call.traceparent(&traceparent()).await.unwrap();
    assert!(plugin.stop().await.success());
    let trace = collector.wait_for_trace(TRACE, whole).await;
    let handler = trace.span("sdk.queryData");
    assert_eq!(handler.text("request_status"), "error");
    for span in trace.children(handler) {
        assert_eq!(span.status, "error", "{}", span.name);
    }
}

#[gpx_tests::test]
async fn everything_that_can_be_told_of_a_span() {
    let collector = Collector::start().await;
    let plugin = Plugin::guest("probe").tracing(&collector.address()).start().await;
    let call = plugin.query(&DataSource::new(""), [query("A").kind("spans-all")]);
    call.traceparent(&traceparent()).await.unwrap();
    assert!(plugin.stop().await.success());
    let trace = collector.wait_for_trace(TRACE, whole).await;
    let first = trace.span("renamed");
    for (key, value) in [
        ("text", json!("replaced")),
        ("flag", json!(true)),
        ("integer", json!(-1)),
        ("float", json!(0.5)),
        ("texts", json!(["a", "b"])),
        ("integers", json!([1, 2])),
    ] {
        assert_eq!(first.attributes.get(key), Some(&value), "{key}");
    }
    assert_eq!(first.status, "ok");
    assert_eq!(first.event_names(), ["happened", "happened again"]);
    assert_eq!(first.event("happened again").attributes["times"], json!(2));
    assert_eq!(first.resource["probe.flags"], json!([true, false]));
    let second = trace.span("second");
    assert_eq!((second.kind.as_str(), second.status.as_str()), ("client", "error"));
    assert_eq!(second.links, [(TRACE.to_owned(), first.span_id.clone())]);
    assert_eq!(second.parent_id, first.span_id);
    // A detached span is not the parent of the one that was started after it.
    assert_eq!(trace.span("child of the renamed one").parent_id, first.span_id);
    assert_eq!(first.scope, "gpx-test-datasource");
}

#[gpx_tests::test]
async fn more_spans_than_a_call_may_start_are_dropped() {
    let collector = Collector::start().await;
    let plugin = Plugin::guest("probe").tracing(&collector.address()).start().await;
    let model = json!({ "spans": 1500 });
    let call = plugin.query(&DataSource::new(""), [query("A").kind("spans-many").json(model)]);
    call.traceparent(&traceparent()).await.unwrap();
    assert!(plugin.stop().await.success());
    let trace = collector.wait_for_trace(TRACE, whole).await;
    let guests = trace.spans.iter().filter(|span| span.kind == "internal" && span.name != "sdk.queryData");
    assert_eq!(guests.count(), 1000);
}

#[gpx_tests::test]
async fn a_traceparent_of_the_guests_own_making_counts_only_if_it_names_a_span_of_the_call() {
    let (upstream, collector) = (Upstream::points(1).await, Collector::start().await);
    let plugin = Plugin::guest("probe").tracing(&collector.address()).start().await;
    let source = DataSource::new(&upstream.url());
    let model = json!({ "url": upstream.url() });
    let call = plugin.query(&source, [query("A").kind("own-traceparent").json(model)]);
    call.traceparent(&traceparent()).await.unwrap();
    assert!(plugin.stop().await.success());
    let trace = collector.wait_for_trace(TRACE, whole).await;
    // The guest sent two requests with two spans open: one names the outer one, one names a span that is not its.
    let requests = upstream.requests();
    assert_eq!(requests.len(), 2);
    for (request, parent) in requests.iter().zip(["outer", "inner"]) {
        let sent = request.header("traceparent").unwrap();
        let out = trace.named("HTTP Outgoing Request").into_iter().find(|span| sent.contains(&span.span_id));
        assert_eq!(out.expect("the header names the host's span").parent_id, trace.span(parent).span_id);
    }
}

#[gpx_tests::test]
async fn without_tracing_the_callers_traceparent_is_passed_on() {
    let upstream = Upstream::points(1).await;
    let plugin = Plugin::packaged("http-backend").start().await;
    let source = DataSource::new(&upstream.url());
    plugin.query(&source, [query("A")]).traceparent(&traceparent()).await.unwrap();
    plugin.query(&source, [query("A")]).await.unwrap();
    let requests = upstream.requests();
    assert_eq!(requests[0].header("traceparent"), Some(traceparent().as_str()));
    assert_eq!(requests[1].header("traceparent"), None);
}

#[gpx_tests::test]
async fn an_unsampled_trace_is_passed_on_and_not_exported() {
    let (upstream, collector) = (Upstream::points(1).await, Collector::start().await);
    let plugin = Plugin::packaged("http-backend").tracing(&collector.address()).start().await;
    let unsampled = format!("00-{TRACE}-{PARENT}-00");
    plugin.query(&DataSource::new(&upstream.url()), [query("A")]).traceparent(&unsampled).await.unwrap();
    assert!(plugin.stop().await.success());
    let sent = upstream.requests()[0].header("traceparent").unwrap().to_owned();
    assert!(sent.contains(TRACE) && sent.ends_with("-00"), "{sent}");
    assert!(collector.spans().iter().all(|span| span.trace_id != TRACE));
}

#[gpx_tests::test]
async fn go_plugins_own_services_make_no_spans() {
    let (upstream, collector) = (Upstream::points(1).await, Collector::start().await);
    let plugin = Plugin::packaged("http-backend").tracing(&collector.address()).start().await;
    plugin.query(&DataSource::new(&upstream.url()), [query("A")]).traceparent(&traceparent()).await.unwrap();
    assert!(plugin.stop().await.success());
    collector.wait_for_trace(TRACE, whole).await;
    let names: Vec<_> = collector.spans().into_iter().map(|span| span.name).collect();
    assert!(!names.iter().any(|name| name.contains("GRPC") || name.contains("Health")), "{names:?}");
}
