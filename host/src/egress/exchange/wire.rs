//! Watches the bytes of a connection, so that the span of the request that uses it says when it was sent and answered.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt as _, Empty};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use wasmtime_wasi_http::WasiBody;

use super::head_bytes::HeadBytes;
use crate::egress::error::HeadsTooLarge;
use crate::egress::limits::{MAX_HEADS, READ_AT_ONCE, USUAL_HEAD};
use crate::egress::trace::Events;

/// How far the current exchange of a connection has come.
#[derive(Debug)]
pub(super) struct Wire {
    progress: Mutex<Progress>,
    heads: Mutex<HeadBytes>,
}

#[derive(Debug, Default)]
struct Progress {
    events: Option<Events>,
    /// The connection has taken the request's body to its end.
    uploaded: bool,
    sending: Option<Sending>,
    received: bool,
    /// How many bytes of the response's head have arrived, with interim ones. None once it is complete.
    head: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sending {
    Begun,
    Done,
    Failed,
}

/// A request's body that tells its connection's `Wire` when it has ended.
pub(super) struct Upload {
    body: WasiBody,
    ended: Ended,
}

/// Who is told that a request's body has ended.
enum Ended {
    Wire(Arc<Wire>),
    /// HTTP/2 does not show when a stream's bytes are sent. None once it is told.
    Stream(Option<Events>),
}

/// A stream that tells its connection's `Wire` what passes through it.
pub(super) struct Watched<T> {
    stream: T,
    wire: Arc<Wire>,
}

// === impl Wire ===

impl Wire {
    pub(super) fn new(heads: HeadBytes) -> Self {
        Self { progress: Mutex::default(), heads: Mutex::new(heads) }
    }

    /// Begins an exchange, which gets the events from now on. Of a bodiless request only the head is sent.
    pub(super) fn begin(self: &Arc<Self>, events: Events, body: WasiBody, bodiless: bool) -> Upload {
        let uploaded = bodiless || body.is_end_stream();
        *self.lock() = Progress { events: Some(events), uploaded, head: Some(0), ..Progress::default() };
        Upload { body, ended: Ended::Wire(self.clone()) }
    }

    /// Ends the exchange. Returns whether the connection has kept to the usual buffers.
    pub(super) fn end(&self) -> bool {
        *self.lock() = Progress::default();
        self.heads.lock().unwrap_or_else(PoisonError::into_inner).taken() == 0
    }

    /// The response's head is complete.
    pub(super) fn head_is_read(&self) {
        self.lock().head = None;
    }

    pub(super) fn is_sent(&self) -> bool {
        self.lock().sending == Some(Sending::Done)
    }

    pub(super) fn is_answered(&self) -> bool {
        self.lock().received
    }

    fn wrote(&self, result: &io::Result<usize>) {
        let mut progress = self.lock();
        let Some(events) = &progress.events else { return };
        match (progress.sending, result) {
            (None, Ok(_)) => {
                events.send_start();
                progress.sending = Some(Sending::Begun);
            }
            (None | Some(Sending::Begun), Err(error)) => {
                events.send_done(Some(error));
                progress.sending = Some(Sending::Failed);
            }
            _ => {}
        }
    }

    /// The client flushes once the system has taken all that was written so far.
    fn flushed(&self) {
        let mut progress = self.lock();
        if progress.sending == Some(Sending::Begun) && progress.uploaded {
            progress.sending = Some(Sending::Done);
            if let Some(events) = &progress.events {
                events.send_done(None);
            }
        }
    }

    /// Fails if the heads of this exchange take too much, or all together do.
    fn read(&self, bytes: usize) -> io::Result<()> {
        let mut progress = self.lock();
        if let Some(head) = &mut progress.head {
            *head += bytes;
            if *head > MAX_HEADS {
                return Err(io::Error::other(HeadsTooLarge::OfOne));
            }
            let beyond = head.saturating_sub(USUAL_HEAD).min(bytes);
            let mut heads = self.heads.lock().unwrap_or_else(PoisonError::into_inner);
            if beyond > 0 && !heads.take(beyond) {
                return Err(io::Error::other(HeadsTooLarge::OfAll));
            }
        }
        if progress.sending.is_some() && !progress.received {
            progress.received = true;
            if let Some(events) = &progress.events {
                events.receive_start();
            }
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Upload ===

impl Upload {
    /// The request of a stream is sent from now on. Of a bodiless request only the head is sent.
    pub(super) fn of_stream(events: Events, body: WasiBody, bodiless: bool) -> Self {
        events.send_start();
        let body = if bodiless { Empty::new().map_err(|never| match never {}).boxed_unsync() } else { body };
        let mut upload = Self { ended: Ended::Stream(Some(events)), body };
        if upload.body.is_end_stream() {
            upload.tell();
        }
        upload
    }

    fn tell(&mut self) {
        match &mut self.ended {
            Ended::Wire(wire) => wire.lock().uploaded = true,
            Ended::Stream(events) => {
                if let Some(events) = events.take() {
                    events.send_done(None);
                }
            }
        }
    }

    pub(super) fn into_body(self) -> WasiBody {
        self.body
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = wasmtime_wasi_http::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if frame.is_none() || self.body.is_end_stream() {
            self.tell();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

// === impl Watched ===

impl<T> Watched<T> {
    pub(super) fn new(stream: T, wire: Arc<Wire>) -> Self {
        Self { stream, wire }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Watched<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        if buffer.remaining() > READ_AT_ONCE {
            let mut part = ReadBuf::new(buffer.initialize_unfilled_to(READ_AT_ONCE));
            ready!(Pin::new(&mut self.stream).poll_read(cx, &mut part))?;
            let read = part.filled().len();
            buffer.advance(read);
        } else {
            ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        }
        let read = buffer.filled().len() - before;
        if read > 0 {
            self.wire.read(read)?;
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Watched<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        let result = ready!(Pin::new(&mut self.stream).poll_write(cx, data));
        self.wire.wrote(&result);
        Poll::Ready(result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = ready!(Pin::new(&mut self.stream).poll_write_vectored(cx, data));
        self.wire.wrote(&result);
        Poll::Ready(result)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = ready!(Pin::new(&mut self.stream).poll_flush(cx));
        if result.is_ok() {
            self.wire.flushed();
        }
        Poll::Ready(result)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
