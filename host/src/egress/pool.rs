//! Idle connections. No timer runs: old ones go when the pool is used or a peer hangs up.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::connection::Connection;
use super::origin::Origin;

/// As in Go: servers and load balancers commonly keep an idle connection for one to several minutes.
const MAX_IDLE_TIME: Duration = Duration::from_secs(90);
/// As in the Go SDK: a burst of queries may leave this many connections behind, to all hosts together.
const MAX_IDLE: usize = 100;

/// The one that waits longest comes first.
#[derive(Default)]
pub(super) struct Pool(Mutex<VecDeque<Idle>>);

struct Idle {
    origin: Origin,
    connection: Connection,
    since: Instant,
}

// === impl Pool ===

impl Pool {
    /// The connection that was used last, and how long it was idle.
    pub(super) async fn take(&self, origin: &Origin) -> Option<(Connection, Duration)> {
        loop {
            let Idle { mut connection, since, .. } = self.pop(origin)?;
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
        idle.push_back(Idle { origin, connection, since: Instant::now() });
    }

    /// Lets go of connections that are closed or too old.
    pub(super) fn prune(&self) {
        drop(self.pruned());
    }

    fn pop(&self, origin: &Origin) -> Option<Idle> {
        let mut idle = self.pruned();
        let last = idle.iter().rposition(|idle| idle.origin == *origin)?;
        idle.remove(last)
    }

    fn pruned(&self) -> MutexGuard<'_, VecDeque<Idle>> {
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(Idle::is_usable);
        idle
    }
}

// === impl Idle ===

impl Idle {
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
        let pool = Pool::default();
        let mut peers = Vec::new();
        for port in [1, 2] {
            let (mut connection, peer) = connection().await;
            connection.local.set_port(port);
            pool.put(origin(), connection);
            peers.push(peer);
        }
        assert_eq!(pool.take(&origin()).await.unwrap().0.local.port(), 2);
        assert_eq!(pool.take(&origin()).await.unwrap().0.local.port(), 1);
        assert!(pool.take(&origin()).await.is_none());
    }

    #[tokio::test]
    async fn each_origin_has_its_own() {
        let pool = Pool::default();
        let (connection, _peer) = connection().await;
        pool.put(origin(), connection);
        for other in [Origin { port: 81, ..origin() }, Origin { scheme: Scheme::Https, ..origin() }] {
            assert!(pool.take(&other).await.is_none());
        }
        assert!(pool.take(&origin()).await.is_some());
    }

    #[tokio::test]
    async fn closed_and_old_connections_are_let_go() {
        let pool = Pool::default();
        let (closed, peer) = connection().await;
        pool.put(origin(), closed);
        drop(peer);
        assert!(pool.take(&origin()).await.is_none());

        let (old, _peer) = connection().await;
        pool.put(origin(), old);
        pool.pruned()[0].since = Instant::now().checked_sub(MAX_IDLE_TIME).unwrap();
        pool.prune();
        assert!(pool.0.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn only_so_many_wait() {
        let pool = Pool::default();
        let mut peers = Vec::new();
        for _ in 0..=MAX_IDLE {
            let (connection, peer) = connection().await;
            pool.put(origin(), connection);
            peers.push(peer);
        }
        assert_eq!(pool.pruned().len(), MAX_IDLE);
    }
}
