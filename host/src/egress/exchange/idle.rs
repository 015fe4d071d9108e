//! Idle connections. No timer runs: old ones are closed when an exchange begins or ends, or when a peer hangs up.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::connection::Connection;
use crate::egress::origin::Origin;

/// As in Go: servers and load balancers commonly keep an idle connection open for one to several minutes.
const MAX_IDLE_TIME: Duration = Duration::from_secs(90);
/// As in the Go SDK: how many connections a burst of queries may leave behind, to all hosts together.
const MAX_IDLE: usize = 100;

/// The one that has been idle longest comes first.
#[derive(Default)]
pub(super) struct IdleConnections(Mutex<VecDeque<IdleConnection>>);

struct IdleConnection {
    origin: Origin,
    connection: Connection,
    since: Instant,
}

// === impl IdleConnections ===

impl IdleConnections {
    /// Returns the connection that was used last, and how long it was idle.
    pub(super) async fn take(&self, origin: &Origin) -> Option<(Connection, Duration)> {
        loop {
            let IdleConnection { mut connection, since, .. } = self.pop(origin)?;
            if connection.ready().await {
                return Some((connection, since.elapsed()));
            }
        }
    }

    pub(super) fn put(&self, origin: Origin, connection: Connection) {
        let mut idle = self.pruned();
        if idle.len() >= MAX_IDLE {
            idle.pop_front();
        }
        idle.push_back(IdleConnection { origin, connection, since: Instant::now() });
    }

    /// Drops connections that are closed or too old.
    pub(super) fn prune(&self) {
        drop(self.pruned());
    }

    fn pop(&self, origin: &Origin) -> Option<IdleConnection> {
        let mut idle = self.pruned();
        let last = idle.iter().rposition(|idle| idle.origin == *origin)?;
        idle.remove(last)
    }

    fn pruned(&self) -> MutexGuard<'_, VecDeque<IdleConnection>> {
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(IdleConnection::is_usable);
        idle
    }
}

// === impl IdleConnection ===

impl IdleConnection {
    fn is_usable(&self) -> bool {
        !self.connection.is_closed() && self.since.elapsed() < MAX_IDLE_TIME
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};

    use tokio::io::{DuplexStream, duplex};

    use super::*;
    use crate::egress::origin::Scheme;

    const ADDRESS: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 80);

    fn origin() -> Origin {
        Origin { scheme: Scheme::Http, host: "localhost".into(), port: 80 }
    }

    async fn connection() -> (Connection, DuplexStream) {
        let (ours, theirs) = duplex(64);
        (Connection::open(ours, ADDRESS, ADDRESS, || {}).await.unwrap(), theirs)
    }

    #[tokio::test]
    async fn the_last_one_in_is_the_first_one_out() {
        let idle = IdleConnections::default();
        let mut peers = Vec::new();
        for port in [1, 2] {
            let (mut connection, peer) = connection().await;
            connection.local.set_port(port);
            idle.put(origin(), connection);
            peers.push(peer);
        }
        assert_eq!(idle.take(&origin()).await.unwrap().0.local.port(), 2);
        assert_eq!(idle.take(&origin()).await.unwrap().0.local.port(), 1);
        assert!(idle.take(&origin()).await.is_none());
    }

    #[tokio::test]
    async fn each_origin_has_its_own() {
        let idle = IdleConnections::default();
        let (connection, _peer) = connection().await;
        idle.put(origin(), connection);
        for other in [Origin { port: 81, ..origin() }, Origin { scheme: Scheme::Https, ..origin() }] {
            assert!(idle.take(&other).await.is_none());
        }
        assert!(idle.take(&origin()).await.is_some());
    }

    #[tokio::test]
    async fn closed_and_old_connections_are_dropped() {
        let idle = IdleConnections::default();
        let (closed, peer) = connection().await;
        idle.put(origin(), closed);
        drop(peer);
        assert!(idle.take(&origin()).await.is_none());

        let (old, _peer) = connection().await;
        idle.put(origin(), old);
        idle.pruned()[0].since = Instant::now().checked_sub(MAX_IDLE_TIME).unwrap();
        idle.prune();
        assert!(idle.0.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn only_so_many_stay_open() {
        let idle = IdleConnections::default();
        let mut peers = Vec::new();
        for _ in 0..=MAX_IDLE {
            let (connection, peer) = connection().await;
            idle.put(origin(), connection);
            peers.push(peer);
        }
        assert_eq!(idle.pruned().len(), MAX_IDLE);
    }
}
