//! The connection to the collector: plaintext TCP, opened when the first spans go out.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use http::uri::Scheme;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tonic::transport::{Channel, Endpoint};
use tower_service::Service;

use crate::budget::Priority;
use crate::net::{ResolveError, Resolver};

/// For resolving the name and connecting together. As long as an export may take.
const TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectError {
    #[error("the collector's address has no host and port")]
    Address,
    #[error("TLS is not supported")]
    Tls,
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    #[error("no address of {0:?} accepts the connection")]
    Tcp(String, #[source] io::Error),
}

/// Connects to the collector, and again whenever the connection has broken.
#[derive(Clone, Default)]
pub(super) struct CollectorConnector {
    resolver: Arc<Resolver>,
}

/// Returns a channel that connects when it is first used.
pub(super) fn channel(collector: &Uri) -> Channel {
    let connector = CollectorConnector::default();
    Endpoint::from(collector.clone()).connect_timeout(TIMEOUT).connect_with_connector_lazy(connector)
}

// === impl CollectorConnector ===

impl CollectorConnector {
    pub(super) async fn connect(&self, uri: &Uri) -> Result<TcpStream, ConnectError> {
        if uri.scheme() == Some(&Scheme::HTTPS) {
            return Err(ConnectError::Tls);
        }
        let (Some(host), Some(port)) = (uri.host(), uri.port_u16()) else {
            return Err(ConnectError::Address);
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let addresses = match host.parse() {
            Ok(address) => vec![address],
            Err(_) => self.resolver.resolve(host, Priority::Usual).await?,
        };
        let addresses: Vec<SocketAddr> =
            addresses.into_iter().map(|address| SocketAddr::new(address, port)).collect();
        let connected = TcpStream::connect(addresses.as_slice()).await;
        let stream = connected.map_err(|error| ConnectError::Tcp(host.to_owned(), error))?;
        // Where this is refused, only latency suffers.
        let _ = stream.set_nodelay(true);
        Ok(stream)
    }
}

impl Service<Uri> for CollectorConnector {
    type Response = TokioIo<TcpStream>;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, ConnectError>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connector = self.clone();
        Box::pin(async move { connector.connect(&uri).await.map(TokioIo::new) })
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn the_collectors_name_is_resolved_by_the_hosts_own_rule() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let resolver = Arc::new(Resolver::listing("127.0.0.1 tempo.test"));
        let mut connector = CollectorConnector { resolver };
        for host in ["tempo.test", "localhost", "tempo.localhost", "127.0.0.1"] {
            let uri = format!("http://{host}:{}/", address.port()).parse().unwrap();
            let stream = connector.call(uri).await.unwrap().into_inner();
            assert_eq!(stream.peer_addr().unwrap(), address, "{host}");
        }
        let error = connector.call(Uri::from_static("http://other.test:4317/")).await.unwrap_err();
        assert!(matches!(error, ConnectError::Resolve(_)), "{error:?}");
    }
}
