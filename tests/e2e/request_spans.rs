//! What an author and an operator can change about the spans of requests.

use gpx_tests::collector::Collector;
use gpx_tests::grafana::{DataSource, query};
use gpx_tests::plugin::Plugin;
use gpx_tests::trace::{FirstEvent as _, OnlySpan as _, TRACE, TRACEPARENT, Trace};
use gpx_tests::upstream::{Answer, Upstream};
use gpx_tests::wire::Wire;
use serde_json::{Value, json};

const USUAL: &str = "HTTP Outgoing Request";

/// Returns the trace of one query of the probe, with such settings.
async fn trace_of(kind: &str, model: Value, settings: &[(&str, &str)]) -> Trace {
    let collector = Collector::start().await;
    let launch = Plugin::guest("probe").tracing(&collector.address());
    let launch = settings.iter().fold(launch, |launch, (key, value)| launch.setting(key, value));
    let plugin = launch.start().await;
    let origin: Vec<_> = model["url"].as_str().unwrap_or_default().split('/').take(3).collect();
    let source = DataSource::new(&origin.join("/"));
    let call = plugin.query(&source, [query("A").kind(kind).json(model)]);
    call.traceparent(TRACEPARENT).await.unwrap();
    assert!(plugin.stop().await.success());
    collector.wait_for_trace(TRACE, |trace| trace.has(&["pluginv2.Data/QueryData"])).await
}

#[gpx_tests::test]
async fn an_author_names_a_request_and_adds_attributes() {
    let upstream = Upstream::always(Answer::text("text/plain", "hello")).await;
    let model = json!({
        "url": upstream.url(), "span_name": "get price", "span_attributes": { "symbol": "gold", "http.url": "mine" },
    });
    let trace = trace_of("fetch", model, &[]).await;
    let span = trace.span("get price");
    assert_eq!((span.text("symbol").as_str(), span.kind.as_str()), ("gold", "client"));
    // What the host knows of the request cannot be replaced.
    assert_eq!(
        (span.text("http.url"), span.text("http.status_code")),
        (format!("{}/", upstream.url()), "200".into())
    );
    let sent = upstream.requests()[0].header("traceparent").unwrap().to_owned();
    assert_eq!(sent, format!("00-{TRACE}-{}-01", span.span_id));
    assert!(trace.named(USUAL).is_empty());
}

#[gpx_tests::test]
async fn a_request_without_a_span_carries_the_context_of_its_parent() {
    let upstream = Upstream::always(Answer::text("text/plain", "hello")).await;
    let model = json!({ "url": upstream.url(), "without_span": true });
    let trace = trace_of("fetch", model, &[]).await;
    assert!(trace.named(USUAL).is_empty());
    let sent = upstream.requests()[0].header("traceparent").unwrap().to_owned();
    assert_eq!(sent, format!("00-{TRACE}-{}-01", trace.span("sdk.queryData").span_id));
}

#[gpx_tests::test]
async fn a_description_is_for_one_request_and_for_its_parent() {
    let upstream = Upstream::always(Answer::text("text/plain", "hello")).await;
    let trace = trace_of("described", json!({ "url": upstream.url() }), &[]).await;
    let (outer, inner) = (trace.span("outer"), trace.span("inner"));
    assert_eq!(trace.span("first").parent_id, outer.span_id);
    assert_eq!(trace.span("second").parent_id, inner.span_id);
    // The one whose description was used, and the one beyond the limit.
    let usual = trace.named(USUAL);
    assert_eq!(usual.iter().map(|span| &span.parent_id).collect::<Vec<_>>(), [&inner.span_id; 2]);
}

#[gpx_tests::test]
async fn the_names_of_the_stable_conventions_take_the_place_of_gos() {
    let upstream = Upstream::start(|request| match request.path.as_str() {
        "/old" => Answer::redirect("/new"),
        _ => Answer::status(404),
    })
    .await;
    let model = json!({ "url": format!("{}/old?key=secret", upstream.url()) });
    let trace = trace_of("fetch", model, &[("gpx_http_semconv", "new")]).await;
    let mut spans = trace.named(USUAL);
    spans.sort_by_key(|span| span.start);
    let [first, second] = spans.as_slice() else { panic!("{spans:?}") };
    let port = json!(upstream.address().port());
    let (url, host) = (upstream.url(), json!("127.0.0.1"));
    for (span, key, value) in [
        (first, "url.full", json!(format!("{url}/old?key=REDACTED"))),
        (first, "http.request.method", json!("GET")),
        (first, "http.response.status_code", json!(302)),
        (first, "network.protocol.version", json!("1.1")),
        (first, "server.address", host),
        (first, "server.port", port),
        (second, "url.full", json!(format!("{url}/new"))),
        (second, "http.request.resend_count", json!(1)),
        (second, "http.response.status_code", json!(404)),
        (second, "error.type", json!("404")),
    ] {
        assert_eq!(span.attributes.get(key), Some(&value), "{key}");
    }
    for span in spans {
        let old: Vec<_> = span.attributes.keys().filter(|key| key.starts_with("http.")).collect();
        let is_new = |key: &&String| key.starts_with("http.request.") || key.starts_with("http.response.");
        assert!(old.iter().all(is_new), "{old:?}");
    }
}

#[gpx_tests::test]
async fn a_request_that_fails_has_the_type_of_its_error() {
    let model = json!({ "url": "http://127.0.0.1:1" });
    let trace = trace_of("fetch", model, &[("gpx_http_semconv", "new")]).await;
    let span = trace.span(USUAL);
    assert_eq!((span.text("error.type").as_str(), span.status.as_str()), ("connection_refused", "error"));
}

#[gpx_tests::test]
async fn the_span_can_last_until_the_body_has_been_read() {
    let upstream = Upstream::always(Answer::text("text/plain", &"x".repeat(100_000))).await;
    let model = json!({ "url": upstream.url() });
    for (names, bytes) in [("old", "http.read_bytes"), ("new", "http.response.body.size")] {
        let settings = [("gpx_http_span_end", "body"), ("gpx_http_semconv", names)];
        let trace = trace_of("fetch", model.clone(), &settings).await;
        let span = trace.span(USUAL);
        assert_eq!(span.attributes.get(bytes), Some(&json!(100_000)), "{span:?}");
        // It is read to its end within the call.
        let received = span.event("http.receive.done").time;
        assert!(received <= span.end && span.end <= trace.span("sdk.queryData").end);
    }
}

#[gpx_tests::test]
async fn a_body_that_breaks_off_is_an_error_of_a_span_that_lasts_as_long() {
    let upstream = Wire::start().await;
    let broken = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nno length\r\n";
    upstream.answer(vec![broken.to_owned(); 2]);
    let model = json!({ "url": format!("http://{}", upstream.address()) });
    let whole = trace_of("fetch", model.clone(), &[("gpx_http_span_end", "body")]).await;
    let span = whole.span(USUAL);
    assert_eq!((span.status.as_str(), span.event_names().contains(&"exception")), ("error", true));
    let usual = trace_of("fetch", model, &[]).await;
    assert_eq!(usual.span(USUAL).status, "unset", "{:?}", usual.span(USUAL));
}
