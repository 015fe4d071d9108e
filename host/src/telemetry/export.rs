//! The one task that sends ended spans to the collector, by OTLP over gRPC.
//!
//! This is not the exporter of `opentelemetry-otlp`: that one always takes headers and compression from `OTEL_*`
//! variables, and it copies every batch, although the copy is needed only for another attempt.

mod codec;
mod split;

use std::sync::Arc;
use std::time::Duration;

use http::uri::PathAndQuery;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::Resource;
use prost::Message as _;
use tokio::time::{Instant, timeout};
use tonic::client::Grpc;
use tonic::transport::Channel;
use tonic::{Code, Status};

use self::codec::SharedCodec;
use super::config::Destination;
use super::connect;
use super::queue::Queue;
use crate::log::{Log, Value};

const METHOD: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

/// For one attempt; OTLP's default.
const ATTEMPT: Duration = Duration::from_secs(10);

/// The pauses between attempts double from the first to the longest, and a batch is given up after a minute, as in the
/// Go SDK. Meanwhile the queue bounds what accumulates.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
const PATIENCE: Duration = Duration::from_secs(60);

/// Returns a future that exports until the provider is gone.
pub(super) fn run(
    destination: &Destination,
    resource: &Resource,
    queue: Arc<Queue>,
    log: Log,
) -> impl Future<Output = ()> + use<> {
    let resource = ResourceAttributesWithSchema::from(resource);
    let collector = destination.endpoint.authority().map(ToString::to_string).unwrap_or_default();
    let log = log.with([("collector", Value::from(collector))]);
    let channel = connect::channel(&destination.endpoint);
    async move {
        let grpc = Grpc::new(channel);
        let mut exporter = Exporter { grpc, queue, log, failing: false, refusing: false };
        while let Some(spans) = exporter.queue.batch().await {
            let resource_spans = group_spans_by_resource_and_scope(spans, &resource);
            let lost = exporter.export(ExportTraceServiceRequest { resource_spans }).await;
            exporter.queue.exported(lost);
        }
    }
}

struct Exporter {
    grpc: Grpc<Channel>,
    queue: Arc<Queue>,
    log: Log,
    /// The last batch was lost, and the log says so.
    failing: bool,
    /// The last batch had spans that are too large for the collector, and the log says so.
    refusing: bool,
}

// === impl Exporter ===

impl Exporter {
    /// Sends a batch, or what is left of it in ever smaller parts: a span that is too large is lost alone. Returns how
    /// many of the spans did not arrive.
    async fn export(&mut self, batch: ExportTraceServiceRequest) -> u64 {
        let start = Instant::now();
        let (mut lost, mut too_large) = (0, None);
        let mut parts = vec![batch];
        while let Some(part) = parts.pop() {
            let count = split::count(&part);
            let part = Arc::new(part);
            match self.send(&part, start).await {
                Ok(response) => lost += self.arrived(response),
                Err(status) if split::is_too_large(&status) => {
                    // The collector answers, so what may have been wrong with it is over.
                    self.failing = false;
                    if count > 1 {
                        let [first, second] = split::halves(Arc::unwrap_or_clone(part));
                        parts.extend([second, first]);
                    } else {
                        lost += count as u64;
                        too_large.get_or_insert((status, part.encoded_len()));
                    }
                }
                Err(status) => {
                    lost += count as u64;
                    self.failed(&status, count);
                }
            }
        }
        self.refused(too_large);
        lost
    }

    /// Returns how many of the spans the collector rejected.
    fn arrived(&mut self, response: ExportTraceServiceResponse) -> u64 {
        if std::mem::take(&mut self.failing) {
            self.log.info("Spans are exported again", &[("dropped", self.queue.dropped().into())]);
        }
        let partial = response.partial_success.unwrap_or_default();
        if partial.rejected_spans > 0 || !partial.error_message.is_empty() {
            let rejected = ("rejected", Value::from(partial.rejected_spans));
            let error = ("error", Value::from(partial.error_message));
            self.log.warn("The collector did not take every span", &[rejected, error]);
        }
        u64::try_from(partial.rejected_spans).unwrap_or(0)
    }

    /// Says once per outage that spans are lost: a collector that is down would fill the log.
    fn failed(&mut self, status: &Status, count: usize) {
        if !std::mem::replace(&mut self.failing, true) {
            let error = ("error", Value::from(explain(status)));
            let remedy = "Spans are lost: check that the collector runs and takes OTLP over gRPC without TLS";
            self.log.warn(remedy, &[error, ("spans", (count as u64).into())]);
        }
    }

    /// Says once that the collector's limit is too low, until a batch passes.
    fn refused(&mut self, too_large: Option<(Status, usize)>) {
        let Some((status, bytes)) = too_large else {
            self.refusing = false;
            return;
        };
        if !std::mem::replace(&mut self.refusing, true) {
            let error = ("error", Value::from(explain(&status)));
            let remedy =
                "A span that is larger than the collector's limit for a message is lost: raise that limit";
            self.log.warn(remedy, &[error, ("bytes", (bytes as u64).into())]);
        }
    }

    /// Tries until the collector has given a final answer, or the time since `start` is up. During a flush the first failure is final.
    async fn send(
        &mut self,
        request: &Arc<ExportTraceServiceRequest>,
        start: Instant,
    ) -> Result<ExportTraceServiceResponse, Status> {
        let mut pause = FIRST_PAUSE;
        loop {
            let hurry = self.queue.hurry();
            let attempt = timeout(ATTEMPT, self.attempt(Arc::clone(request))).await;
            match attempt.unwrap_or_else(|_| Err(Status::deadline_exceeded("no answer in time"))) {
                Ok(response) => return Ok(response),
                Err(status) if hurry || !may_pass_later(&status) || start.elapsed() + pause > PATIENCE => {
                    return Err(status);
                }
                Err(_) => self.queue.pause(pause).await,
            }
            pause = LONGEST_PAUSE.min(pause * 2);
        }
    }

    async fn attempt(
        &mut self,
        request: Arc<ExportTraceServiceRequest>,
    ) -> Result<ExportTraceServiceResponse, Status> {
        self.grpc.ready().await.map_err(|error| Status::from_error(error.into()))?;
        let path = PathAndQuery::from_static(METHOD);
        let response = self.grpc.unary(tonic::Request::new(request), path, SharedCodec).await?;
        Ok(response.into_inner())
    }
}

/// A request that is too large never passes, whatever OTLP says about its code.
fn may_pass_later(status: &Status) -> bool {
    is_retriable(status) && !split::is_too_large(status)
}

/// OTLP's list. A status with a source was made on this side, because the connection failed.
fn is_retriable(status: &Status) -> bool {
    use std::error::Error as _;
    let codes = [
        Code::Cancelled,
        Code::DeadlineExceeded,
        Code::Aborted,
        Code::OutOfRange,
        Code::Unavailable,
        Code::DataLoss,
    ];
    codes.contains(&status.code()) || status.source().is_some()
}

/// The message with those of its causes: a transport's own message says no more than that it failed.
fn explain(status: &Status) -> String {
    let mut text = status.message().to_owned();
    let mut cause = std::error::Error::source(status);
    while let Some(error) = cause {
        let message = error.to_string();
        if !text.contains(&message) {
            text = format!("{text}: {message}");
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests;
