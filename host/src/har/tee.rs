//! A body that is recorded while somebody reads it.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::capture::Capture;
use super::entry::{self, Exchange, lock};
use super::limits::MAX_BODY;

/// Passes a body on as it is.
pub(crate) struct Tee<B> {
    body: B,
    part: Option<Part>,
}

/// Where a body is recorded.
pub(super) struct Part {
    pub(super) exchange: Arc<Mutex<Exchange>>,
    pub(super) of: fn(&mut Exchange) -> &mut entry::Body,
    pub(super) capture: Capture,
}

// === impl Tee ===

impl<B: Body> Tee<B> {
    pub(super) fn new(body: B, part: Option<Part>) -> Self {
        let tee = Self { body, part };
        tee.ends();
        tee
    }

    /// A reader that knows the length may not ask for the end.
    fn ends(&self) {
        if let Some(part) = self.part.as_ref().filter(|_| self.body.is_end_stream()) {
            part.end();
        }
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Tee<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        if let Some(part) = &self.part {
            match &frame {
                Some(Ok(frame)) => frame.data_ref().into_iter().for_each(|data| part.add(data)),
                Some(Err(_)) => {}
                None => part.end(),
            }
        }
        self.ends();
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

// === impl Part ===

impl Part {
    fn add(&self, data: &Bytes) {
        let mut exchange = lock(&self.exchange);
        let body = (self.of)(&mut exchange);
        body.passed += data.len() as u64;
        // What is recorded has no holes.
        if body.is_cut {
            return;
        }
        let kept = data.get(..MAX_BODY.saturating_sub(body.kept)).unwrap_or(data);
        if kept.len() < data.len() {
            body.is_cut = true;
        }
        if kept.is_empty() {
            return;
        }
        let weight = body.cost(kept);
        if self.capture.take_for_body(weight) && exchange.memory.try_grow(weight).is_ok() {
            (self.of)(&mut exchange).push(kept);
        } else {
            (self.of)(&mut exchange).is_cut = true;
        }
    }

    fn end(&self) {
        (self.of)(&mut lock(&self.exchange)).is_whole = true;
    }
}
