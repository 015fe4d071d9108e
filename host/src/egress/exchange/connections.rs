//! The connections of one client: which one an exchange gets, and where it goes afterwards.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::OwnedSemaphorePermit;
use wasmtime_wasi_http::WasiBody;

use super::connection::{Connection, SendFailure};
use super::idle::IdleConnections;
use crate::egress::dial::{Dialed, DialedStream, Dialer};
use crate::egress::error::RequestError;
use crate::egress::origin::Origin;
use crate::egress::trace::{Events, Reuse};

pub(super) struct Connections {
    dialer: Dialer,
    idle: Arc<IdleConnections>,
}

/// One request and its response on a connection. Only this file knows that it has the connection to itself. If it is
/// dropped before `finish`, the connection is closed, so that the peer learns that nothing reads on.
pub(super) struct Exchange {
    connection: Connection,
    origin: Origin,
    idle: Arc<IdleConnections>,
    slot: Option<OwnedSemaphorePermit>,
}

// === impl Connections ===

impl Connections {
    pub(super) fn new(dialer: Dialer) -> Self {
        Self { dialer, idle: Arc::default() }
    }

    /// Begins an exchange on an open connection, if one is free.
    pub(super) async fn reuse(&self, origin: &Origin, events: &Events) -> Option<Exchange> {
        let (connection, idle_time) = self.idle.take(origin).await?;
        events.connection_ready(connection.remote, connection.local, Reuse::Idle(idle_time));
        Some(self.exchange(connection, origin))
    }

    /// Begins an exchange on a new connection.
    pub(super) async fn open(
        &self,
        origin: &Origin,
        limit: Option<Duration>,
        events: &Events,
    ) -> Result<Exchange, RequestError> {
        let Dialed { stream, remote, local } = self.dialer.dial(origin, limit, events).await?;
        let opened = match stream {
            DialedStream::Plain(stream) => self.speak(stream, remote, local).await,
            DialedStream::Tls(stream) => self.speak(stream, remote, local).await,
        };
        let connection = opened.map_err(|source| RequestError::of_exchange(&origin.authority(), source))?;
        events.connection_ready(remote, local, Reuse::New);
        Ok(self.exchange(connection, origin))
    }

    async fn speak(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        remote: SocketAddr,
        local: SocketAddr,
    ) -> hyper::Result<Connection> {
        let idle = Arc::downgrade(&self.idle);
        let closed = move || {
            if let Some(idle) = idle.upgrade() {
                idle.prune();
            }
        };
        Connection::open(stream, remote, local, closed).await
    }

    fn exchange(&self, connection: Connection, origin: &Origin) -> Exchange {
        Exchange { connection, origin: origin.clone(), idle: self.idle.clone(), slot: None }
    }
}

// === impl Exchange ===

impl Exchange {
    pub(super) async fn send(
        &mut self,
        request: Request<WasiBody>,
        events: Events,
    ) -> Result<Response<Incoming>, SendFailure> {
        self.connection.send(request, events).await
    }

    /// `host:port` of the peer.
    pub(super) fn authority(&self) -> String {
        self.origin.authority()
    }

    /// Keeps `slot` taken until the exchange is over.
    pub(super) fn hold(&mut self, slot: Option<OwnedSemaphorePermit>) {
        self.slot = slot;
    }

    /// The response has been read to its end, so the connection is free for another exchange. If it is still sending the
    /// request, it is closed instead.
    pub(super) fn finish(self) {
        if self.connection.is_sent() {
            self.connection.rest();
            self.idle.put(self.origin, self.connection);
        }
    }
}
