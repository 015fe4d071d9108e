//! Watches the bytes of a connection, so that the span of the request that uses it says when it was sent and answered.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use wasmtime_wasi_http::WasiBody;

use crate::egress::trace::Events;

/// How far the current exchange of a connection has come.
#[derive(Debug, Default)]
pub(super) struct Wire(Mutex<Progress>);

#[derive(Debug, Default)]
struct Progress {
    events: Option<Events>,
    /// The connection has taken the request's body to its end.
    uploaded: bool,
    sending: Option<Sending>,
    received: bool,
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
    wire: Arc<Wire>,
}

/// A stream that tells its connection's `Wire` what passes through it.
pub(super) struct Watched<T> {
    stream: T,
    wire: Arc<Wire>,
}

// === impl Wire ===

impl Wire {
    /// Begins an exchange, which gets the events from now on. Of a bodiless request only the head is sent.
    pub(super) fn begin(self: &Arc<Self>, events: Events, body: WasiBody, bodiless: bool) -> Upload {
        let uploaded = bodiless || body.is_end_stream();
        *self.lock() = Progress { events: Some(events), uploaded, ..Progress::default() };
        Upload { body, wire: self.clone() }
    }

    pub(super) fn end(&self) {
        *self.lock() = Progress::default();
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

    fn read(&self) {
        let mut progress = self.lock();
        if progress.sending.is_some() && !progress.received {
            progress.received = true;
            if let Some(events) = &progress.events {
                events.receive_start();
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Upload ===

impl Upload {
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
            self.wire.lock().uploaded = true;
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
        let result = ready!(Pin::new(&mut self.stream).poll_read(cx, buffer));
        if buffer.filled().len() > before {
            self.wire.read();
        }
        Poll::Ready(result)
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
