//! Ends a call with a clear status once its caller's deadline has passed.
//!
//! tonic has its own layer for that, but that one answers `Cancelled`, as if the caller had hung up.

use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until, timeout_at};
use tonic::Status;
use tower_layer::Layer;
use tower_service::Service;

use super::response::{BoxFuture, trailers};
use crate::call::CallerDeadline;

/// Timers have a resolution of 1 ms, and tonic's starts a little before ours; ours must fire first.
const EARLY: Duration = Duration::from_millis(2);

/// The layer, and the service once it wraps one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DeadlineLayer;

#[derive(Clone, Debug)]
pub(crate) struct DeadlineService<S> {
    inner: S,
}

/// A reply that is aborted at the deadline.
#[derive(Debug)]
pub(crate) struct DeadlineBody<B> {
    /// `None` once there is nothing left to send.
    inner: Option<B>,
    deadline: Option<CallerDeadline>,
    /// Set as soon as the reply must be waited for: most replies are ready at once.
    sleep: Option<Pin<Box<Sleep>>>,
}

/// Returns the deadline of a request that arrives now.
pub(super) fn of_headers(headers: &HeaderMap) -> Option<CallerDeadline> {
    let timeout = timeout(headers.get("grpc-timeout")?.as_bytes())?;
    Instant::now().checked_add(timeout.saturating_sub(EARLY)).map(CallerDeadline)
}

/// Parses `Timeout` as in gRPC over HTTP/2: at most eight digits and a unit.
fn timeout(value: &[u8]) -> Option<Duration> {
    let (unit, digits) = value.split_last()?;
    if digits.is_empty() || digits.len() > 8 {
        return None;
    }
    let number = digits.iter().try_fold(0, |number: u64, digit| {
        digit.is_ascii_digit().then(|| number * 10 + u64::from(digit - b'0'))
    })?;
    match unit {
        b'H' => Some(Duration::from_secs(number * 3600)),
        b'M' => Some(Duration::from_secs(number * 60)),
        b'S' => Some(Duration::from_secs(number)),
        b'm' => Some(Duration::from_millis(number)),
        b'u' => Some(Duration::from_micros(number)),
        b'n' => Some(Duration::from_nanos(number)),
        _ => None,
    }
}

fn exceeded() -> Status {
    Status::deadline_exceeded("the caller's deadline has passed")
}

// === impl DeadlineLayer ===

impl<S> Layer<S> for DeadlineLayer {
    type Service = DeadlineService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        DeadlineService { inner }
    }
}

// === impl DeadlineService ===

impl<S, R, B> Service<Request<R>> for DeadlineService<S>
where
    S: Service<Request<R>, Response = Response<B>>,
    S::Future: Send + 'static,
{
    type Response = Response<DeadlineBody<B>>;
    type Error = S::Error;
    type Future = BoxFuture<Self::Response, S::Error>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<R>) -> Self::Future {
        // A layer further out that waited before this one has already set the deadline, when the request arrived.
        let known = request.extensions().get::<CallerDeadline>().copied();
        let deadline = known.or_else(|| of_headers(request.headers()));
        if let Some(deadline) = deadline {
            request.extensions_mut().insert(deadline);
        }
        let handler = self.inner.call(request);
        Box::pin(async move {
            let response = match deadline {
                None => handler.await?,
                Some(CallerDeadline(at)) => match timeout_at(at, handler).await {
                    Ok(response) => response?,
                    Err(_) => return Ok(exceeded().into_http().map(|()| DeadlineBody::new(None, None))),
                },
            };
            Ok(response.map(|body| DeadlineBody::new(Some(body), deadline)))
        })
    }
}

// === impl DeadlineBody ===

impl<B> DeadlineBody<B> {
    fn new(inner: Option<B>, deadline: Option<CallerDeadline>) -> Self {
        Self { inner, deadline, sleep: None }
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for DeadlineBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.get_mut();
        let Some(inner) = &mut this.inner else { return Poll::Ready(None) };
        if let ready @ Poll::Ready(_) = pin!(inner).poll_frame(context) {
            return ready;
        }
        let Some(CallerDeadline(at)) = this.deadline else { return Poll::Pending };
        let sleep = this.sleep.get_or_insert_with(|| Box::pin(sleep_until(at)));
        if sleep.as_mut().poll(context).is_pending() {
            return Poll::Pending;
        }
        this.inner = None;
        Poll::Ready(Some(Ok(trailers(&exceeded()))))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

#[cfg(test)]
mod tests;
