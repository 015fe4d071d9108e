//! Serves gRPC on one listener until the process is asked to stop, and then ends within a fixed time.

use std::time::Duration;

use futures_util::Stream;
use tokio::io::{AsyncRead, AsyncWrite};
use tonic::service::Routes;
use tonic::transport::Server;
use tonic::transport::server::Connected;

pub(crate) use self::address::Address;
#[cfg(test)]
pub(crate) use self::layer::unattached;
pub(crate) use self::layer::{LayerParts, Layers, OpenSpans, layers};
pub use self::listener::Listener;
use crate::shutdown::Shutdown;
use listener::Socket;

mod accept;
mod address;
mod error;
mod layer;
mod listener;
#[cfg(unix)]
mod unix;

/// Grafana kills a plugin 2 s after asking it to stop.
const DRAIN_LIMIT: Duration = Duration::from_millis(1500);

/// How long to wait for the reply to that request to be sent, whatever else is still open.
const LINGER: Duration = Duration::from_millis(200);

/// When a user leaves a dashboard, Grafana cancels all its calls at once, on one connection. The default limit of 20
/// such streams, which protects against untrusted clients, would close the connection with every other call on it.
const MAX_RESET_STREAMS: usize = 10_000;

/// grpc-go, which Grafana uses, allows 16 MiB; the default here is 16 KiB. Metadata carries the trace context and the tenant; the
/// headers that Grafana forwards are in the message.
const MAX_HEADER_LIST: u32 = 1024 * 1024;

/// How many calls may run at once on one connection. Grafana sends all of its calls on one, and grpc-go makes those beyond
/// this number wait, without a word. Nothing here shall: what a call costs is bounded elsewhere.
const MAX_STREAMS: u32 = 100_000;

/// Serves `routes` until `shutdown` is triggered; then runs `drain`, for no longer than Grafana waits, and returns.
pub(crate) async fn run(
    listener: Listener,
    routes: Routes,
    layers: Layers,
    shutdown: Shutdown,
    drain: impl Future<Output = ()>,
) -> Result<(), tonic::transport::Error> {
    let end = async {
        shutdown.triggered().await;
        // What is not flushed in time is lost: Grafana would kill us.
        let _ = tokio::time::timeout(DRAIN_LIMIT, drain).await;
        shutdown.finish();
        tokio::time::sleep(LINGER).await;
    };
    tokio::select! {
        result = listener.serve(routes, layers, &shutdown) => result,
        () = end => Ok(()),
    }
}

impl Listener {
    async fn serve(
        self,
        routes: Routes,
        layers: Layers,
        shutdown: &Shutdown,
    ) -> Result<(), tonic::transport::Error> {
        match self.0 {
            #[cfg(unix)]
            Socket::Unix(listener) => serve_on(listener.incoming(), routes, layers, shutdown).await,
            Socket::Tcp(listener) => {
                serve_on(listener::tcp_incoming(listener), routes, layers, shutdown).await
            }
        }
    }
}

/// Ends once `shutdown` is drained and the last connection is closed.
async fn serve_on<IO>(
    incoming: impl Stream<Item = std::io::Result<IO>>,
    routes: Routes,
    layers: Layers,
    shutdown: &Shutdown,
) -> Result<(), tonic::transport::Error>
where
    IO: AsyncRead + AsyncWrite + Connected + Unpin + Send + 'static,
{
    Server::builder()
        .http2_max_pending_accept_reset_streams(Some(MAX_RESET_STREAMS))
        .max_concurrent_streams(MAX_STREAMS)
        .http2_max_header_list_size(MAX_HEADER_LIST)
        .layer(layers)
        .serve_with_incoming_shutdown(routes.prepare(), incoming, shutdown.drained())
        .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Process, Transport};

    /// Without the time limits, this test would never end.
    #[tokio::test]
    async fn neither_a_drain_nor_a_connection_that_hangs_delays_the_end() {
        let listener = Listener::bind(&Process { transport: Transport::Tcp, ..Process::default() }).unwrap();
        let address = listener.address().unwrap().address;
        let _connection = tokio::net::TcpStream::connect(address).await.unwrap();
        let shutdown = Shutdown::new();
        shutdown.trigger();
        run(listener, Routes::default(), unattached(), shutdown, std::future::pending()).await.unwrap();
    }
}
