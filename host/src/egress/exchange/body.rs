//! A response's body as it arrives: within its time limits, and with its connection given back at its end.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Incoming;

use super::kept_head;
use super::lease::Exchange;
use super::time_limits::BodyTimer;
use crate::egress::error::RequestError;

pub(crate) type ResponseBody = UnsyncBoxBody<Bytes, RequestError>;

/// Dropping it before its end drops the exchange.
pub(super) struct Streamed {
    incoming: Incoming,
    exchange: Option<Exchange>,
    authority: String,
    timers: Vec<BodyTimer>,
}

// === impl Streamed ===

impl Streamed {
    pub(super) fn new(incoming: Incoming, exchange: Exchange, timers: Vec<BodyTimer>) -> Self {
        let authority = exchange.authority();
        let mut body = Self { incoming, exchange: Some(exchange), authority, timers };
        body.finish_at_end();
        body
    }

    fn finish_at_end(&mut self) {
        if self.incoming.is_end_stream() {
            self.finish();
        }
    }

    fn finish(&mut self) {
        if let Some(exchange) = self.exchange.take() {
            exchange.finish();
        }
    }

    fn poll_timers(&mut self, cx: &mut Context<'_>) -> Poll<RequestError> {
        for timer in &mut self.timers {
            if let Poll::Ready(error) = timer.poll_expired(cx, &self.authority) {
                return Poll::Ready(error);
            }
        }
        Poll::Pending
    }

    fn fail(&mut self, error: RequestError) -> Poll<Option<Result<Frame<Bytes>, RequestError>>> {
        self.exchange = None;
        Poll::Ready(Some(Err(error)))
    }
}

impl Body for Streamed {
    type Data = Bytes;
    type Error = RequestError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, RequestError>>> {
        match Pin::new(&mut self.incoming).poll_frame(cx) {
            Poll::Ready(Some(Ok(mut frame))) => {
                if let Some(trailers) = frame.trailers_mut() {
                    kept_head::copy_values(trailers);
                }
                self.timers.iter_mut().for_each(BodyTimer::progress);
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(source))) => {
                let error = RequestError::of_exchange(&self.authority, source);
                self.fail(error)
            }
            Poll::Ready(None) => {
                self.finish();
                Poll::Ready(None)
            }
            Poll::Pending => {
                let error = ready!(self.poll_timers(cx));
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
        // A reader that knows the length stops there, without asking for the end.
        self.finish_at_end();
    }
}
