//! A response's body as it arrives: within its time, and with its connection going back to the pool at its end.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Incoming;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, Sleep, sleep_until};

use super::Error;
use super::connection::Connection;
use super::origin::Origin;
use super::pool::Pool;

pub type ResponseBody = UnsyncBoxBody<Bytes, Error>;

/// Dropping it before its end closes the connection, which is how a peer learns that nobody reads on.
pub(super) struct Streamed {
    incoming: Incoming,
    lease: Option<Lease>,
    authority: String,
    limits: Vec<Limit>,
}

/// A connection and where it goes when the exchange is over.
pub(super) struct Lease {
    pub(super) connection: Connection,
    pub(super) origin: Origin,
    pub(super) pool: Arc<Pool>,
    pub(super) _slot: Option<OwnedSemaphorePermit>,
}

/// A time by which something must have come.
pub(super) struct Limit {
    sleep: Pin<Box<Sleep>>,
    limit: Duration,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The whole body.
    Total,
    /// The next part of it.
    Pause,
}

// === impl Streamed ===

impl Streamed {
    pub(super) fn new(incoming: Incoming, lease: Lease, limits: Vec<Limit>) -> Self {
        let authority = lease.origin.authority();
        let mut body = Self { incoming, lease: Some(lease), authority, limits };
        body.release_at_end();
        body
    }

    fn release_at_end(&mut self) {
        if self.incoming.is_end_stream() {
            self.release();
        }
    }

    fn release(&mut self) {
        if let Some(lease) = self.lease.take() {
            lease.end();
        }
    }

    fn poll_limits(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        for Limit { sleep, limit, kind } in &mut self.limits {
            if sleep.as_mut().poll(cx).is_ready() {
                let (authority, limit) = (self.authority.clone(), *limit);
                return Poll::Ready(match kind {
                    Kind::Total => Error::ResponseTimeout { authority, limit },
                    Kind::Pause => Error::ReadTimeout { authority, limit },
                });
            }
        }
        Poll::Pending
    }

    fn fail(&mut self, error: Error) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        self.lease = None;
        Poll::Ready(Some(Err(error)))
    }
}

impl Body for Streamed {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match Pin::new(&mut self.incoming).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                self.limits.iter_mut().for_each(Limit::progress);
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(source))) => {
                let error = Error::of_exchange(&self.authority, source);
                self.fail(error)
            }
            Poll::Ready(None) => {
                self.release();
                Poll::Ready(None)
            }
            Poll::Pending => {
                let error = ready!(self.poll_limits(cx));
                self.fail(error)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

impl Drop for Streamed {
    fn drop(&mut self) {
        // Whoever knows the length stops reading at it, without asking for the end.
        self.release_at_end();
    }
}

// === impl Lease ===

impl Lease {
    /// The response has been read to its end. A connection that still sends the request is closed instead.
    pub(super) fn end(self) {
        if self.connection.is_sent() {
            self.connection.rest();
            self.pool.put(self.origin, self.connection);
        }
    }
}

// === impl Limit ===

impl Limit {
    pub(super) fn total(deadline: Instant, limit: Duration) -> Self {
        Self { sleep: Box::pin(sleep_until(deadline)), limit, kind: Kind::Total }
    }

    pub(super) fn pause(limit: Duration) -> Self {
        Self { sleep: Box::pin(sleep_until(Instant::now() + limit)), limit, kind: Kind::Pause }
    }

    fn progress(&mut self) {
        if self.kind == Kind::Pause {
            self.sleep.as_mut().reset(Instant::now() + self.limit);
        }
    }
}
