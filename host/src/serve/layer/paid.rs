//! Keeps a reply charged to its owner until it has been sent: a large one waits for the connection as a copy of the answer.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::TryFutureExt as _;
use futures_util::future::MapOk;
use http::Response;
use http_body::{Body, Frame, SizeHint};
use tower_layer::Layer;
use tower_service::Service;

use crate::budget::{MemoryKind, OwnerMemory};

/// The layer, and the service once it wraps one. A handler that answers for an owner puts the owner's memory among the
/// response's extensions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PaidLayer;

#[derive(Clone, Debug)]
pub(crate) struct PaidService<S> {
    inner: S,
}

/// A body whose large pieces are paid for.
pub(crate) struct PaidBody<B> {
    body: B,
    memory: Option<OwnerMemory>,
}

/// The size of a piece that is worth an entry in the account, in bytes. A smaller one does not wait long.
const LARGE: usize = 16 << 10;

// === impl PaidLayer ===

impl<S> Layer<S> for PaidLayer {
    type Service = PaidService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        PaidService { inner }
    }
}

// === impl PaidService ===

impl<S, R, B> Service<R> for PaidService<S>
where
    S: Service<R, Response = Response<B>>,
{
    type Response = Response<PaidBody<B>>;
    type Error = S::Error;
    type Future = MapOk<S::Future, fn(Response<B>) -> Response<PaidBody<B>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> Self::Future {
        self.inner.call(request).map_ok(|mut response| {
            let memory = response.extensions_mut().remove();
            response.map(|body| PaidBody { body, memory })
        })
    }
}

// === impl PaidBody ===

impl<B: Body<Data = Bytes> + Unpin> Body for PaidBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        let Some(memory) = &self.memory else { return polled };
        let pay = |frame: Frame<Bytes>| frame.map_data(|bytes| paid(bytes, memory));
        polled.map(|frame| frame.map(|frame| frame.map(pay)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

fn paid(bytes: Bytes, memory: &OwnerMemory) -> Bytes {
    if bytes.len() <= LARGE {
        return bytes;
    }
    memory.charge_anyway(MemoryKind::Answers, bytes.len()).keep(bytes)
}

#[cfg(test)]
mod tests {
    use http_body_util::{BodyExt as _, Full};

    use super::*;
    use crate::budget::MemoryAccount;

    #[tokio::test]
    async fn a_large_piece_is_charged_until_it_is_dropped() {
        let account = MemoryAccount::new(1 << 20);
        for (size, charged) in [(LARGE, 0), (LARGE + 1, LARGE + 1), (2 << 20, 2 << 20)] {
            let mut body =
                PaidBody { body: Full::new(Bytes::from(vec![7; size])), memory: Some(account.owner()) };
            let piece = body.frame().await.unwrap().unwrap().into_data().unwrap();
            drop(body);
            assert_eq!((account.taken(), piece.len()), (charged, size));
            drop(piece);
            assert_eq!(account.taken(), 0);
        }
    }
}
