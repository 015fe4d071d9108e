//! Delivers an encoded request: again if that may help, and in parts if it is too large.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use opentelemetry_http::{HttpClient, HttpError, Request, Response};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use tokio::time::Instant;

use super::failure::{Again, Failure};
use super::split;
use super::status::ExportStatus;
use super::transport::Transport;
use crate::telemetry::cause::Cause;
use crate::telemetry::loss::Losses;
use crate::telemetry::queue::Queue;

/// The pauses between attempts double from the first to the longest, and a batch is given up after a minute, as in the
/// Go SDK. Meanwhile the queue bounds what accumulates.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
const PATIENCE: Duration = Duration::from_secs(60);

/// What the exporter of `opentelemetry-otlp` takes for an HTTP client.
pub(super) struct Delivery {
    transport: tokio::sync::Mutex<Transport>,
    queue: Arc<Queue>,
    status: Arc<ExportStatus>,
    /// Of the last batch: the exporter has no way to pass it on.
    losses: Mutex<Option<Losses>>,
}

// === impl Delivery ===

impl Delivery {
    pub(super) fn new(transport: Transport, queue: Arc<Queue>, status: Arc<ExportStatus>) -> Self {
        Self { transport: transport.into(), queue, status, losses: Mutex::default() }
    }

    /// Returns what became of the last batch. `None` if it has not been delivered at all.
    pub(super) fn take_losses(&self) -> Option<Losses> {
        self.losses.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Sends a batch, or what is left of it in ever smaller parts: a span that is too large is lost alone.
    pub(super) async fn deliver(&self, batch: Bytes) -> Losses {
        let start = Instant::now();
        let mut lost = Losses::default();
        // The smallest request that was too large, and what the collector said of it.
        let (mut limit, mut refusal) = (usize::MAX, String::new());
        let mut parts = vec![batch];
        while let Some(part) = parts.pop() {
            if part.len() < limit {
                match self.send(&part, start).await {
                    Ok(response) => {
                        let rejected = self.status.taken(response);
                        if rejected > 0 {
                            lost.rejected += rejected.min(split::count(&part));
                        }
                        continue;
                    }
                    Err(Failure { cause: Cause::TooLarge, text, .. }) => {
                        (limit, refusal) = (part.len(), text);
                    }
                    Err(failure) if failure.again == Again::Never => {
                        lost.rejected += split::count(&part);
                        continue;
                    }
                    Err(_) => {
                        lost.failed += split::count(&part);
                        continue;
                    }
                }
            }
            match split::halves(&part) {
                Some([small, large]) => parts.extend([large, small]),
                None => lost.too_large += 1,
            }
        }
        if lost.too_large > 0 {
            self.status.lost_too_large(lost.too_large, limit, refusal);
        }
        lost
    }

    /// Tries until the collector has given a final answer, or the time since `start` is up. During a flush the first
    /// failure is final.
    async fn send(&self, request: &Bytes, start: Instant) -> Result<ExportTraceServiceResponse, Failure> {
        let mut pause = FIRST_PAUSE;
        loop {
            self.queue.pause(self.status.left_alone()).await;
            let hurry = self.queue.hurry();
            let failure = match self.transport.lock().await.send(request).await {
                Ok(response) => return Ok(response),
                Err(failure) => failure,
            };
            self.status.failed(&failure);
            let wait = match failure.again {
                Again::Never => return Err(failure),
                Again::Later => pause,
                Again::After(wait) => {
                    self.status.leave_alone(wait.min(PATIENCE));
                    wait
                }
            };
            if hurry || start.elapsed().saturating_add(wait) > PATIENCE {
                return Err(failure);
            }
            self.queue.pause(wait).await;
            self.status.retried();
            pause = LONGEST_PAUSE.min(pause * 2);
        }
    }
}

#[tonic::async_trait]
impl HttpClient for Delivery {
    /// Never fails: what became of the spans is in `losses`.
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let lost = self.deliver(request.into_body()).await;
        *self.losses.lock().unwrap_or_else(PoisonError::into_inner) = Some(lost);
        Ok(Response::new(Bytes::new()))
    }
}

impl std::fmt::Debug for Delivery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Delivery").finish_non_exhaustive()
    }
}
