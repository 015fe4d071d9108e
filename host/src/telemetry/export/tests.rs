//! Against a real OTLP receiver, one that hangs, and none.

use std::net::SocketAddr;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::trace::{SpanBuilder, TraceContextExt as _};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tonic::{Code, Request, Response, Status};

use crate::config::Settings;
use crate::log::Log;
use crate::telemetry::{ServiceIdentity, Telemetry, TracingConfig};

/// Longer than any of these tests needs: what they wait for happens first.
const LONG: Duration = Duration::from_secs(60);

/// Passes every request to the test, and replies with what the test has prepared, otherwise with success.
struct Receiver {
    requests: mpsc::UnboundedSender<ExportTraceServiceRequest>,
    answers: tokio::sync::Mutex<mpsc::UnboundedReceiver<Status>>,
}

#[tonic::async_trait]
impl TraceService for Receiver {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.requests.send(request.into_inner()).unwrap();
        match self.answers.lock().await.try_recv() {
            Ok(status) => Err(status),
            Err(_) => Ok(Response::new(ExportTraceServiceResponse::default())),
        }
    }
}

struct Collector {
    address: SocketAddr,
    requests: mpsc::UnboundedReceiver<ExportTraceServiceRequest>,
    answers: mpsc::UnboundedSender<Status>,
}

async fn collector() -> Collector {
    collector_that_accepts(4 << 20).await
}

/// A collector whose limit for a message is that many bytes.
async fn collector_that_accepts(limit: usize) -> Collector {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (requests, received) = mpsc::unbounded_channel();
    let (answers, prepared) = mpsc::unbounded_channel();
    let receiver = Receiver { requests, answers: tokio::sync::Mutex::new(prepared) };
    let incoming = tokio_stream::wrappers::TcpListenerStream::new(listener);
    let service = TraceServiceServer::new(receiver).max_decoding_message_size(limit);
    tokio::spawn(tonic::transport::Server::builder().serve_with_incoming(service, incoming));
    Collector { address, requests: received, answers }
}

fn telemetry(address: impl ToString, log: Log) -> Telemetry {
    let settings: Settings = [("GF_INSTANCE_OTLP_ADDRESS", address.to_string())].into_iter().collect();
    let (config, problems) = TracingConfig::parse(&settings.tracing);
    assert_eq!(problems, []);
    let service = ServiceIdentity { id: "my-plugin".into(), version: "1.0.0".into() };
    Telemetry::start(&config, service, vec![KeyValue::new("mine", "custom")], log)
}

fn end_spans(telemetry: &Telemetry, count: usize) {
    for _ in 0..count {
        let context =
            telemetry.plugin().start(SpanBuilder::from_name("query"), &opentelemetry::Context::new());
        context.span().end();
    }
}

#[tokio::test]
async fn spans_arrive_with_resource_and_scopes() {
    let mut collector = collector().await;
    let telemetry = telemetry(collector.address, Log::memory().0);
    let root = telemetry.host().start(SpanBuilder::from_name("server"), &opentelemetry::Context::new());
    let child = telemetry.plugin().start(SpanBuilder::from_name("query"), &root);
    child.span().end();
    root.span().end();
    telemetry.flush(LONG).await;

    let request = collector.requests.try_recv().unwrap();
    let [resource_spans] = request.resource_spans.as_slice() else { panic!("{request:?}") };
    let attributes = &resource_spans.resource.as_ref().unwrap().attributes;
    let mut keys: Vec<_> = attributes.iter().map(|attribute| attribute.key.as_str()).collect();
    keys.sort_unstable();
    let sdk = ["telemetry.sdk.language", "telemetry.sdk.name", "telemetry.sdk.version"];
    assert_eq!(keys, [&["mine", "service.name", "service.version"][..], &sdk].concat());
    let scopes: Vec<_> = resource_spans
        .scope_spans
        .iter()
        .map(|scope| (scope.scope.as_ref().unwrap().name.as_str(), scope.spans.as_slice()))
        .collect();
    let [("my-plugin", [query]), ("gpx-host", [server])] = scopes.as_slice() else { panic!("{scopes:?}") };
    assert_eq!((query.name.as_str(), server.name.as_str()), ("query", "server"));
    assert_eq!((&query.trace_id, &query.parent_span_id), (&server.trace_id, &server.span_id));
    assert_eq!(telemetry.dropped(), 0);
}

#[tokio::test]
async fn a_collector_may_have_a_name() {
    let mut collector = collector().await;
    let telemetry = telemetry(format!("localhost:{}", collector.address.port()), Log::memory().0);
    end_spans(&telemetry, 1);
    telemetry.flush(LONG).await;
    assert!(collector.requests.try_recv().is_ok());
}

#[tokio::test]
async fn a_retriable_failure_is_tried_again_and_another_is_not() {
    let mut collector = collector().await;
    let (log, lines) = Log::memory();
    let telemetry = telemetry(collector.address, log);
    collector.answers.send(Status::new(Code::Unavailable, "starting")).unwrap();
    end_spans(&telemetry, super::super::queue::BATCH);
    let first = collector.requests.recv().await.unwrap();
    // The pause before the second attempt ends with the flush.
    telemetry.flush(LONG).await;
    assert_eq!(collector.requests.recv().await.unwrap(), first);
    assert_eq!(telemetry.dropped(), 0);

    collector.answers.send(Status::new(Code::InvalidArgument, "no")).unwrap();
    end_spans(&telemetry, 3);
    telemetry.flush(LONG).await;
    assert_eq!(telemetry.dropped(), 3);
    let text = lines.text();
    assert!(text.contains(r#""@level":"warn""#) && text.contains(r#""error":"no""#), "{text}");
}

#[tokio::test]
async fn without_a_collector_a_flush_counts_what_is_lost() {
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let (log, lines) = Log::memory();
    let telemetry = telemetry(gone, log);
    end_spans(&telemetry, 5);
    telemetry.flush(LONG).await;
    assert_eq!(telemetry.dropped(), 5);
    let text = lines.text();
    assert!(text.contains("Spans are lost") && text.contains("refused"), "{text}");
    assert!(text.contains(&gone.to_string()), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_collector_that_hangs_does_not_hold_a_flush_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let telemetry = telemetry(listener.local_addr().unwrap(), Log::memory().0);
    end_spans(&telemetry, 5);
    let start = tokio::time::Instant::now();
    telemetry.flush(Duration::from_millis(1500)).await;
    assert_eq!(start.elapsed(), Duration::from_millis(1500));
    assert_eq!(telemetry.dropped(), 5);
}

/// Returns the names of the spans that arrived, and of how many messages.
fn arrived(collector: &mut Collector) -> (Vec<String>, usize) {
    let (mut names, mut messages) = (Vec::new(), 0);
    while let Ok(request) = collector.requests.try_recv() {
        messages += 1;
        let scopes = request.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
        names.extend(scopes.flat_map(|scope| scope.spans).map(|span| span.name));
    }
    (names, messages)
}

#[tokio::test]
async fn spans_that_are_too_large_for_the_collector_are_lost_alone() {
    let mut collector = collector_that_accepts(20_000).await;
    let (log, lines) = Log::memory();
    let telemetry = telemetry(collector.address, log);
    for index in 0..super::super::queue::BATCH {
        // Two that can never pass, and some that pass only with few others.
        let (name, text) = match index {
            100 | 301 => ("too large", 30_000),
            _ if index % 50 == 7 => ("large", 8000),
            _ => ("small", 1),
        };
        let attributes = [KeyValue::new("text", "x".repeat(text))];
        let builder = SpanBuilder::from_name(name).with_attributes(attributes);
        telemetry.plugin().start(builder, &opentelemetry::Context::new()).span().end();
    }
    telemetry.flush(LONG).await;
    let (names, messages) = arrived(&mut collector);
    let count = |name| names.iter().filter(|arrived| *arrived == name).count();
    assert_eq!((count("small"), count("large"), count("too large")), (499, 11, 0));
    assert_eq!(telemetry.dropped(), 2);
    assert!(messages < 50, "{messages}");
    let text = lines.text();
    assert_eq!(text.matches("larger than the collector's limit").count(), 1, "{text}");
    assert!(!text.contains("Spans are lost"), "{text}");
}

#[tokio::test]
async fn what_is_too_large_together_is_sent_in_parts() {
    let mut collector = collector().await;
    let telemetry = telemetry(collector.address, Log::memory().0);
    for _ in 0..60 {
        let builder = SpanBuilder::from_name("x".repeat(100_000));
        telemetry.plugin().start(builder, &opentelemetry::Context::new()).span().end();
    }
    telemetry.flush(LONG).await;
    let (names, messages) = arrived(&mut collector);
    // The receiver was never asked to take more than it accepts.
    assert_eq!((names.len(), messages, telemetry.dropped()), (60, 2, 0));
}
