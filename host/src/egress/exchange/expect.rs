//! `Expect: 100-continue`: a request's body that waits until its peer wants it.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::header::EXPECT;
use http::{Request, StatusCode};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use tokio::sync::Notify;
use wasmtime_wasi_http::WasiBody;

struct HeldBack {
    body: WasiBody,
    /// Ends when the body may be sent.
    wait: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

/// Holds the body back if the request asks its peer first: until it says `100 Continue`, or for so long. As in Go, not at
/// all without a limit.
pub(super) fn hold_back(request: Request<WasiBody>, limit: Option<Duration>) -> Request<WasiBody> {
    let expects = |value: &http::HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"100-continue");
    let Some(limit) = limit.filter(|_| request.headers().get(EXPECT).is_some_and(expects)) else {
        return request;
    };
    let wanted = Arc::new(Notify::new());
    let is_wanted = wanted.clone();
    let wait = async move {
        // Some servers never ask for it, and wait for it all the same.
        let _ = tokio::time::timeout(limit, is_wanted.notified()).await;
    };
    let mut request = request.map(|body| HeldBack { body, wait: Some(Box::pin(wait)) }.boxed_unsync());
    hyper::ext::on_informational(&mut request, move |response| {
        if response.status() == StatusCode::CONTINUE {
            wanted.notify_one();
        }
    });
    request
}

// === impl HeldBack ===

impl Body for HeldBack {
    type Data = Bytes;
    type Error = wasmtime_wasi_http::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if let Some(wait) = &mut self.wait {
            ready!(wait.as_mut().poll(cx));
            self.wait = None;
        }
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
