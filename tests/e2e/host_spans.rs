//! What a trace shows of the host's own work, and where else a trace is named.

use gpx_tests::collector::Collector;
use gpx_tests::grafana::{DataSource, query};
use gpx_tests::logs::Line;
use gpx_tests::plugin::{Launch, Plugin};
use gpx_tests::trace::{OnlySpan as _, TRACE, TRACEPARENT, Trace};
use gpx_tests::upstream::{Answer, Gate, Upstream};
use serde_json::json;

const UNSAMPLED: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";

/// Whether the span that ends last has arrived.
fn whole(trace: &Trace) -> bool {
    trace.has(&["pluginv2.Data/QueryData"])
}

async fn traced(plugin: Plugin, collector: &Collector) -> Trace {
    assert!(plugin.stop().await.success());
    collector.wait_for_trace(TRACE, whole).await
}

#[gpx_tests::test]
async fn what_the_host_does_for_a_call_has_spans_if_the_operator_wants_them() {
    let (upstream, collector) = (Upstream::points(1).await, Collector::start().await);
    let launch = Plugin::packaged("http-backend").tracing(&collector.address());
    let plugin = launch.setting("gpx_trace_host", "on").start().await;
    plugin.query(&DataSource::new(&upstream.url()), [query("A")]).traceparent(TRACEPARENT).await.unwrap();
    let trace = traced(plugin, &collector).await;
    let call = trace.span("sdk.queryData");
    let steps: Vec<_> = trace.children(call).into_iter().map(|span| span.name.as_str()).collect();
    assert_eq!(steps, ["instantiate", "plugin.open", "data.query-data", "encode"]);
    let function = trace.span("data.query-data");
    assert_eq!((function.scope.as_str(), function.text("query.ref_id").as_str()), ("gpx-host", "A"));
    assert_eq!(trace.span("HTTP Outgoing Request").scope, "gpx-httpbackend-datasource");
    assert!(trace.path(trace.span("HTTP Outgoing Request")).contains(&"data.query-data"));
    let number = |span: &gpx_tests::trace::Span, key: &str| span.attributes[key].as_i64().unwrap();
    let cpu = |name: &str| number(trace.span(name), "gpx.cpu_time_us");
    // Each was rounded down.
    let sum = cpu("plugin.open") + cpu("data.query-data");
    assert!((sum..=sum + 2).contains(&number(call, "gpx.cpu_time_us")), "{trace:?}");
    assert!(cpu("data.query-data") > 0);
    let memory = number(function, "gpx.memory_bytes");
    assert!(memory >= 64 << 10 && number(call, "gpx.memory_bytes") == memory, "{memory}");
}

#[gpx_tests::test]
async fn nothing_of_it_is_there_by_default() {
    let (upstream, collector) = (Upstream::points(1).await, Collector::start().await);
    let plugin = Plugin::packaged("http-backend").tracing(&collector.address()).start().await;
    plugin.query(&DataSource::new(&upstream.url()), [query("A")]).traceparent(TRACEPARENT).await.unwrap();
    let trace = traced(plugin, &collector).await;
    assert!(trace.spans.iter().all(|span| span.attributes.keys().all(|key| !key.starts_with("gpx."))));
    let hosts: Vec<_> = trace.spans.iter().filter(|span| span.scope == "gpx-host").collect();
    assert_eq!(hosts.iter().map(|span| span.name.as_str()).collect::<Vec<_>>(), ["pluginv2.Data/QueryData"]);
}

#[gpx_tests::test]
async fn waiting_for_an_instance_is_a_step() {
    let (gate, collector) = (Gate::closed(), Collector::start().await);
    let upstream = Upstream::always(Answer::text("text/plain", "hello").after(&gate)).await;
    let launch = Plugin::guest("probe").tracing(&collector.address()).setting("gpx_trace_host", "on");
    let plugin = launch.setting("gpx_instances_max", "1").start().await;
    let source = DataSource::new(&upstream.url());
    let model = json!({ "url": upstream.url() });
    let queries = ["A", "B"].map(|name| query(name).kind("fetch").json(model.clone()));
    let call = plugin.query(&source, queries).traceparent(TRACEPARENT);
    let answered = async {
        upstream.wait_for_requests(1).await;
        plugin.logs.wait_for(|line| line.message.contains("gpx_instances_max")).await;
        gate.open();
    };
    let (answer, ()) = tokio::join!(call, answered);
    answer.unwrap();
    let trace = traced(plugin, &collector).await;
    assert_eq!(trace.span("wait").text("gpx.awaited"), "instance");
}

#[gpx_tests::test]
async fn a_step_that_fails_says_so() {
    let collector = Collector::start().await;
    let launch = Plugin::guest("probe").tracing(&collector.address()).setting("gpx_trace_host", "on");
    let plugin = launch.start().await;
    let call = plugin.query(&DataSource::new(""), [query("A").kind("panic")]).traceparent(TRACEPARENT);
    call.await.unwrap();
    let trace = traced(plugin, &collector).await;
    let function = trace.span("data.query-data");
    assert_eq!(function.status, "error");
    assert!(function.status_message.starts_with("the plugin panicked"), "{}", function.status_message);
    assert_eq!(trace.span("before the panic").parent_id, function.span_id);
}

async fn lines_of(launch: Launch, traceparent: &str) -> (Vec<Line>, Trace) {
    let collector = Collector::start().await;
    let plugin = launch.tracing(&collector.address()).start().await;
    let logs = plugin.logs.clone();
    let call = plugin.query(&DataSource::new(""), [query("A").kind("log-in-spans")]);
    call.traceparent(traceparent).await.unwrap();
    assert!(plugin.stop().await.success());
    let trace = match traceparent {
        TRACEPARENT => collector.wait_for_trace(TRACE, whole).await,
        _ => Trace::default(),
    };
    (logs.all().into_iter().filter(|line| line.fields.contains_key("dsUid")).collect(), trace)
}

#[gpx_tests::test]
async fn each_line_of_a_call_names_the_span_that_it_belongs_to() {
    let (lines, trace) = lines_of(Plugin::guest("probe"), TRACEPARENT).await;
    let id_of = |message: &str| {
        let line = lines.iter().find(|line| line.message == message);
        line.unwrap_or_else(|| panic!("no line {message} in {lines:?}")).text("spanId").to_owned()
    };
    for (message, span) in [
        ("Plugin Request Started", "sdk.queryData"),
        ("outside", "sdk.queryData"),
        ("in the outer span", "outer"),
        ("in the inner span", "inner"),
        ("Plugin Request Completed", "sdk.queryData"),
    ] {
        assert_eq!(id_of(message), trace.span(span).span_id, "{message}");
    }
    assert!(lines.iter().all(|line| line.text("traceId") == TRACE), "{lines:?}");
}

#[gpx_tests::test]
async fn without_a_recorded_trace_a_line_names_no_span() {
    let (lines, _) = lines_of(Plugin::guest("probe"), UNSAMPLED).await;
    assert!(lines.len() > 2 && lines.iter().all(|line| !line.fields.contains_key("spanId")), "{lines:?}");
}

#[gpx_tests::test]
async fn the_text_of_an_error_names_the_trace_if_the_operator_wants_that() {
    let link = "https://tempo.example.com/trace/{traceId}?from=panel";
    for (value, grafana, expected) in [
        ("off", "https://grafana.example.com/", String::new()),
        ("id", "https://grafana.example.com/", format!(" (trace {TRACE})")),
        (link, "", format!(" (trace: https://tempo.example.com/trace/{TRACE}?from=panel)")),
        (
            "/explore?trace={traceId}",
            "https://grafana.example.com/g/",
            format!(" (trace: https://grafana.example.com/g/explore?trace={TRACE})"),
        ),
        ("/explore?trace={traceId}", "", format!(" (trace {TRACE})")),
    ] {
        let collector = Collector::start().await;
        let launch = Plugin::guest("probe").tracing(&collector.address());
        let plugin = launch.setting("gpx_trace_in_errors", value).env("GF_APP_URL", grafana).start().await;
        let fault = json!({ "status": 400, "message": "wrong on purpose", "downstream": false });
        let ask = |traceparent| {
            let queries = [query("A").kind("fault").json(fault.clone()), query("B").kind("none")];
            plugin.query(&DataSource::new(""), queries).traceparent(traceparent)
        };
        let told = ask(TRACEPARENT).await.unwrap();
        let untraced = ask(UNSAMPLED).await.unwrap();
        let plain = untraced.responses["A"].error.clone();
        assert!(!plain.is_empty() && !plain.contains("trace"), "{plain}");
        assert_eq!(told.responses["A"].error, format!("{plain}{expected}"));
        assert_eq!(told.responses["B"].error, "");
        assert!(plugin.stop().await.success());
    }
}
