//! The tasks that send ended spans to the collector.
//!
//! `opentelemetry-otlp` turns a batch into a request of OTLP: it groups, encodes and addresses it. Its exporter for HTTP
//! takes a client; that is `Delivery`, which gets the encoded request and sends it by either protocol, as often and in as
//! many parts as it takes.
//!
//! The crate's other exporter, for gRPC, needs a channel of tonic's own type, around which nothing can be put. It would
//! copy every span for the case that it must be sent again, and it does not tell which spans were rejected, nor for how long
//! the collector wants to be left alone. The request is the same message in both protocols, so nothing is lost without it.

mod answer;
mod delivery;
mod failure;
mod grpc;
mod http;
mod split;
mod status;
mod transport;

use std::sync::Arc;

use opentelemetry_otlp::{
    ExporterBuildError, Protocol, RetryPolicy, SpanExporter, WithExportConfig as _, WithHttpConfig as _,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SpanExporter as _;

use self::delivery::Delivery;
pub(super) use self::status::{ExportState, ExportStatus};
use self::transport::Transport;
use super::config::Destination;
use super::loss::Losses;
use super::queue::{Batch, Queue};
use crate::log::Log;

/// How many requests are on their way at once. With 512 spans each, that suffices for 20,000 spans a second if the
/// collector takes 200 ms to answer.
const TASKS: usize = 8;

/// Exports batches one after the other.
struct Exporter {
    otlp: SpanExporter,
    delivery: Arc<Delivery>,
    queue: Arc<Queue>,
}

/// Starts the tasks, and returns what they know. They end when the provider is gone.
pub(super) fn start(
    destination: &Destination,
    resource: &Resource,
    queue: &Arc<Queue>,
    log: &Log,
) -> Result<Arc<ExportStatus>, ExporterBuildError> {
    let endpoint = destination.endpoint.value.to_string();
    let log = log.with([("collector", endpoint.as_str())]);
    let facts = vec![("endpoint", endpoint), ("protocol", destination.protocol.value.to_string())];
    let status = Arc::new(ExportStatus::new(facts, log));
    let transport = Transport::new(destination);
    for _ in 0..TASKS {
        let delivery = Delivery::new(transport.clone(), Arc::clone(queue), Arc::clone(&status));
        tokio::spawn(Exporter::new(delivery, destination, resource, Arc::clone(queue))?.run());
    }
    Ok(status)
}

// === impl Exporter ===

impl Exporter {
    /// Sets every value: whatever is missing, the crate would take from `OTEL_*` variables.
    fn new(
        delivery: Delivery,
        destination: &Destination,
        resource: &Resource,
        queue: Arc<Queue>,
    ) -> Result<Self, ExporterBuildError> {
        let delivery = Arc::new(delivery);
        let mut otlp = SpanExporter::builder()
            .with_http()
            .with_shared_http_client(delivery.clone())
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(destination.endpoint.value.to_string())
            .with_timeout(*destination.timeout)
            .with_retry_policy(RetryPolicy::disabled())
            .build()?;
        otlp.set_resource(resource);
        Ok(Self { otlp, delivery, queue })
    }

    async fn run(self) {
        while let Some(Batch { id, spans }) = self.queue.batch().await {
            let count = spans.len() as u64;
            // What became of the spans, the delivery says itself; without a word, it was never asked to send them.
            let _ = self.otlp.export(spans).await;
            let lost = self.delivery.take_losses();
            self.queue.exported(id, lost.unwrap_or(Losses { rejected: count, ..Losses::default() }));
        }
    }
}

#[cfg(test)]
mod tests;
