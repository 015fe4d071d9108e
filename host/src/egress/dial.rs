//! Connects to an origin: the name, the check of each address, TCP, TLS. Every step becomes an event of the request that
//! waits for it.

mod tcp;
mod tls;

use std::fmt::Display;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::client::TlsStream;

use self::tcp::TcpConnection;
use self::tls::{HTTP2, TlsClient};
use super::error::RequestError;
use super::origin::{Origin, Scheme};
use super::policy::Grants;
use super::settings::{DataSourceHttp, KeepAlive};
use super::trace::Events;
use crate::budget::Priority;
use crate::net::{ResolveError, Resolver, TrustedRoots};

/// Connects on behalf of one data source.
pub(super) struct Dialer {
    grants: Arc<Grants>,
    resolver: Arc<Resolver>,
    keep_alive: KeepAlive,
    tls: TlsClient,
}

/// How long each step may take. None means no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ConnectLimits {
    /// Name resolution and TCP.
    pub(super) tcp: Option<Duration>,
    pub(super) handshake: Option<Duration>,
}

/// An open connection on which nothing has been sent yet.
pub(super) struct Dialed {
    pub(super) stream: DialedStream,
    pub(super) remote: SocketAddr,
    pub(super) local: SocketAddr,
}

pub(super) enum DialedStream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

// === impl DialedStream ===

impl DialedStream {
    /// Whether the peer has chosen HTTP/2.
    pub(super) fn speaks_http2(&self) -> bool {
        match self {
            Self::Plain(_) => false,
            Self::Tls(stream) => stream.get_ref().1.alpn_protocol() == Some(HTTP2),
        }
    }
}

// === impl Dialer ===

impl Dialer {
    pub(super) fn new(
        settings: &DataSourceHttp,
        grants: Arc<Grants>,
        resolver: Arc<Resolver>,
        roots: Arc<TrustedRoots>,
    ) -> Self {
        let tls = TlsClient::new(roots, settings.tls.clone(), settings.grafana.only_tls13);
        Self { grants, resolver, keep_alive: settings.keep_alive, tls }
    }

    /// Connects within the limits.
    pub(super) async fn dial(
        &self,
        origin: &Origin,
        limits: ConnectLimits,
        priority: Priority,
        events: &Events,
    ) -> Result<Dialed, RequestError> {
        let TcpConnection { stream, remote, local } = self.tcp(origin, limits.tcp, priority, events).await?;
        let stream = match origin.scheme {
            Scheme::Http => DialedStream::Plain(stream),
            Scheme::Https => {
                let own = self.grants.is_own(origin);
                let stream = self.tls.connect(origin, own, stream, limits.handshake, events).await?;
                DialedStream::Tls(Box::new(stream))
            }
        };
        Ok(Dialed { stream, remote, local })
    }

    async fn tcp(
        &self,
        origin: &Origin,
        limit: Option<Duration>,
        priority: Priority,
        events: &Events,
    ) -> Result<TcpConnection, RequestError> {
        let deadline = limit.and_then(|limit| Instant::now().checked_add(limit));
        let connected = async {
            let addresses = self.resolve(origin, priority, events).await?;
            self.connect_first(origin, &addresses, deadline, events).await
        };
        match limit {
            None => connected.await,
            Some(limit) => tokio::time::timeout(limit, connected).await.unwrap_or_else(|_| {
                Err(RequestError::ConnectTimeout { authority: origin.authority(), limit })
            }),
        }
    }

    async fn resolve(
        &self,
        origin: &Origin,
        priority: Priority,
        events: &Events,
    ) -> Result<Vec<IpAddr>, RequestError> {
        if let Some(address) = origin.literal() {
            return Ok(vec![address]);
        }
        events.dns_start(&origin.host);
        let resolved = self.resolver.resolve(&origin.host, priority).await.map_err(RequestError::Resolve);
        match &resolved {
            Ok(addresses) => events.dns_done(addresses, None),
            Err(error) => events.dns_done(&[], Some(&error.chain())),
        }
        resolved
    }

    /// Tries one address after the other, each with its share of the time that is left. If all fail, returns the first
    /// error.
    async fn connect_first(
        &self,
        origin: &Origin,
        addresses: &[IpAddr],
        deadline: Option<Instant>,
        events: &Events,
    ) -> Result<TcpConnection, RequestError> {
        let mut first_error = None;
        for (index, ip) in addresses.iter().enumerate() {
            let address = SocketAddr::new(*ip, origin.port);
            let share = deadline.map(|deadline| tcp::share(deadline, addresses.len() - index));
            match self.connect_one(origin, address, share, events).await {
                Ok(tcp) => return Ok(tcp),
                Err(error) => first_error = first_error.or(Some(error)),
            }
        }
        let none = || ResolveError::NoAddress { host: origin.host.to_string() }.into();
        Err(first_error.unwrap_or_else(none))
    }

    async fn connect_one(
        &self,
        origin: &Origin,
        address: SocketAddr,
        deadline: Option<Instant>,
        events: &Events,
    ) -> Result<TcpConnection, RequestError> {
        self.grants.check_address(origin, address.ip())?;
        events.connect_start(address);
        let result = TcpConnection::open(address, deadline, self.keep_alive).await;
        events.connect_done(address, result.as_ref().err().map(|error| error as &dyn Display));
        result.map_err(|source| RequestError::of_connect(address, source))
    }
}
