//! A request that can be sent once more, if its peer has not processed it.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, Method, Request, Uri};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt as _, Empty};
use wasmtime_wasi_http::WasiBody;

/// How many bytes of a body are kept until its peer answers. A request with a longer one is sent once.
const KEPT: usize = 64 * 1024;

/// What it takes to send a request again.
pub(super) struct Replay {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    /// None if there is no body.
    body: Option<Kept>,
}

type Kept = Arc<Mutex<KeptBody>>;

struct KeptBody {
    rest: WasiBody,
    /// As it was before anything was sent.
    hint: SizeHint,
    sent: Vec<Bytes>,
    bytes: usize,
    /// What was sent is not kept: it is too much, or nobody will ask for it.
    is_lost: bool,
}

/// A body that is kept while it is sent.
struct Recorded {
    kept: Kept,
    /// How many pieces of what was kept have been sent again.
    replayed: usize,
}

// === impl Replay ===

impl Replay {
    /// Returns the request as it is to be sent, and what it takes to send it again.
    pub(super) fn record(request: Request<WasiBody>) -> (Request<WasiBody>, Self) {
        let (parts, rest) = request.into_parts();
        let is_bodiless = rest.is_end_stream() || is_without_body(&parts.method, &parts.headers);
        let body = (!is_bodiless).then(|| {
            let hint = rest.size_hint();
            Arc::new(Mutex::new(KeptBody { rest, hint, sent: Vec::new(), bytes: 0, is_lost: false }))
        });
        let replay = Self { method: parts.method, uri: parts.uri, headers: parts.headers, body };
        let mut request = replay.request();
        // What an extension asks for is asked for once.
        *request.extensions_mut() = parts.extensions;
        (request, replay)
    }

    /// Returns the request once more, if its body is still there.
    pub(super) fn again(&self) -> Option<Request<WasiBody>> {
        let is_there = self.body.as_ref().is_none_or(|kept| !lock(kept).is_lost);
        is_there.then(|| self.request())
    }

    /// Whether it does no harm if its peer processes it twice. As in Go, that is a request without a body whose method is
    /// safe (RFC 9110, 9.2.1; TRACE is refused).
    pub(super) fn is_repeatable(&self) -> bool {
        self.body.is_none() && [Method::GET, Method::HEAD, Method::OPTIONS].contains(&self.method)
    }

    /// The peer has answered: nothing need be kept any more.
    pub(super) fn forget(self) {
        if let Some(kept) = &self.body {
            let mut kept = lock(kept);
            kept.is_lost = true;
            kept.sent = Vec::new();
        }
    }

    fn request(&self) -> Request<WasiBody> {
        let body = match &self.body {
            Some(kept) => Recorded { kept: kept.clone(), replayed: 0 }.boxed_unsync(),
            None => Empty::new().map_err(|never| match never {}).boxed_unsync(),
        };
        let mut request = Request::new(body);
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.headers.clone();
        request
    }
}

/// Whether a body of unknown length is neither sent nor polled. Standard clients pass one with every request.
pub(super) fn is_without_body(method: &Method, headers: &HeaderMap) -> bool {
    [Method::GET, Method::HEAD, Method::CONNECT].contains(method) && !headers.contains_key(CONTENT_LENGTH)
}

fn lock(kept: &Kept) -> MutexGuard<'_, KeptBody> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

// === impl Recorded ===

impl Body for Recorded {
    type Data = Bytes;
    type Error = wasmtime_wasi_http::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let kept = self.kept.clone();
        let mut kept = lock(&kept);
        if let Some(piece) = kept.sent.get(self.replayed) {
            let piece = piece.clone();
            self.replayed += 1;
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        let frame = ready!(Pin::new(&mut kept.rest).poll_frame(cx));
        match frame.as_ref().map(|frame| frame.as_ref().map(Frame::data_ref)) {
            None => {}
            Some(Ok(Some(data))) if !kept.is_lost && kept.bytes + data.len() <= KEPT => {
                let data = data.clone();
                kept.bytes += data.len();
                kept.sent.push(data);
                self.replayed += 1;
            }
            Some(_) => {
                kept.is_lost = true;
                kept.sent = Vec::new();
                self.replayed = 0;
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        let kept = lock(&self.kept);
        self.replayed >= kept.sent.len() && kept.rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        lock(&self.kept).hint
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::{Full, StreamBody};

    use super::*;

    fn post(body: WasiBody) -> Request<WasiBody> {
        Request::post("/path").header("x-key", "v").body(body).unwrap()
    }

    fn pieces(pieces: Vec<Vec<u8>>) -> WasiBody {
        let frames = pieces.into_iter().map(|piece| Ok(Frame::data(Bytes::from(piece))));
        StreamBody::new(futures_util::stream::iter(frames)).boxed_unsync()
    }

    async fn read(request: Request<WasiBody>) -> Bytes {
        request.into_body().collect().await.unwrap().to_bytes()
    }

    #[tokio::test]
    async fn a_short_body_is_sent_again_from_its_beginning() {
        let (mut request, replay) = Replay::record(post(pieces(vec![b"one ".to_vec(), b"two".to_vec()])));
        let first = request.body_mut().frame().await.unwrap().unwrap();
        assert_eq!(first.into_data().unwrap(), "one ");
        drop(request);
        for _ in 0..2 {
            let again = replay.again().unwrap();
            assert_eq!((again.method(), again.uri().path()), (&Method::POST, "/path"));
            assert_eq!(again.headers()["x-key"], "v");
            assert_eq!(read(again).await, "one two");
        }
        assert!(!replay.is_repeatable());
    }

    #[tokio::test]
    async fn a_long_body_is_not_kept_and_none_is_after_the_answer() {
        let long = vec![vec![7; KEPT], vec![7]];
        let (request, replay) = Replay::record(post(pieces(long)));
        assert_eq!(read(request).await.len(), KEPT + 1);
        assert!(replay.again().is_none());
        let (request, replay) = Replay::record(post(pieces(vec![vec![7; KEPT]])));
        let kept = replay.body.clone().unwrap();
        assert_eq!(read(request).await.len(), KEPT);
        assert!(replay.again().is_some());
        replay.forget();
        assert!(lock(&kept).sent.is_empty());
    }

    #[tokio::test]
    async fn a_length_stays_known() {
        let whole = Full::from("text").map_err(|never| match never {}).boxed_unsync();
        let (request, replay) = Replay::record(post(whole));
        assert_eq!(request.body().size_hint().exact(), Some(4));
        drop(read(request).await);
        assert_eq!(replay.again().unwrap().body().size_hint().exact(), Some(4));
    }

    #[test]
    fn a_body_that_is_not_sent_is_not_kept() {
        let (request, replay) =
            Replay::record(Request::get("/").body(pieces(vec![b"never".to_vec()])).unwrap());
        assert!(request.body().is_end_stream() && replay.is_repeatable());
    }
}
