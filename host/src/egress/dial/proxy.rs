//! How a connection passes a proxy. What a proxy says is as little trusted as what an upstream says.

mod connect;
#[cfg(any(test, feature = "fuzz"))]
pub(crate) mod fuzz;
mod socks;

use tokio::time::timeout;

use super::stream::Stream;
use crate::egress::origin::Origin;
use crate::egress::proxy::{PROXY_PATIENCE, Proxy, ProxyFailure, ProxyKind};

/// Asks the proxy at the other end of `stream` for a way to `next`.
pub(super) async fn pass(proxy: &Proxy, stream: Stream, next: &Origin) -> Result<Stream, ProxyFailure> {
    let opened = async {
        match proxy.kind {
            ProxyKind::Http => connect::open(proxy, stream, next).await,
            ProxyKind::Socks => socks::open(proxy, stream, next).await,
        }
    };
    timeout(PROXY_PATIENCE, opened).await.unwrap_or(Err(ProxyFailure::Late))
}
