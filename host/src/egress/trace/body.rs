//! A response's body whose reading is part of the request's span, if the operator wants that.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::outcome::fail;
use super::{names, wording};
use crate::config::HttpNames;
use crate::egress::error::RequestError;
use crate::telemetry::{LimitedSpan, SPAN_TEXT};
use crate::text::Scrub;

/// The span of a request whose response has begun. It ends when this is dropped.
pub(in crate::egress) struct OpenSpan {
    pub(super) span: Arc<LimitedSpan>,
    pub(super) names: HttpNames,
    pub(super) scrub: Scrub,
    pub(super) bytes: u64,
    /// All of them have been read.
    pub(super) is_whole: bool,
}

/// A body whose request's span ends with it.
pub(in crate::egress) struct TracedBody<B> {
    body: B,
    span: OpenSpan,
}

// === impl TracedBody ===

impl<B> TracedBody<B> {
    pub(in crate::egress) fn new(body: B, span: OpenSpan) -> Self {
        Self { body, span }
    }
}

impl<B: Body<Data = Bytes, Error = RequestError> + Unpin> Body for TracedBody<B> {
    type Data = Bytes;
    type Error = RequestError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, RequestError>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                self.span.bytes += frame.data_ref().map_or(0, Bytes::len) as u64;
                self.span.is_whole = self.body.is_end_stream();
            }
            Poll::Ready(Some(Err(error))) => self.span.failed(error),
            Poll::Ready(None) => self.span.is_whole = true,
            Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

// === impl OpenSpan ===

impl OpenSpan {
    fn failed(&self, error: &RequestError) {
        fail(
            &self.span,
            self.names,
            error.kind().name(),
            self.scrub.shorten(wording::of_request(error), SPAN_TEXT),
        );
    }
}

impl Drop for OpenSpan {
    fn drop(&mut self) {
        if self.is_whole && self.bytes > 0 {
            // As for a response without a body, which has this event already.
            self.span.add_event("http.receive.done", [].into_iter());
        }
        self.span.set_attributes([names::of_body(self.names, self.bytes)].into_iter());
        self.span.end(None);
    }
}
