//! One attempt to hand a request to the collector, by either of OTLP's protocols.

use std::time::Duration;

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use tokio::time::{Instant, timeout};

use super::answer::Unanswered;
use super::failure::Failure;
use super::grpc::{self, GrpcTransport};
use super::http::{self, HttpTransport};
use crate::telemetry::cause::Cause;
use crate::telemetry::config::{Destination, Protocol};
use crate::telemetry::connect::{Connector, Faults};
use crate::text::Scrub;

/// How many bytes of what the collector says are shown.
const MAX_SAID: usize = 512;

/// Sends one request at a time. A clone sends its own beside those of the others.
#[derive(Clone)]
pub(super) struct Transport {
    wire: Wire,
    timeout: Duration,
    faults: Faults,
    /// The headers may be echoed.
    scrub: Scrub,
}

#[derive(Clone)]
enum Wire {
    Grpc(GrpcTransport),
    Http(HttpTransport),
}

// === impl Transport ===

impl Transport {
    pub(super) fn new(destination: &Destination) -> Self {
        let alpn = match *destination.protocol {
            Protocol::Grpc => grpc::ALPN,
            Protocol::HttpProtobuf => http::ALPN,
        };
        let connector = Connector::new(destination.tls.clone(), alpn);
        let faults = connector.faults().clone();
        let wire = match *destination.protocol {
            Protocol::Grpc => Wire::Grpc(GrpcTransport::new(destination, connector)),
            Protocol::HttpProtobuf => Wire::Http(HttpTransport::new(destination, connector)),
        };
        Self { wire, timeout: *destination.timeout, faults, scrub: destination.scrub() }
    }

    /// Fails if there is no answer within the destination's time limit.
    pub(super) async fn send(&mut self, request: &Bytes) -> Result<ExportTraceServiceResponse, Failure> {
        let start = Instant::now();
        let sent = async {
            match &mut self.wire {
                Wire::Grpc(grpc) => grpc.send(request).await,
                Wire::Http(http) => http.send(request).await,
            }
        };
        let answer = match timeout(self.timeout, sent).await {
            Ok(Ok(mut response)) => {
                if let Some(partial) = &mut response.partial_success {
                    let said = std::mem::take(&mut partial.error_message);
                    partial.error_message = self.scrub.shorten(said, MAX_SAID);
                }
                return Ok(response);
            }
            Ok(Err(Unanswered::ByCollector(failure))) => failure,
            // Where it went wrong is known better where it did.
            Ok(Err(Unanswered::OnTheWay(text))) => match self.faults.since(start) {
                Some(fault) => Failure::of_network(fault.cause, fault.text),
                None => Failure::of_network(Cause::Broken, text),
            },
            Err(_) => Failure::of_network(
                Cause::Timeout,
                format!("no answer within {}", crate::log::duration(self.timeout)),
            ),
        };
        Err(Failure { text: self.scrub.shorten(answer.text, MAX_SAID), ..answer })
    }
}
