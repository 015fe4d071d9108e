//! Connects to an origin: the name, the check of each address, TCP, proxies, TLS. Every step becomes an event of the request
//! that waits for it.

mod proxy;
mod stream;
mod tcp;
mod tls;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

#[cfg(any(test, feature = "fuzz"))]
pub(super) use self::proxy::fuzz;
pub(super) use self::stream::Stream;
use self::tcp::TcpConnection;
use self::tls::TlsClient;
use super::error::RequestError;
use super::origin::{Origin, Scheme};
use super::policy::Grants;
use super::proxy::{BadProxy, Proxies, Proxy, Route};
use super::settings::{DataSourceHttp, KeepAlive};
use super::trace::Events;
use crate::budget::Priority;
use crate::metrics::UpstreamRequests;
use crate::net::{ResolveError, Resolver, TrustedRoots};

/// Connects on behalf of one data source.
pub(super) struct Dialer {
    grants: Arc<Grants>,
    resolver: Arc<Resolver>,
    keep_alive: KeepAlive,
    tls: TlsClient,
    proxies: Arc<Proxies>,
    secure_socks: Result<Option<Arc<Proxy>>, BadProxy>,
    requests: UpstreamRequests,
    /// Name and type, for metrics.
    data_source: [String; 2],
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

// === impl Dialed ===

impl From<TcpConnection> for Dialed {
    fn from(tcp: TcpConnection) -> Self {
        Self { stream: Stream::Tcp(tcp.stream), remote: tcp.remote, local: tcp.local }
    }
}

// === impl Dialer ===

impl Dialer {
    pub(super) fn new(
        settings: &DataSourceHttp,
        grants: Arc<Grants>,
        resolver: Arc<Resolver>,
        roots: Arc<TrustedRoots>,
        proxies: Arc<Proxies>,
        requests: UpstreamRequests,
    ) -> Self {
        let tls = TlsClient::new(roots, settings.tls.clone(), settings.grafana.only_tls13);
        let (keep_alive, secure_socks) = (settings.keep_alive, settings.secure_socks.clone());
        let data_source = ["datasource_name", "datasource_type"].map(|key| settings.label(key).to_owned());
        Self { grants, resolver, keep_alive, tls, proxies, secure_socks, requests, data_source }
    }

    /// Returns the proxies on the way to an origin. Fails if what the settings ask for cannot be used.
    pub(super) fn route(&self, origin: &Origin) -> Result<Route, RequestError> {
        let secure_socks = self.secure_socks.clone().map_err(RequestError::ProxySettings)?;
        self.proxies.route(origin, secure_socks).map_err(RequestError::ProxySettings)
    }

    /// Connects within the limits.
    pub(super) async fn dial(
        &self,
        origin: &Origin,
        limits: ConnectLimits,
        priority: Priority,
        events: &Events,
    ) -> Result<Dialed, RequestError> {
        let route = self.route(origin)?;
        let Dialed { mut stream, remote, local } = match route.proxies().next() {
            None => self.tcp(origin, Trust::Checked, limits.tcp, priority, events).await?.into(),
            Some(_) => self.through_proxies(origin, &route, limits, priority, events).await?,
        };
        if origin.scheme == Scheme::Https {
            let own = self.grants.is_own(origin);
            stream = self.tls.connect(origin, own, stream, limits.handshake, events).await?;
        }
        Ok(Dialed { stream, remote, local })
    }

    async fn through_proxies(
        &self,
        origin: &Origin,
        route: &Route,
        limits: ConnectLimits,
        priority: Priority,
        events: &Events,
    ) -> Result<Dialed, RequestError> {
        self.grants.check_behind_proxy(origin)?;
        let mut way = match &route.secure_socks {
            None => None,
            Some(proxy) => {
                let [name, kind] = &self.data_source;
                let mut measured = self.requests.secure_socks(name, kind);
                let next = route.environment.as_ref().map_or(origin, |proxy| &proxy.address);
                let passed = self.pass(proxy, None, origin, Some(next), limits, priority, events).await;
                measured.ended(passed.as_ref().map_or_else(RequestError::socks_code, |_| "0".into()));
                Some(passed?)
            }
        };
        if let Some(proxy) = &route.environment {
            // It opens no way for a request that it takes itself.
            let next = route.takes_plain(origin).is_none().then_some(origin);
            way = Some(self.pass(proxy, way, origin, next, limits, priority, events).await?);
        }
        way.ok_or_else(|| ResolveError::NoAddress { host: origin.host.to_string() }.into())
    }

    /// Goes on `way`, or directly, to a proxy, and through it to `next`.
    #[expect(clippy::too_many_arguments, reason = "a step of a way that all of them belong to")]
    async fn pass(
        &self,
        proxy: &Proxy,
        way: Option<Dialed>,
        origin: &Origin,
        next: Option<&Origin>,
        limits: ConnectLimits,
        priority: Priority,
        events: &Events,
    ) -> Result<Dialed, RequestError> {
        let at_proxy = |error: RequestError| error.at_proxy(origin, proxy);
        let Dialed { mut stream, remote, local } = match way {
            Some(way) => way,
            None => {
                let tcp = self.tcp(&proxy.address, Trust::Operators, limits.tcp, priority, events).await;
                tcp.map_err(at_proxy)?.into()
            }
        };
        if proxy.address.scheme == Scheme::Https {
            let tls = self.tls.connect_proxy(proxy, stream, limits.handshake, events).await;
            stream = tls.map_err(at_proxy)?;
        }
        if let Some(next) = next {
            let passed = proxy::pass(proxy, stream, next).await;
            stream = passed.map_err(|failure| RequestError::of_proxy(origin, proxy, failure))?;
        }
        Ok(Dialed { stream, remote, local })
    }

    async fn tcp(
        &self,
        peer: &Origin,
        trust: Trust,
        limit: Option<Duration>,
        priority: Priority,
        events: &Events,
    ) -> Result<TcpConnection, RequestError> {
        let deadline = limit.and_then(|limit| Instant::now().checked_add(limit));
        let connected = async {
            let addresses = self.resolve(peer, priority, events).await?;
            self.connect_first(peer, trust, &addresses, deadline, events).await
        };
        let late = |limit| Err(RequestError::ConnectTimeout { authority: peer.authority(), limit });
        match limit {
            None => connected.await,
            // A timer would leave it a millisecond.
            Some(Duration::ZERO) => late(Duration::ZERO),
            Some(limit) => tokio::time::timeout(limit, connected).await.unwrap_or_else(|_| late(limit)),
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
        let resolved = self.resolver.resolve(&origin.host, priority).await;
        match &resolved {
            Ok(addresses) => events.dns_done(addresses, None),
            Err(error) => events.dns_done(&[], Some(error)),
        }
        resolved.map_err(RequestError::Resolve)
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
        let result = TcpConnection::open(address, deadline, self.keep_alive).await;
        events.connect_done(address, result.as_ref().err());
        result.map_err(|source| RequestError::of_connect(address, source))
    }
}
