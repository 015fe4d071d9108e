//! Against real receivers of OTLP, some that misbehave, and none.

mod grpc;
mod http;
mod load;
mod outage;
mod receiver;
mod tls;

use std::time::Duration;

use opentelemetry::trace::{SpanBuilder, TraceContextExt as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;

use crate::config::Settings;
use crate::log::Log;
use crate::telemetry::loss::Losses;
use crate::telemetry::queue::BATCH;
use crate::telemetry::{ServiceIdentity, Telemetry, TracingConfig};

/// Longer than any of these tests needs: what they wait for happens first.
const LONG: Duration = Duration::from_secs(60);

/// Starts tracing with these keys of the plugin's section.
fn telemetry(settings: &[(&str, &str)], log: Log) -> Telemetry {
    let variables = settings
        .iter()
        .map(|(key, value)| (format!("GF_PLUGIN_{}", key.to_uppercase()), (*value).to_owned()));
    let settings: Settings = variables.collect();
    assert_eq!(settings.problems, []);
    let (config, problems) = TracingConfig::parse(&settings.tracing);
    assert_eq!(problems, []);
    let service = ServiceIdentity { id: "my-plugin".into(), version: "1.0.0".into() };
    Telemetry::start(&config, service, vec![KeyValue::new("mine", "custom")], std::sync::Arc::default(), log)
}

/// Starts tracing to `endpoint`, by gRPC.
fn to(endpoint: &str, log: Log) -> Telemetry {
    telemetry(&[("gpx_otlp_endpoint", endpoint)], log)
}

/// Keeps simulated time from running ahead while only the network is waited for, which is real: each millisecond takes a
/// little time.
fn metronome() {
    tokio::spawn(async {
        loop {
            tokio::time::sleep(Duration::from_millis(1)).await;
            let _ = tokio::task::spawn_blocking(|| std::thread::sleep(Duration::from_micros(50))).await;
        }
    });
}

fn end_spans(telemetry: &Telemetry, count: usize) {
    for _ in 0..count {
        end_span(telemetry, "query", 0);
    }
}

/// Ends a span with an attribute of so many bytes.
fn end_span(telemetry: &Telemetry, name: &'static str, bytes: usize) {
    let attributes = [KeyValue::new("text", "x".repeat(bytes))];
    let builder = SpanBuilder::from_name(name).with_attributes(attributes);
    telemetry.plugin().start(builder, &Context::new()).span().end();
}

/// Returns the names of the spans in a request.
fn names(request: ExportTraceServiceRequest) -> Vec<String> {
    let scopes = request.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
    scopes.flat_map(|scope| scope.spans).map(|span| span.name).collect()
}

fn rejected(spans: u64) -> Losses {
    Losses { rejected: spans, ..Losses::default() }
}

fn failed(spans: u64) -> Losses {
    Losses { failed: spans, ..Losses::default() }
}

/// Returns how many requests had that result.
fn attempts(telemetry: &Telemetry, result: &str) -> u64 {
    let attempts = telemetry.export_attempts().into_iter().find(|(name, _)| *name == result);
    attempts.map(|(_, count)| count).unwrap()
}
