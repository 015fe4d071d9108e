//! The connection to the collector: plaintext TCP, made when the first spans go out.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use hickory_resolver::TokioResolver;
use http::Uri;
use http::uri::{Authority, Scheme};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tonic::transport::{Channel, Endpoint};
use tower_service::Service;

/// For the name and the connection together; as long as an export may take.
const TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("the collector's address has no host and port")]
    Address,
    #[error("the name {0:?} does not resolve")]
    Resolve(String, #[source] hickory_resolver::net::NetError),
    #[error("no address of {0:?} accepts the connection")]
    Connect(String, #[source] io::Error),
}

/// Resolves names without the C library: a static executable cannot load its name services.
#[derive(Clone)]
struct Connector;

/// Does not connect yet.
pub(super) fn channel(collector: &Authority) -> Channel {
    let mut parts = http::uri::Parts::default();
    parts.scheme = Some(Scheme::HTTP);
    parts.authority = Some(collector.clone());
    parts.path_and_query = Some(http::uri::PathAndQuery::from_static("/"));
    let uri = Uri::from_parts(parts).unwrap_or_default();
    Endpoint::from(uri).connect_timeout(TIMEOUT).connect_with_connector_lazy(Connector)
}

// === impl Connector ===

impl Service<Uri> for Connector {
    type Response = TokioIo<TcpStream>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Error>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        Box::pin(async move {
            let (Some(host), Some(port)) = (uri.host(), uri.port_u16()) else { return Err(Error::Address) };
            let host = host.trim_start_matches('[').trim_end_matches(']');
            let addresses: Vec<SocketAddr> =
                resolve(host).await?.into_iter().map(|address| SocketAddr::new(address, port)).collect();
            let connected = TcpStream::connect(addresses.as_slice()).await;
            let stream = connected.map_err(|error| Error::Connect(host.to_owned(), error))?;
            // Only latency suffers where this is refused.
            let _ = stream.set_nodelay(true);
            Ok(TokioIo::new(stream))
        })
    }
}

async fn resolve(host: &str) -> Result<Vec<IpAddr>, Error> {
    if let Ok(address) = host.parse() {
        return Ok(vec![address]);
    }
    let failed = |error| Error::Resolve(host.to_owned(), error);
    // Read anew each time: the machine's resolver settings may have changed since the connection broke.
    let resolver = TokioResolver::builder_tokio().and_then(|builder| builder.build()).map_err(failed)?;
    let found = resolver.lookup_ip(host).await.map_err(failed)?;
    Ok(found.iter().collect())
}
