//! A response's body that tells the metrics, and its request's span if that lasts as long, how many bytes were read, and whether
//! it broke off.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::body::ResponseBody;
use crate::egress::error::RequestError;
use crate::egress::trace::OpenSpan;
use crate::metrics::CountedRequest;

/// Counts its request when it is dropped, and ends the span.
pub(super) struct ObservedBody {
    body: ResponseBody,
    request: CountedRequest,
    span: Option<OpenSpan>,
}

// === impl ObservedBody ===

impl ObservedBody {
    pub(super) fn new(body: ResponseBody, request: CountedRequest, span: Option<OpenSpan>) -> Self {
        Self { body, request, span }
    }
}

impl Body for ObservedBody {
    type Data = Bytes;
    type Error = RequestError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, RequestError>>> {
        let Self { body, request, span } = &mut *self;
        let polled = Pin::new(&mut *body).poll_frame(cx);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                let bytes = frame.data_ref().map_or(0, Bytes::len);
                request.received(bytes);
                span.iter_mut().for_each(|span| span.received(bytes, body.is_end_stream()));
            }
            Poll::Ready(Some(Err(error))) => {
                request.failed(error.kind().name());
                span.iter().for_each(|span| span.failed(error));
            }
            Poll::Ready(None) => span.iter_mut().for_each(|span| span.received(0, true)),
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
