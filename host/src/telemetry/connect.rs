//! The connection to the collector: the name, TCP, and TLS if the endpoint is `https`. Opened when the first spans go out,
//! and again whenever it has broken.

mod error;
mod fault;
mod stream;
mod tls;

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::Uri;
use http::uri::Scheme;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower_service::Service;

use self::error::ConnectError;
pub(super) use self::fault::{Faults, chain};
use self::stream::CollectorStream;
use super::config::TlsFiles;
use crate::budget::Priority;
use crate::net::{Resolver, RootPaths, TrustedRoots};

/// Connects to the collector. Cheap to clone.
#[derive(Clone)]
pub(super) struct Connector(Arc<Parts>);

struct Parts {
    resolver: Resolver,
    roots: TrustedRoots,
    files: TlsFiles,
    /// The protocol that TLS asks for, as ALPN names it.
    alpn: &'static [u8],
    faults: Faults,
}

// === impl Connector ===

impl Connector {
    pub(super) fn new(files: TlsFiles, alpn: &'static [u8]) -> Self {
        Self::with_resolver(Resolver::default(), files, alpn)
    }

    fn with_resolver(resolver: Resolver, files: TlsFiles, alpn: &'static [u8]) -> Self {
        let (roots, faults) = (TrustedRoots::new(RootPaths::of_environment()), Faults::default());
        Self(Arc::new(Parts { resolver, roots, files, alpn, faults }))
    }

    /// Returns what has happened to the connections. HTTP libraries do not always pass it on.
    pub(super) fn faults(&self) -> &Faults {
        &self.0.faults
    }

    /// Connects to the authority of `uri`, by TLS if its scheme is `https`.
    pub(super) async fn connect(&self, uri: &Uri) -> Result<TokioIo<CollectorStream>, ConnectError> {
        let stream = self.open(uri).await;
        if let Err(error) = &stream {
            self.0.faults.note(error);
        }
        stream.map(TokioIo::new)
    }

    async fn open(&self, uri: &Uri) -> Result<CollectorStream, ConnectError> {
        let host = uri.host().ok_or(ConnectError::Address)?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let secure = uri.scheme() == Some(&Scheme::HTTPS);
        let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let addresses = match host.parse() {
            Ok(address) => vec![address],
            Err(_) => self.0.resolver.resolve(host, Priority::Usual).await?,
        };
        let addresses: Vec<SocketAddr> =
            addresses.into_iter().map(|address| SocketAddr::new(address, port)).collect();
        let connected = TcpStream::connect(addresses.as_slice()).await;
        let stream =
            connected.map_err(|source| ConnectError::Tcp { authority: format!("{host}:{port}"), source })?;
        // Where this is refused, only latency suffers.
        let _ = stream.set_nodelay(true);
        let faults = self.0.faults.clone();
        if !secure {
            return Ok(CollectorStream::new(stream, faults));
        }
        // Read for each connection, so that renewed files are used without a restart.
        let config = tls::config(&self.0.files, &self.0.roots, self.0.alpn).await?;
        Ok(CollectorStream::new(tls::connect(config, host, stream).await?, faults))
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<CollectorStream>;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, ConnectError>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connector = self.clone();
        Box::pin(async move { connector.connect(&uri).await })
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use tokio::net::TcpListener;

    use super::*;
    use crate::net::ResolveError;

    #[tokio::test]
    async fn the_collectors_name_is_resolved_by_the_hosts_own_rule() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let resolver = Resolver::listing("127.0.0.1 tempo.test");
        let connector = Connector::with_resolver(resolver, TlsFiles::default(), b"h2");
        for host in ["tempo.test", "localhost", "tempo.localhost", "127.0.0.1"] {
            let uri = format!("http://{host}:{port}/").parse().unwrap();
            assert!(connector.connect(&uri).await.is_ok(), "{host}");
            assert!(listener.accept().await.is_ok());
        }
        let error = connector.connect(&Uri::from_static("http://other.test:4317/")).await.err();
        assert!(matches!(error, Some(ConnectError::Resolve(ResolveError::Failed { .. }))), "{error:?}");
    }
}
