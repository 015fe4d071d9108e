use std::time::Duration;

use http_body_util::BodyExt as _;
use opentelemetry::trace::TraceContextExt as _;
use opentelemetry_sdk::trace::SpanData;
use tonic::Code;
use tonic::body::Body as TonicBody;

use super::*;
use crate::log::Log;
use crate::plugin::{LoadError, loading};
use crate::serve::layer::deadline::DeadlineLayer;
use crate::serve::layer::fake::{Fake, connect, framed, reply};
use crate::serve::layer::panic::PanicLayer;
use crate::telemetry::Telemetry;
use crate::telemetry::test::{Ended, recording};

const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn address(network: &'static str, address: &str) -> Address {
    Address { network, address: address.to_owned() }
}

/// Returns what is loaded for a plugin without a component, which the layer does not need.
fn loaded(telemetry: Telemetry) -> Loaded {
    let plugin = Err(LoadError::Host { reason: String::new() });
    Loaded { plugin, telemetry, refused: None }
}

fn current(telemetry: Telemetry) -> Current {
    let (loading, current) = loading();
    loading.loaded(loaded(telemetry));
    current
}

struct Setup {
    metrics: Metrics,
    layer: ObserveLayer,
    ended: Ended,
}

fn setup(address: &Address) -> Setup {
    let (telemetry, ended) = recording();
    let metrics = Metrics::unattached();
    let layer = ObserveLayer::new(
        current(telemetry),
        Shutdown::new(),
        metrics.clone(),
        address,
        OpenSpans::default(),
    );
    Setup { metrics, layer, ended }
}

fn unix() -> Setup {
    setup(&address("unix", "/tmp/plugin"))
}

fn request(path: &str) -> Request<TonicBody> {
    let mut request = Request::new(TonicBody::empty());
    *request.uri_mut() = path.parse().unwrap();
    request.headers_mut().insert("traceparent", TRACEPARENT.parse().unwrap());
    request
}

fn attributes(span: &SpanData) -> Vec<(String, String)> {
    span.attributes.iter().map(|pair| (pair.key.to_string(), pair.value.to_string())).collect()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

#[tokio::test]
async fn a_call_that_succeeds_has_one_span_and_its_metrics() {
    let Setup { metrics, layer, ended } = unix();
    let seen = Arc::new(std::sync::OnceLock::new());
    let handler = Fake::new({
        let seen = Arc::clone(&seen);
        move |request| {
            let ServerContext(context) = request.extensions().get().unwrap();
            seen.set(context.span().span_context().clone()).unwrap();
            Box::pin(async { Ok(reply(&[b"one", b"two"], &Status::ok(""))) })
        }
    });
    let response = layer.layer(handler).call(request("/pluginv2.Data/QueryData")).await.unwrap();
    assert!(ended.spans().is_empty());
    response.into_body().collect().await.unwrap();

    let [span] = ended.spans().try_into().unwrap();
    assert_eq!(span.name, "pluginv2.Data/QueryData");
    assert_eq!(span.span_kind, opentelemetry::trace::SpanKind::Server);
    assert_eq!(span.parent_span_id.to_string(), "00f067aa0ba902b7");
    assert!(span.parent_span_is_remote);
    assert_eq!(&span.span_context, seen.get().unwrap());
    assert_eq!(span.status, opentelemetry::trace::Status::Unset);
    let expected = [
        ("rpc.system.name", "grpc"),
        ("rpc.method", "pluginv2.Data/QueryData"),
        ("server.address", "/tmp/plugin"),
        ("rpc.response.status_code", "OK"),
    ];
    assert_eq!(attributes(&span), pairs(&expected));

    let text = metrics.text().unwrap();
    let labels = r#"grpc_method="QueryData",grpc_service="pluginv2.Data",grpc_type="unary""#;
    for line in [
        format!("grpc_server_started_total{{{labels}}} 1"),
        format!(r#"grpc_server_handled_total{{grpc_code="OK",{labels}}} 1"#),
        format!("grpc_server_msg_received_total{{{labels}}} 1"),
        format!("grpc_server_msg_sent_total{{{labels}}} 2"),
        format!("grpc_server_handling_seconds_count{{{labels}}} 1"),
    ] {
        assert!(text.lines().any(|text| text == line), "{line} is not in\n{text}");
    }
}

#[tokio::test]
async fn an_error_is_seen_in_headers_and_in_trailers() {
    let Setup { metrics, layer, ended } = setup(&address("tcp", "127.0.0.1:4242"));
    let only_headers = Fake::new(|_| Box::pin(async { Ok(Status::internal("broken é").into_http()) }));
    layer.layer(only_headers).call(request("/pluginv2.Data/QueryData")).await.unwrap();
    let trailers = Fake::new(|_| Box::pin(async { Ok(reply(&[], &Status::not_found("no"))) }));
    let response = layer.layer(trailers).call(request("/pluginv2.Resource/CallResource")).await.unwrap();
    response.into_body().collect().await.unwrap();

    let [internal, not_found] = ended.spans().try_into().unwrap();
    assert_eq!(internal.status, opentelemetry::trace::Status::error("broken é"));
    let internal = attributes(&internal);
    assert!(internal.ends_with(&pairs(&[("server.port", "4242"), ("rpc.response.status_code", "INTERNAL")])));
    assert!(internal.contains(&("server.address".into(), "127.0.0.1".into())));
    assert_eq!(not_found.status, opentelemetry::trace::Status::Unset);
    assert_eq!(attributes(&not_found).last().unwrap().1, "NOT_FOUND");
    let text = metrics.text().unwrap();
    assert!(text.contains(r#"grpc_code="Internal",grpc_method="QueryData""#));
    assert!(text.contains(r#"grpc_code="NotFound",grpc_method="CallResource""#));
}

#[tokio::test]
async fn a_caller_that_hangs_up_ends_the_span_as_cancelled() {
    let Setup { metrics, layer, ended } = unix();
    let pending = Fake::new(|_| Box::pin(std::future::pending()));
    let mut call = layer.layer(pending).call(request("/pluginv2.Data/QueryData"));
    assert!(futures_util::poll!(&mut call).is_pending());
    drop(call);
    let unread = Fake::new(|_| Box::pin(async { Ok(reply(&[b"one"], &Status::ok(""))) }));
    drop(layer.layer(unread).call(request("/pluginv2.Data/QueryData")).await.unwrap());

    let spans = ended.spans();
    assert_eq!(spans.len(), 2);
    for span in spans {
        assert_eq!(attributes(&span).last().unwrap().1, "CANCELLED");
        assert_eq!(span.status, opentelemetry::trace::Status::Unset);
    }
    assert!(metrics.text().unwrap().contains(r#"grpc_type="unary"} 2"#));
    assert!(metrics.text().unwrap().contains(r#"grpc_code="Canceled""#));
}

#[tokio::test]
async fn calls_of_other_services_are_counted_but_not_traced() {
    let Setup { metrics, layer, ended } = unix();
    let handler = Fake::new(|request| {
        Box::pin(async {
            request.into_body().collect().await.unwrap();
            Ok(reply(&[b"one"], &Status::ok("")))
        })
    });
    for path in
        ["/plugin.GRPCStdio/StreamStdio", "/plugin.GRPCBroker/StartStream", "/grpc.health.v1.Health/Check"]
    {
        let messages = [framed(b"first"), framed(b"second")].concat();
        let request = request(path).map(|_| TonicBody::new(http_body_util::Full::<Bytes>::from(messages)));
        let response = layer.layer(handler.clone()).call(request).await.unwrap();
        response.into_body().collect().await.unwrap();
    }
    assert_eq!(ended.spans().len(), 0);
    let text = metrics.text().unwrap();
    for (method, service, kind, received) in [
        ("StreamStdio", "plugin.GRPCStdio", "server_stream", 1),
        ("StartStream", "plugin.GRPCBroker", "bidi_stream", 2),
        ("Check", "grpc.health.v1.Health", "unary", 1),
    ] {
        let labels = format!(r#"grpc_method="{method}",grpc_service="{service}",grpc_type="{kind}""#);
        for line in [
            format!("grpc_server_started_total{{{labels}}} 1"),
            format!(r#"grpc_server_handled_total{{grpc_code="OK",{labels}}} 1"#),
            format!("grpc_server_msg_received_total{{{labels}}} {received}"),
            format!("grpc_server_msg_sent_total{{{labels}}} 1"),
        ] {
            assert!(text.lines().any(|text| text == line), "{line} is not in\n{text}");
        }
    }
}

#[tokio::test]
async fn unknown_methods_make_no_series() {
    let Setup { metrics, layer, ended } = unix();
    let handler = Fake::new(|_| Box::pin(async { Ok(Status::unimplemented("").into_http()) }));
    for path in ["/invented.Service/Call", "/pluginv2.Data/Invented"] {
        layer.layer(handler.clone()).call(request(path)).await.unwrap();
    }
    let [span] = ended.spans().try_into().unwrap();
    assert_eq!(span.name, "pluginv2.Data/Invented");
    assert!(!metrics.text().unwrap().contains("grpc_server"));
}

#[tokio::test(start_paused = true)]
async fn calls_wait_for_the_component_but_not_beyond_their_deadline() {
    let (telemetry, ended) = recording();
    let (ready, current) = loading();
    let layer = ObserveLayer::new(
        current,
        Shutdown::new(),
        Metrics::unattached(),
        &address("unix", "s"),
        OpenSpans::default(),
    );
    let handler = Fake::new(|request| {
        assert!(request.extensions().get::<CallerDeadline>().is_some());
        Box::pin(async { Ok(Status::ok("").into_http()) })
    });
    let mut hasty = request("/pluginv2.Data/QueryData");
    hasty.headers_mut().insert("grpc-timeout", "100m".parse().unwrap());
    let response = layer.layer(handler.clone()).call(hasty).await.unwrap();
    assert_eq!(Status::from_header_map(response.headers()).unwrap().code(), Code::DeadlineExceeded);

    let mut patient = request("/pluginv2.Data/QueryData");
    patient.headers_mut().insert("grpc-timeout", "1H".parse().unwrap());
    let waiting = layer.layer(handler).call(patient);
    let load = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        ready.loaded(loaded(telemetry));
    };
    let (response, ()) = tokio::join!(waiting, load);
    assert_eq!(Status::from_header_map(response.unwrap().headers()).unwrap().code(), Code::Ok);
    assert_eq!(ended.spans().len(), 1);
}

#[tokio::test]
async fn without_tracing_the_callers_context_is_passed_on() {
    let layer = ObserveLayer::new(
        current(Telemetry::default()),
        Shutdown::new(),
        Metrics::unattached(),
        &address("unix", "s"),
        OpenSpans::default(),
    );
    let handler = Fake::new(|request| {
        let ServerContext(context) = request.extensions().get().unwrap();
        assert_eq!(context.span().span_context().span_id().to_string(), "00f067aa0ba902b7");
        Box::pin(async { Ok(Status::ok("").into_http()) })
    });
    layer.layer(handler).call(request("/pluginv2.Data/QueryData")).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_layers_work_together_under_tonics_server() {
    let (telemetry, ended) = recording();
    let (ready, current) = loading();
    let observe = ObserveLayer::new(
        current,
        Shutdown::new(),
        Metrics::unattached(),
        &address("unix", "s"),
        OpenSpans::default(),
    );
    let handler = Fake::new(|request| match request.uri().path() {
        "/pluginv2.Data/QueryData" => Box::pin(std::future::pending()),
        _ => panic!("a bug in the handler"),
    });
    let panic = PanicLayer::new(Log::memory().0);
    let mut sender = connect(observe.layer(panic.layer(DeadlineLayer.layer(handler)))).await;
    let mut code = async |path: &str| {
        let mut request = request(&format!("http://plugin{path}"));
        request.headers_mut().insert("grpc-timeout", "50m".parse().unwrap());
        let response = sender.send_request(request).await.unwrap();
        Status::from_header_map(response.headers()).unwrap().code()
    };
    // Before the component is loaded, and after.
    assert_eq!(code("/pluginv2.Data/QueryData").await, Code::DeadlineExceeded);
    ready.loaded(loaded(telemetry));
    assert_eq!(code("/pluginv2.Data/QueryData").await, Code::DeadlineExceeded);
    assert_eq!(code("/pluginv2.Diagnostics/CheckHealth").await, Code::Unknown);
    let codes: Vec<_> = ended.spans().iter().map(|span| attributes(span).last().unwrap().1.clone()).collect();
    assert_eq!(codes, ["DEADLINE_EXCEEDED", "UNKNOWN"]);
}
