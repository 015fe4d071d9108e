//! One connection. With HTTP/1.1 it carries one request at a time, with HTTP/2 many. Dropping it closes it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use http::header::HOST;
use http::uri::Authority;
use http::{HeaderValue, Request, Response, Uri};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinHandle;
use wasmtime_wasi_http::WasiBody;

use super::head_bytes::HeadBytes;
use super::inbound::{Asked, Inbound};
use super::replay::is_without_body;
use super::tasks::Tasks;
use super::wire::{Upload, Watched, Wire};
use crate::egress::limits::{MAX_HEAD, MAX_HEADERS, MAX_HTTP2_HEAD, MAX_STREAMS, SEND_BUFFER, STREAM_WINDOW};
use crate::egress::trace::Events;

/// When a peer that is silent while it has requests is asked whether it is still there, and how long it has to answer.
const PING: Duration = Duration::from_secs(15);

pub(super) struct Connection {
    pub(super) remote: SocketAddr,
    pub(super) local: SocketAddr,
    protocol: Protocol,
    asked: Arc<Asked>,
    task: JoinHandle<()>,
}

enum Protocol {
    Http1 {
        sender: http1::SendRequest<Upload>,
        wire: Arc<Wire>,
    },
    Http2 {
        sender: http2::SendRequest<Upload>,
        streams_max: Arc<AtomicUsize>,
        abort: Box<dyn Fn() + Send + Sync>,
    },
}

/// Sends one request on a connection that carries many.
pub(super) struct Http2Sender {
    sender: http2::SendRequest<Upload>,
    asked: Arc<Asked>,
}

/// Why a request got no response.
pub(super) struct SendFailure {
    pub(super) error: hyper::Error,
    /// The request, if no byte of it was sent.
    pub(super) unsent: Option<Request<WasiBody>>,
    pub(super) fate: Fate,
}

/// What is known about a request that got no response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// The peer says that it has not processed it, and will not process others on this connection.
    Unprocessed,
    /// The peer says that it has not processed it.
    Refused,
    /// The connection ended before anything was answered.
    Unanswered,
    /// The peer may have processed it, and has said something.
    Unknown,
}

// === impl Connection ===

impl Connection {
    /// Speaks HTTP/1.1 over `stream`. `held` is dropped once the stream is closed. Then, if the peer or an error has ended the
    /// connection, `closed` is told the number under which it is idle.
    pub(super) async fn http1(
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        (remote, local): (SocketAddr, SocketAddr),
        heads: HeadBytes,
        held: impl Send + 'static,
        closed: impl FnOnce(u64) + Send + 'static,
    ) -> hyper::Result<Self> {
        let (wire, asked) = (Arc::new(Wire::new(heads)), Arc::new(Asked::default()));
        let io = TokioIo::new(Watched::new(stream, wire.clone()));
        // As in Go, what old servers send is read, too.
        let (sender, connection) = http1::Builder::new()
            .max_buf_size(MAX_HEAD)
            .max_headers(MAX_HEADERS)
            .allow_spaces_after_header_name_in_responses(true)
            .allow_obsolete_multiline_headers_in_responses(true)
            .handshake(io)
            .await?;
        let idle_as = asked.clone();
        // In this order they are dropped if the task is aborted.
        let both = (connection, held);
        let task = tokio::spawn(async move {
            let (connection, held) = both;
            // Code that waits for a response gets the error from the sender.
            let _ = connection.await;
            drop(held);
            closed(idle_as.idle.load(Ordering::Relaxed));
        });
        Ok(Self { remote, local, protocol: Protocol::Http1 { sender, wire }, asked, task })
    }

    /// The same for HTTP/2.
    pub(super) async fn http2(
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        (remote, local): (SocketAddr, SocketAddr),
        held: impl Send + Sync + 'static,
        closed: impl FnOnce(u64) + Send + 'static,
    ) -> hyper::Result<Self> {
        let (asked, streams_max) = (Arc::new(Asked::default()), Arc::new(AtomicUsize::new(MAX_STREAMS)));
        let tasks = Tasks::new(held);
        let streams = u32::try_from(MAX_STREAMS).unwrap_or(u32::MAX);
        let (sender, mut connection) = http2::Builder::new(tasks.clone())
            .timer(TokioTimer::new())
            .initial_stream_window_size(STREAM_WINDOW)
            // A stream that nobody reads must not stop the others.
            .initial_connection_window_size(STREAM_WINDOW.saturating_mul(streams))
            .max_header_list_size(MAX_HTTP2_HEAD)
            .max_send_buf_size(SEND_BUFFER)
            .keep_alive_interval(PING)
            .keep_alive_timeout(PING)
            .handshake(TokioIo::new(Inbound::new(stream, asked.clone())))
            .await?;
        let (idle_as, max) = (asked.clone(), streams_max.clone());
        let task = tokio::spawn(async move {
            std::future::poll_fn(|cx| {
                let polled = std::pin::Pin::new(&mut connection).poll(cx);
                max.store(connection.current_max_send_streams(), Ordering::Relaxed);
                match polled {
                    Poll::Ready(_) => Poll::Ready(()),
                    Poll::Pending => Poll::Pending,
                }
            })
            .await;
            closed(idle_as.idle.load(Ordering::Relaxed));
        });
        let abort = Box::new(move || tasks.abort());
        Ok(Self { remote, local, protocol: Protocol::Http2 { sender, streams_max, abort }, asked, task })
    }

    /// Sends a request on a connection that nobody else uses.
    pub(super) async fn send(
        &mut self,
        request: Request<WasiBody>,
        events: Events,
    ) -> Result<Response<Incoming>, SendFailure> {
        let (sender, wire) = match &mut self.protocol {
            Protocol::Http1 { sender, wire } => (sender, wire),
            Protocol::Http2 { sender, .. } => {
                let mut sender = Http2Sender { sender: sender.clone(), asked: self.asked.clone() };
                return sender.send(request, events).await;
            }
        };
        let bodiless = is_without_body(request.method(), request.headers());
        let request = request.map(|body| wire.begin(events, body, bodiless));
        let result = sender.try_send_request(request).await;
        wire.head_is_read();
        result.map_err(|mut failed| SendFailure {
            unsent: failed.take_message().map(|request| request.map(Upload::into_body)),
            error: failed.into_error(),
            fate: if wire.is_answered() { Fate::Unknown } else { Fate::Unanswered },
        })
    }

    /// Returns what sends requests beside others. None if it carries one at a time.
    pub(super) fn sender(&self) -> Option<Http2Sender> {
        match &self.protocol {
            Protocol::Http1 { .. } => None,
            Protocol::Http2 { sender, .. } => {
                Some(Http2Sender { sender: sender.clone(), asked: self.asked.clone() })
            }
        }
    }

    /// How many requests the peer takes at a time.
    pub(super) fn streams_max(&self) -> usize {
        match &self.protocol {
            Protocol::Http1 { .. } => 1,
            Protocol::Http2 { streams_max, .. } => streams_max.load(Ordering::Relaxed),
        }
    }

    /// Waits until another request can be sent, which is as soon as the last exchange has ended. False if closed.
    pub(super) async fn ready(&mut self) -> bool {
        match &mut self.protocol {
            Protocol::Http1 { sender, .. } => sender.ready().await.is_ok(),
            Protocol::Http2 { sender, .. } => sender.ready().await.is_ok() && !sender.is_closed(),
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        match &self.protocol {
            Protocol::Http1 { sender, .. } => sender.is_closed(),
            Protocol::Http2 { sender, .. } => sender.is_closed(),
        }
    }

    /// From now on the connection is idle under this number, or not idle if it is 0.
    pub(super) fn is_idle_as(&self, number: u64) {
        self.asked.idle.store(number, Ordering::Relaxed);
    }

    /// Forgets the exchange that is over, and its span. False if another cannot follow: the whole request has not been sent,
    /// or the response's head has made the buffers so large that they are not kept.
    pub(super) fn rest(&self) -> bool {
        match &self.protocol {
            Protocol::Http1 { wire, .. } => wire.is_sent() && wire.end(),
            Protocol::Http2 { .. } => true,
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
        if let Protocol::Http2 { abort, .. } = &self.protocol {
            abort();
        }
    }
}

// === impl Http2Sender ===

impl Http2Sender {
    pub(super) async fn send(
        &mut self,
        mut request: Request<WasiBody>,
        events: Events,
    ) -> Result<Response<Incoming>, SendFailure> {
        name_the_authority(&mut request);
        let bodiless = is_without_body(request.method(), request.headers());
        let request = request.map(|body| Upload::of_stream(events.clone(), body, bodiless));
        self.asked.requests.fetch_add(1, Ordering::Relaxed);
        let result = self.sender.try_send_request(request).await;
        match result {
            Ok(response) => {
                events.receive_start();
                Ok(response)
            }
            Err(mut failed) => {
                let unsent = failed.take_message().map(|request| request.map(Upload::into_body));
                let error = failed.into_error();
                let fate = if unsent.is_some() { Fate::Unprocessed } else { fate(&error) };
                Err(SendFailure { unsent, error, fate })
            }
        }
    }
}

/// HTTP/2 has the host in the URL, and no header of that name (RFC 9113, 8.3.1).
fn name_the_authority(request: &mut Request<WasiBody>) {
    let host = request.headers_mut().remove(HOST);
    let authority = host.as_ref().map(HeaderValue::as_bytes).and_then(|host| Authority::try_from(host).ok());
    let mut parts = request.uri().clone().into_parts();
    parts.scheme = Some(http::uri::Scheme::HTTPS);
    parts.authority = authority;
    if let Ok(uri) = Uri::from_parts(parts) {
        *request.uri_mut() = uri;
    }
}

fn fate(error: &hyper::Error) -> Fate {
    // The peer is silent even if it is asked whether it is still there.
    if error.is_timeout() {
        return Fate::Unanswered;
    }
    let Some(source) = std::error::Error::source(error) else { return Fate::Unknown };
    if source.is::<std::io::Error>() {
        return Fate::Unanswered;
    }
    let Some(error) = source.downcast_ref::<h2::Error>() else { return Fate::Unknown };
    if error.is_go_away() && error.is_remote() {
        // The peer names the last request that it processes, and this one came later.
        Fate::Unprocessed
    } else if error.is_reset() && error.is_remote() && error.reason() == Some(h2::Reason::REFUSED_STREAM) {
        Fate::Refused
    } else if error.is_io() {
        Fate::Unanswered
    } else {
        Fate::Unknown
    }
}
