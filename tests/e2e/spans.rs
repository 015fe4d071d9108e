//! The spans of a guest, and what the host exports for them.

use std::collections::HashSet;

use gpx_tests::collector::Collector;
use gpx_tests::grafana::{DataSource, query};
use gpx_tests::plugin::Plugin;
use gpx_tests::trace::{FirstEvent as _, OnlySpan as _, TRACE, TRACEPARENT, Trace};
use gpx_tests::upstream::Upstream;
use serde_json::json;

/// Whether the span that ends last has arrived.
fn whole(trace: &Trace) -> bool {
    trace.has(&["pluginv2.Data/QueryData"])
}

/// Returns the trace of one query of that type.
async fn trace_of(kind: &str) -> Trace {
    let collector = Collector::start().await;
    let plugin = Plugin::guest("probe").tracing(&collector.address()).start().await;
    let call = plugin.query(&DataSource::new(""), [query("A").kind(kind)]);
    call.traceparent(TRACEPARENT).await.unwrap();
    assert!(plugin.stop().await.success());
    collector.wait_for_trace(TRACE, whole).await
}

#[gpx_tests::test]
async fn spans_nest_as_the_guest_opened_them() {
    let trace = trace_of("spans-nested").await;
    for path in [
        &["outer"][..],
        &["outer", "middle"],
        // Ended after its parent.
        &["outer", "middle", "inner"],
        &["outer", "sibling"],
    ] {
        let span = trace.span(path[path.len() - 1]);
        let whole = [&["pluginv2.Data/QueryData", "sdk.queryData"], path].concat();
        assert_eq!((trace.path(span), span.status.as_str()), (whole, "unset"));
    }
    let (middle, inner) = (trace.span("middle"), trace.span("inner"));
    assert!(middle.end <= inner.end, "{trace:?}");
}

#[gpx_tests::test]
async fn spans_that_are_left_open_end_with_the_call_and_without_an_error() {
    let trace = trace_of("spans-open").await;
    let handler = trace.span("sdk.queryData");
    for name in ["left open", "left open, detached"] {
        let span = trace.span(name);
        assert_eq!(trace.path(span)[..2], ["pluginv2.Data/QueryData", "sdk.queryData"]);
        assert_eq!(span.status, "unset", "{name}");
        assert!(span.end <= handler.end, "{name} ends with the call");
    }
}

#[gpx_tests::test]
async fn spans_that_a_panic_leaves_open_end_in_error() {
    let trace = trace_of("panic").await;
    let handler = trace.span("sdk.queryData");
    assert_eq!(handler.text("request_status"), "error");
    let left: Vec<_> =
        trace.children(handler).into_iter().map(|span| (span.name.as_str(), span.status.as_str())).collect();
    assert_eq!(left, [("before the panic", "error")]);
    let message = &trace.span("before the panic").status_message;
    assert!(message.starts_with("the plugin panicked: the probe panicked on purpose ("), "{message}");
}

#[gpx_tests::test]
async fn everything_that_can_be_set_on_a_span() {
    let trace = trace_of("spans-all").await;
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
async fn spans_of_an_instrumented_library_nest_among_ours() {
    let (upstream, collector) = (Upstream::points(1).await, Collector::start().await);
    let plugin = Plugin::guest("probe").tracing(&collector.address()).start().await;
    let logs = plugin.logs.clone();
    let asked = query("A").kind("spans-instrumented").json(json!({ "url": upstream.url() }));
    plugin.query(&DataSource::new(&upstream.url()), [asked]).traceparent(TRACEPARENT).await.unwrap();
    assert!(plugin.stop().await.success());
    let trace = collector.wait_for_trace(TRACE, whole).await;
    let library = trace.span("library");
    assert_eq!((library.attributes["answer"].clone(), library.status.as_str()), (json!(42), "unset"));
    assert_eq!(library.event("half done").attributes["half"], json!(true));
    let ours = trace.span("ours");
    assert_eq!(ours.parent_id, library.span_id);
    let line = logs.all().into_iter().find(|line| line.message == "half done").unwrap();
    assert_eq!(line.text("spanId"), ours.span_id);
    // Two that take turns are each current only while they are entered.
    let call = trace.span("sdk.queryData");
    let (first, second) = (trace.span("first"), trace.span("second"));
    let mut requests = trace.named("HTTP Outgoing Request");
    requests.sort_by_key(|span| span.start);
    let parents: Vec<_> = requests.iter().map(|span| span.parent_id.as_str()).collect();
    let expected = [ours, first, second, first, second, call].map(|span| span.span_id.as_str());
    assert_eq!(parents, expected);
}

#[gpx_tests::test]
async fn spans_that_a_component_makes_itself_are_in_the_calls_trace() {
    let (upstream, collector) = (Upstream::points(1).await, Collector::start().await);
    let plugin = Plugin::guest("probe").tracing(&collector.address()).start().await;
    let asked = query("A").kind("spans-otel").json(json!({ "url": upstream.url() }));
    plugin.query(&DataSource::new(&upstream.url()), [asked]).traceparent(TRACEPARENT).await.unwrap();
    assert!(plugin.stop().await.success());
    let trace = collector.wait_for_trace(TRACE, whole).await;
    let call = trace.span("sdk.queryData");
    let (parent, child) = (trace.span("parent"), trace.span("child"));
    assert_eq!(
        (parent.parent_id.as_str(), parent.span_id.as_str()),
        (call.span_id.as_str(), "00000000000000aa")
    );
    assert_eq!((child.parent_id.as_str(), child.status.as_str()), ("00000000000000aa", "ok"));
    assert_eq!((child.start, child.end), (1_700_000_000_000_000_001, 1_700_000_001_000_000_000));
    assert_eq!(child.attributes["rows"], json!([1, 2]));
    assert_eq!(child.attributes["otel.scope.name"], json!("library"));
    assert_eq!(trace.span("HTTP Outgoing Request").parent_id, child.span_id);
    assert_eq!(trace.span("elsewhere").parent_id, call.span_id);
    assert_eq!(trace.span("(unfinished)").span_id, "00000000000000dd");
}

#[gpx_tests::test]
async fn more_spans_than_a_call_may_start_are_dropped() {
    let collector = Collector::start().await;
    let plugin = Plugin::guest("probe").tracing(&collector.address()).start().await;
    let model = json!({ "spans": 1500 });
    let call = plugin.query(&DataSource::new(""), [query("A").kind("spans-many").json(model)]);
    call.traceparent(TRACEPARENT).await.unwrap();
    let logs = plugin.logs.clone();
    assert!(plugin.stop().await.success());
    let trace = collector.wait_for_trace(TRACE, whole).await;
    let guests = trace.spans.iter().filter(|span| span.kind == "internal" && span.name != "sdk.queryData");
    assert_eq!(guests.count(), 1000);
    let line =
        logs.all().into_iter().find(|line| line.message.starts_with("Spans beyond the limits of a call"));
    // 1500, and the one that the probe starts first.
    assert_eq!(line.expect("a line").fields.get("spans"), Some(&json!(501)));
    let call = trace.span("sdk.queryData");
    assert_eq!(call.attributes.get("gpx.dropped_spans"), Some(&json!(501)));
    assert!(!call.attributes.contains_key("gpx.dropped_events"));
}

#[gpx_tests::test]
async fn the_size_of_a_span_is_limited() {
    let collector = Collector::start().await;
    let plugin = Plugin::guest("probe").tracing(&collector.address()).start().await;
    let model = json!({ "attributes": 200, "events": 200, "text": 5000 });
    let call = plugin.query(&DataSource::new(""), [query("A").kind("spans-many").json(model)]);
    call.traceparent(TRACEPARENT).await.unwrap();
    assert!(plugin.stop().await.success());
    let full = collector.wait_for_trace(TRACE, whole).await.span("full").clone();
    assert_eq!((full.attributes.len(), full.events.len(), full.text("text").len()), (128, 128, 4096));
}

#[gpx_tests::test]
async fn a_flood_of_large_spans_costs_nobody_else_a_span() {
    let collector = Collector::start().await;
    let plugin = Plugin::guest("probe").tracing(&collector.address()).start().await;
    let (flooder, other) = (DataSource::new(""), DataSource::new(""));
    // 20 MiB in one call, and the collector accepts 4 MiB at once.
    let flood = || query("A").kind("spans-many").json(json!({ "spans": 1000, "kilobytes": 20 }));
    for _ in 0..10 {
        plugin.query(&flooder, [flood()]).await.unwrap();
    }
    let model = json!({ "spans": 100 });
    let call = plugin.query(&other, [query("A").kind("spans-many").json(model)]);
    call.traceparent(TRACEPARENT).await.unwrap();
    for _ in 0..10 {
        plugin.query(&flooder, [flood()]).await.unwrap();
    }
    let logs = plugin.logs.clone();
    assert!(plugin.stop().await.success());
    let trace = collector.wait_for_trace(TRACE, whole).await;
    assert_eq!(trace.named("one of many").len(), 100);
    let spans = collector.spans();
    let text = |trace: &str| {
        let spans = spans.iter().filter(|span| span.trace_id == trace);
        spans.flat_map(|span| &span.events).filter(|event| event.name == "text").count()
    };
    let flooded: HashSet<_> =
        spans.iter().map(|span| span.trace_id.as_str()).filter(|id| *id != TRACE).collect();
    assert!(flooded.iter().all(|trace| text(trace) <= 1024), "a call has no more than a MiB");
    let lines = logs.all();
    let told: Vec<_> =
        lines.iter().filter(|line| line.message.starts_with("Spans beyond the limits of a call")).collect();
    assert_eq!(told.len(), 20, "one line for each call");
    assert!(told.iter().all(|line| line.fields.contains_key("events")), "{told:?}");
}

#[gpx_tests::test]
async fn a_guests_own_traceparent_counts_only_if_it_names_a_span_of_the_call() {
    let (upstream, collector) = (Upstream::points(1).await, Collector::start().await);
    let plugin = Plugin::guest("probe").tracing(&collector.address()).start().await;
    let source = DataSource::new(&upstream.url());
    let model = json!({ "url": upstream.url() });
    let call = plugin.query(&source, [query("A").kind("own-traceparent").json(model)]);
    call.traceparent(TRACEPARENT).await.unwrap();
    assert!(plugin.stop().await.success());
    let trace = collector.wait_for_trace(TRACE, whole).await;
    // The guest sent two requests with two spans open: one names the outer span, one a span that is not the guest's.
    let requests = upstream.requests();
    assert_eq!(requests.len(), 2);
    for (request, parent) in requests.iter().zip(["outer", "inner"]) {
        let sent = request.header("traceparent").unwrap();
        let out = trace.named("HTTP Outgoing Request").into_iter().find(|span| sent.contains(&span.span_id));
        assert_eq!(out.expect("the header names the host's span").parent_id, trace.span(parent).span_id);
    }
}
