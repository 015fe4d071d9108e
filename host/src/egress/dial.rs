//! Connects to an origin: the name, the check of each address, TCP, proxies, TLS. Every step becomes an event of the request
//! that waits for it.

mod proxy;
mod stream;
mod tcp;
mod tls;

use std::fmt::Display;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

pub(super) use self::stream::Stream;
use self::tcp::TcpConnection;
use self::tls::TlsClient;
pub(super) use self::tls::TrustedRoots;
use super::error::RequestError;
use super::origin::{Origin, Scheme};
use super::policy::Grants;
use super::proxy::{BadProxy, Proxies, Proxy, Route};
use super::settings::{BadPem, TlsSettings};
use super::trace::Events;
use crate::budget::Priority;
use crate::net::{ResolveError, Resolver};

/// Connects on behalf of one data source.
pub(super) struct Dialer {
    grants: Arc<Grants>,
    resolver: Arc<Resolver>,
    tls: TlsClient,
    proxies: Arc<Proxies>,
    secure_socks: Result<Option<Arc<Proxy>>, BadProxy>,
}

/// An open connection on which nothing has been sent yet.
pub(super) struct Dialed {
    pub(super) stream: Stream,
    pub(super) remote: SocketAddr,
    pub(super) local: SocketAddr,
}

/// Whose word it is that an address may be connected to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Trust {
    /// The policy's, which is asked about each address.
    Checked,
    /// The operator's: it is a proxy.
    Operators,
}

// === impl Dialer ===

impl Dialer {
    /// `tls` is for the data source's own origin.
    pub(super) fn new(
        grants: Arc<Grants>,
        resolver: Arc<Resolver>,
        roots: Arc<TrustedRoots>,
        tls: Result<TlsSettings, BadPem>,
        proxies: Arc<Proxies>,
        secure_socks: Result<Option<Arc<Proxy>>, BadProxy>,
    ) -> Self {
        Self { grants, resolver, tls: TlsClient::new(roots, tls), proxies, secure_socks }
    }

    /// Returns the proxies on the way to an origin. Fails if what the settings ask for cannot be used.
    pub(super) fn route(&self, origin: &Origin) -> Result<Route, RequestError> {
        let secure_socks = self.secure_socks.clone().map_err(RequestError::ProxySettings)?;
        self.proxies.route(origin, secure_socks).map_err(RequestError::ProxySettings)
    }

    /// Connects within `limit`.
    pub(super) async fn dial(
        &self,
        origin: &Origin,
        limit: Option<Duration>,
        priority: Priority,
        events: &Events,
    ) -> Result<Dialed, RequestError> {
        let deadline = limit.and_then(|limit| Instant::now().checked_add(limit));
        let dialed = self.dial_until(origin, deadline, priority, events);
        match limit {
            None => dialed.await,
            Some(limit) => tokio::time::timeout(limit, dialed).await.unwrap_or_else(|_| {
                Err(RequestError::ConnectTimeout { authority: origin.authority(), limit })
            }),
        }
    }

    async fn dial_until(
        &self,
        origin: &Origin,
        deadline: Option<Instant>,
        priority: Priority,
        events: &Events,
    ) -> Result<Dialed, RequestError> {
        let route = self.route(origin)?;
        let TcpConnection { stream, remote, local } = match route.proxies().next() {
            None => self.connect_to(origin, Trust::Checked, priority, deadline, events).await?,
            Some(proxy) => {
                self.grants.check_behind_proxy(origin)?;
                let to_proxy =
                    self.connect_to(&proxy.address, Trust::Operators, priority, deadline, events).await;
                to_proxy.map_err(|error| error.at_proxy(origin, proxy))?
            }
        };
        let mut stream = self.pass_proxies(Stream::Tcp(stream), &route, origin, events).await?;
        if origin.scheme == Scheme::Https {
            stream = self.tls.connect(origin, self.grants.is_own(origin), stream, events).await?;
        }
        Ok(Dialed { stream, remote, local })
    }

    async fn pass_proxies(
        &self,
        mut stream: Stream,
        route: &Route,
        origin: &Origin,
        events: &Events,
    ) -> Result<Stream, RequestError> {
        let mut proxies = route.proxies().peekable();
        while let Some(proxy) = proxies.next() {
            if proxy.address.scheme == Scheme::Https {
                let tls = self.tls.connect_proxy(proxy, stream, events).await;
                stream = tls.map_err(|error| error.at_proxy(origin, proxy))?;
            }
            let next = proxies.peek().map_or(origin, |next| &next.address);
            if proxies.peek().is_none() && route.takes_plain(origin).is_some() {
                break;
            }
            let passed = proxy::pass(proxy, stream, next).await;
            stream = passed.map_err(|failure| RequestError::of_proxy(origin, proxy, failure))?;
        }
        Ok(stream)
    }

    async fn connect_to(
        &self,
        peer: &Origin,
        trust: Trust,
        priority: Priority,
        deadline: Option<Instant>,
        events: &Events,
    ) -> Result<TcpConnection, RequestError> {
        let addresses = self.resolve(peer, priority, events).await?;
        self.connect_first(peer, trust, &addresses, deadline, events).await
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
        trust: Trust,
        addresses: &[IpAddr],
        deadline: Option<Instant>,
        events: &Events,
    ) -> Result<TcpConnection, RequestError> {
        let mut first_error = None;
        for (index, ip) in addresses.iter().enumerate() {
            let address = SocketAddr::new(*ip, origin.port);
            let share = deadline.map(|deadline| tcp::share(deadline, addresses.len() - index));
            match self.connect_one(origin, trust, address, share, events).await {
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
        trust: Trust,
        address: SocketAddr,
        deadline: Option<Instant>,
        events: &Events,
    ) -> Result<TcpConnection, RequestError> {
        if trust == Trust::Checked {
            self.grants.check_address(origin, address.ip())?;
        }
        events.connect_start(address);
        let result = TcpConnection::open(address, deadline).await;
        events.connect_done(address, result.as_ref().err().map(|error| error as &dyn Display));
        result.map_err(|source| RequestError::of_connect(address, source))
    }
}
