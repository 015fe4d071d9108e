//! A response's body that tells the metrics how many bytes were read, and whether it broke off.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::body::ResponseBody;
use crate::egress::error::RequestError;
use crate::metrics::CountedRequest;

/// Counts its request when it is dropped.
pub(super) struct CountedBody {
    body: ResponseBody,
    request: CountedRequest,
}

// === impl CountedBody ===

impl CountedBody {
    pub(super) fn new(body: ResponseBody, request: CountedRequest) -> Self {
        Self { body, request }
    }
}

impl Body for CountedBody {
    type Data = Bytes;
    type Error = RequestError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, RequestError>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => self.request.received(frame.data_ref().map_or(0, Bytes::len)),
            Poll::Ready(Some(Err(error))) => self.request.failed(error.kind().name()),
            Poll::Ready(None) | Poll::Pending => {}
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
