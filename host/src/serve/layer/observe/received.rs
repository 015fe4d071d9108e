//! A stream of requests whose messages are counted.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tonic::Status;
use tonic::body::Body as TonicBody;

use super::messages::Messages;
use super::method::Method;
use crate::metrics::Grpc;

pub(super) struct ReceivedBody {
    pub(super) body: TonicBody,
    pub(super) messages: Messages,
    pub(super) method: Arc<Method>,
    pub(super) metrics: Grpc,
}

impl Body for ReceivedBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &polled {
            let messages = frame.data_ref().map_or(0, |data| self.messages.begun(data));
            self.metrics.received(self.method.labels(), messages);
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
