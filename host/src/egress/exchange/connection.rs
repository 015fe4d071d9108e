//! One connection that speaks HTTP/1.1, as the Go SDK does to data sources. Dropping it closes it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http::header::CONTENT_LENGTH;
use http::{Method, Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinHandle;
use wasmtime_wasi_http::WasiBody;

use super::wire::{Upload, Watched, Wire};
use crate::egress::limits::MAX_HEAD;
use crate::egress::trace::Events;

pub(super) struct Connection {
    pub(super) remote: SocketAddr,
    pub(super) local: SocketAddr,
    sender: SendRequest<Upload>,
    wire: Arc<Wire>,
    /// The number under which it is idle. 0 if it is not.
    idle: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

/// Why a request got no response.
pub(super) struct SendFailure {
    pub(super) error: hyper::Error,
    /// The request, if no byte of it was sent.
    pub(super) unsent: Option<Request<WasiBody>>,
    /// Whether any byte of a response has arrived.
    pub(super) answered: bool,
}

// === impl Connection ===

impl Connection {
    /// Speaks HTTP over `stream`. `held` is dropped once the stream is closed. Then, if the peer or an error has ended the
    /// connection, `closed` is told the number under which it is idle.
    pub(super) async fn open(
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        remote: SocketAddr,
        local: SocketAddr,
        held: impl Send + 'static,
        closed: impl FnOnce(u64) + Send + 'static,
    ) -> hyper::Result<Self> {
        let (wire, idle) = (Arc::new(Wire::default()), Arc::new(AtomicU64::new(0)));
        let io = TokioIo::new(Watched::new(stream, wire.clone()));
        let (sender, connection) = http1::Builder::new().max_buf_size(MAX_HEAD).handshake(io).await?;
        let idle_as = idle.clone();
        // In this order they are dropped if the task is aborted.
        let both = (connection, held);
        let task = tokio::spawn(async move {
            let (connection, held) = both;
            // Code that waits for a response gets the error from the sender.
            let _ = connection.await;
            drop(held);
            closed(idle_as.load(Ordering::Relaxed));
        });
        Ok(Self { remote, local, sender, wire, idle, task })
    }

    pub(super) async fn send(
        &mut self,
        request: Request<WasiBody>,
        events: Events,
    ) -> Result<Response<Incoming>, SendFailure> {
        // With these methods, a body of unknown length is neither sent nor polled. Standard clients pass one with every
        // request.
        let bodiless = matches!(*request.method(), Method::GET | Method::HEAD | Method::CONNECT)
            && !request.headers().contains_key(CONTENT_LENGTH);
        let request = request.map(|body| self.wire.begin(events, body, bodiless));
        self.sender.try_send_request(request).await.map_err(|mut failed| SendFailure {
            unsent: failed.take_message().map(|request| request.map(Upload::into_body)),
            error: failed.into_error(),
            answered: self.wire.is_answered(),
        })
    }

    /// Waits until another request can be sent, which is as soon as the last exchange has ended. False if closed.
    pub(super) async fn ready(&mut self) -> bool {
        self.sender.ready().await.is_ok()
    }

    pub(super) fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    /// From now on the connection is idle under this number.
    pub(super) fn is_idle_as(&self, number: u64) {
        self.idle.store(number, Ordering::Relaxed);
    }

    /// Forgets the exchange that is over, and its span.
    pub(super) fn rest(&self) {
        self.wire.end();
    }

    /// Whether the whole request has been sent. A connection whose request was cut short cannot be used again.
    pub(super) fn is_sent(&self) -> bool {
        self.wire.is_sent()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
    }
}
