//! Opens connections: name, address check, TCP, TLS, HTTP; each step is told to the request that waits for it.

use std::fmt::Display;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::connection::Connection;
use super::events::Events;
use super::origin::{Origin, Scheme};
use super::policy::Grants;
use super::pool::Pool;
use super::tls::{BadPem, TlsSettings};
use super::{Egress, Error};
use crate::net::ResolveError;

/// Of the time to connect, the least that one of several addresses gets, as in Go: less fails slow networks.
const MIN_TIME_PER_ADDRESS: Duration = Duration::from_secs(2);

pub(super) struct Connector {
    egress: Arc<Egress>,
    pub(super) grants: Grants,
    tls: Result<TlsSettings, BadPem>,
    own_tls: OnceCell<Arc<ClientConfig>>,
    other_tls: OnceCell<Arc<ClientConfig>>,
}

struct Tcp {
    stream: TcpStream,
    remote: SocketAddr,
    local: SocketAddr,
}

// === impl Connector ===

impl Connector {
    pub(super) fn new(egress: Arc<Egress>, grants: Grants, tls: Result<TlsSettings, BadPem>) -> Self {
        Self { egress, grants, tls, own_tls: OnceCell::new(), other_tls: OnceCell::new() }
    }

    /// Connects within `limit`; the connection leaves `pool` when it ends.
    pub(super) async fn connect(
        &self,
        origin: &Origin,
        limit: Option<Duration>,
        events: &Events,
        pool: &Arc<Pool>,
    ) -> Result<Connection, Error> {
        let dial = self.dial(origin, limit.map(|limit| Instant::now() + limit), events, pool);
        match limit {
            None => dial.await,
            Some(limit) => tokio::time::timeout(limit, dial)
                .await
                .unwrap_or_else(|_| Err(Error::ConnectTimeout { authority: origin.authority(), limit })),
        }
    }

    async fn dial(
        &self,
        origin: &Origin,
        deadline: Option<Instant>,
        events: &Events,
        pool: &Arc<Pool>,
    ) -> Result<Connection, Error> {
        let addresses = self.resolve(origin, events).await?;
        let tcp = self.connect_first(origin, &addresses, deadline, events).await?;
        let closed = {
            let pool = Arc::downgrade(pool);
            move || {
                if let Some(pool) = pool.upgrade() {
                    pool.prune();
                }
            }
        };
        let Tcp { stream, remote, local } = tcp;
        let opened = match origin.scheme {
            Scheme::Http => Connection::open(stream, remote, local, closed).await,
            Scheme::Https => {
                let stream = self.secure(origin, stream, events).await?;
                Connection::open(stream, remote, local, closed).await
            }
        };
        opened.map_err(|source| Error::of_exchange(&origin.authority(), source))
    }

    async fn resolve(&self, origin: &Origin, events: &Events) -> Result<Vec<IpAddr>, Error> {
        if let Some(address) = origin.literal() {
            return Ok(vec![address]);
        }
        events.dns_start(&origin.host);
        let resolved = self.egress.resolver.resolve(&origin.host).await.map_err(Error::Resolve);
        match &resolved {
            Ok(addresses) => events.dns_done(addresses, None),
            Err(error) => events.dns_done(&[], Some(&error.chain())),
        }
        resolved
    }

    /// One address after the other, each with its share of the time that is left; gives the first one's error.
    async fn connect_first(
        &self,
        origin: &Origin,
        addresses: &[IpAddr],
        deadline: Option<Instant>,
        events: &Events,
    ) -> Result<Tcp, Error> {
        let mut first_error = None;
        for (index, ip) in addresses.iter().enumerate() {
            let address = SocketAddr::new(*ip, origin.port);
            let share = deadline.map(|deadline| share(deadline, addresses.len() - index));
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
    ) -> Result<Tcp, Error> {
        self.grants.check_address(origin, address.ip())?;
        events.connect_start(address);
        let result = tcp(address, deadline).await;
        events.connect_done(address, result.as_ref().err().map(|error| error as &dyn Display));
        result.map_err(|source| Error::Connect { address, source })
    }

    async fn secure(
        &self,
        origin: &Origin,
        stream: TcpStream,
        events: &Events,
    ) -> Result<TlsStream<TcpStream>, Error> {
        let failed = |source| Error::Tls { authority: origin.authority(), source };
        let (config, name) = if self.grants.is_own(origin) {
            let settings = self.tls.as_ref().map_err(|bad| Error::TlsSettings(*bad))?;
            (self.tls_config(&self.own_tls, settings).await, settings.server_name.as_deref())
        } else {
            (self.tls_config(&self.other_tls, &TlsSettings::default()).await, None)
        };
        let config = config.map_err(|error| failed(io::Error::other(error)))?;
        let name = ServerName::try_from(name.unwrap_or(&origin.host).to_owned())
            .map_err(|error| failed(io::Error::new(io::ErrorKind::InvalidInput, error)))?;
        events.tls_start();
        let result = TlsConnector::from(config).connect(name, stream).await;
        events.tls_done(result.as_ref().err().map(|error| error as &dyn Display));
        result.map_err(failed)
    }

    async fn tls_config(
        &self,
        cell: &OnceCell<Arc<ClientConfig>>,
        settings: &TlsSettings,
    ) -> Result<Arc<ClientConfig>, rustls::Error> {
        let config =
            cell.get_or_try_init(|| async { settings.config(&self.egress.roots).await.map(Arc::new) });
        Ok(config.await?.clone())
    }
}

async fn tcp(address: SocketAddr, deadline: Option<Instant>) -> io::Result<Tcp> {
    let connect = TcpStream::connect(address);
    let stream = match deadline {
        None => connect.await?,
        Some(deadline) => timeout_at(deadline, connect).await.map_err(|_| io::ErrorKind::TimedOut)??,
    };
    // As Go does: a request is written at once, so waiting for more to send only delays it.
    stream.set_nodelay(true)?;
    Ok(Tcp { remote: stream.peer_addr()?, local: stream.local_addr()?, stream })
}

fn share(deadline: Instant, addresses_left: usize) -> Instant {
    let now = Instant::now();
    let left = deadline.saturating_duration_since(now);
    let addresses_left = u32::try_from(addresses_left).unwrap_or(u32::MAX).max(1);
    now + left.min((left / addresses_left).max(MIN_TIME_PER_ADDRESS))
}
