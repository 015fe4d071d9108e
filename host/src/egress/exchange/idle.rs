//! Idle connections of all clients. They are closed after a while, and earlier if others need a connection.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::{Instant, sleep_until};

use super::connection::Connection;
use crate::budget::Idle;
use crate::egress::origin::Origin;
use crate::egress::settings::Pooling;

/// How many all clients together may leave. Each keeps a buffer or two, which nobody is charged for.
const MAX_IDLE_OF_ALL: usize = 256;

/// Tells clients apart. No two share a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct ClientId(pub(super) u64);

/// Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct IdleConnections(Arc<Mutex<IdleState>>);

#[derive(Default)]
struct IdleState {
    connections: Idle<ClientId, IdleConnection>,
    /// Whether a task closes those that are too old. It runs while any is idle.
    timed: bool,
}

struct IdleConnection {
    origin: Origin,
    connection: Connection,
    /// None if there is no limit.
    time: Option<Duration>,
}

// === impl IdleConnections ===

impl IdleConnections {
    /// Returns the connection that was used last, and how long it was idle.
    pub(super) async fn take(&self, client: ClientId, origin: &Origin) -> Option<(Connection, Duration)> {
        loop {
            let taken = self.lock().connections.take(client, |idle| idle.origin == *origin);
            let (IdleConnection { mut connection, .. }, since) = taken?;
            connection.is_idle_as(0);
            if connection.ready().await {
                return Some((connection, since.elapsed()));
            }
        }
    }

    /// Keeps the connection, or closes one that is too many for the client or for all.
    pub(super) fn put(&self, client: ClientId, origin: Origin, connection: Connection, pooling: Pooling) {
        let mut idle = self.lock();
        // As in Go, of those to one host the newest is one too many.
        if pooling.idle == 0
            || idle.connections.count(client, |idle| idle.origin == origin) >= pooling.idle_per_host
        {
            drop(idle);
            drop(connection);
            return;
        }
        let idle_connection = IdleConnection { origin, connection, time: pooling.idle_time };
        let gone = idle.put(client, idle_connection, pooling.idle);
        // A runtime that ends drops what is left of exchanges, and needs no timer.
        if !idle.timed
            && pooling.idle_time.is_some()
            && idle.connections.len() > 0
            && let Ok(runtime) = Handle::try_current()
        {
            idle.timed = true;
            runtime.spawn(close_in_time(self.clone()));
        }
        drop(idle);
        drop(gone);
    }

    /// The connection that is idle under this number is closed.
    pub(super) fn closed(&self, number: u64) {
        let closed = self.lock().connections.remove(number);
        drop(closed);
    }

    /// Closes the one that has been idle longest. Returns whether there was any.
    pub(super) fn close_oldest(&self) -> bool {
        let oldest = self.lock().connections.remove_oldest();
        oldest.is_some()
    }

    /// The same for those of one client.
    pub(super) fn close_oldest_of(&self, client: ClientId) -> bool {
        let oldest = self.lock().connections.remove_oldest_of(client);
        oldest.is_some()
    }

    /// Closes all of a client's.
    pub(super) fn close_all_of(&self, client: ClientId) {
        while self.close_oldest_of(client) {}
    }

    /// Closes those that are too old. Returns when to do it again, or `None` if nothing is idle.
    fn close_old(&self) -> Option<Instant> {
        let mut idle = self.lock();
        let (old, next) = idle.connections.remove_due(|idle| idle.time);
        idle.timed = next.is_some();
        drop(idle);
        drop(old);
        next
    }

    fn lock(&self) -> MutexGuard<'_, IdleState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn close_in_time(idle: IdleConnections) {
    let idle_weakly = Arc::downgrade(&idle.0);
    drop(idle);
    while let Some(next) = idle_weakly.upgrade().and_then(|idle| IdleConnections(idle).close_old()) {
        sleep_until(next).await;
    }
}

// === impl IdleState ===

impl IdleState {
    /// Returns the one that is one too many, and the connection itself if it is closed already.
    fn put(
        &mut self,
        client: ClientId,
        idle: IdleConnection,
        max: usize,
    ) -> (Option<IdleConnection>, Option<IdleConnection>) {
        let number = self.connections.put(client, idle);
        if let Some(idle) = self.connections.get(number) {
            idle.connection.is_idle_as(number);
        }
        let surplus = if self.connections.len_of(client) > max {
            self.connections.remove_oldest_of(client)
        } else if self.connections.len() > MAX_IDLE_OF_ALL {
            self.connections.remove_oldest()
        } else {
            None
        };
        // If it was closed before it had its number, nothing has removed it.
        let is_closed = self.connections.get(number).is_some_and(|idle| idle.connection.is_closed());
        (surplus, if is_closed { self.connections.remove(number) } else { None })
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};

    use tokio::io::{AsyncReadExt as _, DuplexStream, duplex};

    use super::super::head_bytes::HeadBytes;
    use super::*;
    use crate::egress::origin::Scheme;

    const MAX_IDLE: usize = 100;
    const MAX_IDLE_TIME: Duration = Duration::from_secs(90);
    const POOLING: Pooling =
        Pooling { per_host: None, idle: MAX_IDLE, idle_per_host: MAX_IDLE, idle_time: Some(MAX_IDLE_TIME) };
    const ADDRESS: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 80);
    const ONE: ClientId = ClientId(1);
    const OTHER: ClientId = ClientId(2);

    fn origin() -> Origin {
        Origin { scheme: Scheme::Http, host: "localhost".into(), port: 80 }
    }

    async fn connection(idle: &IdleConnections) -> (Connection, DuplexStream) {
        let (ours, theirs) = duplex(64);
        let idle = idle.clone();
        let closed = move |number| idle.closed(number);
        (
            Connection::http1(ours, (ADDRESS, ADDRESS), HeadBytes::of(Arc::default()), (), closed)
                .await
                .unwrap(),
            theirs,
        )
    }

    /// Makes an idle connection of `client`.
    async fn put(idle: &IdleConnections, client: ClientId, port: u16) -> DuplexStream {
        let (mut connection, peer) = connection(idle).await;
        connection.local.set_port(port);
        idle.put(client, origin(), connection, POOLING);
        peer
    }

    fn len(idle: &IdleConnections) -> usize {
        let idle = idle.lock();
        idle.connections.assert_consistent();
        idle.connections.len()
    }

    #[tokio::test]
    async fn the_last_one_in_is_the_first_one_out() {
        let idle = IdleConnections::default();
        let _peers = [put(&idle, ONE, 1).await, put(&idle, ONE, 2).await];
        assert_eq!(idle.take(ONE, &origin()).await.unwrap().0.local.port(), 2);
        assert_eq!(idle.take(ONE, &origin()).await.unwrap().0.local.port(), 1);
        assert!(idle.take(ONE, &origin()).await.is_none());
    }

    #[tokio::test]
    async fn each_client_and_each_origin_has_its_own() {
        let idle = IdleConnections::default();
        let _peer = put(&idle, ONE, 1).await;
        for other in [Origin { port: 81, ..origin() }, Origin { scheme: Scheme::Https, ..origin() }] {
            assert!(idle.take(ONE, &other).await.is_none());
        }
        assert!(idle.take(OTHER, &origin()).await.is_none());
        assert!(idle.take(ONE, &origin()).await.is_some());
    }

    #[tokio::test]
    async fn a_connection_that_the_peer_closes_goes_at_once() {
        let idle = IdleConnections::default();
        let peers = [put(&idle, ONE, 1).await, put(&idle, ONE, 2).await];
        drop(peers);
        while len(&idle) > 0 {
            tokio::task::yield_now().await;
        }
        let (closed, peer) = connection(&idle).await;
        drop(peer);
        while !closed.is_closed() {
            tokio::task::yield_now().await;
        }
        idle.put(ONE, origin(), closed, POOLING);
        assert_eq!(len(&idle), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_timer_closes_each_after_its_time() {
        let idle = IdleConnections::default();
        let mut first = put(&idle, ONE, 1).await;
        tokio::time::sleep(MAX_IDLE_TIME / 2).await;
        let mut second = put(&idle, OTHER, 2).await;
        let began = Instant::now();
        assert_eq!(first.read(&mut [0]).await.unwrap(), 0);
        assert_eq!((began.elapsed(), len(&idle)), (MAX_IDLE_TIME / 2, 1));
        assert_eq!(second.read(&mut [0]).await.unwrap(), 0);
        assert_eq!((began.elapsed(), len(&idle)), (MAX_IDLE_TIME, 0));
        assert!(!idle.lock().timed, "without an idle connection no timer runs");
        let mut third = put(&idle, ONE, 1).await;
        assert_eq!(third.read(&mut [0]).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn only_so_many_of_a_client_stay_open() {
        let idle = IdleConnections::default();
        let mut peers = vec![put(&idle, OTHER, 1).await];
        for _ in 0..=MAX_IDLE {
            peers.push(put(&idle, ONE, 1).await);
        }
        assert_eq!(len(&idle), MAX_IDLE + 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_may_keep_fewer_and_for_another_time() {
        let idle = IdleConnections::default();
        let mut peers = Vec::new();
        let put = async |peers: &mut Vec<_>, origin: Origin, pooling| {
            let (connection, peer) = connection(&idle).await;
            idle.put(ONE, origin, connection, pooling);
            peers.push(peer);
        };
        let few = Pooling { idle: 3, idle_per_host: 2, idle_time: None, ..POOLING };
        for _ in 0..4 {
            put(&mut peers, origin(), few).await;
        }
        assert_eq!(len(&idle), 2);
        for port in 81..85 {
            put(&mut peers, Origin { port, ..origin() }, few).await;
        }
        assert_eq!(len(&idle), 3);
        put(&mut peers, Origin { port: 90, ..origin() }, Pooling { idle: 0, ..POOLING }).await;
        assert_eq!(len(&idle), 3);
        let short = Pooling { idle_time: Some(Duration::from_secs(1)), ..POOLING };
        put(&mut peers, Origin { port: 90, ..origin() }, short).await;
        tokio::time::sleep(MAX_IDLE_TIME * 10).await;
        assert_eq!(len(&idle), 3, "without a limit they stay");
    }

    #[tokio::test]
    async fn the_oldest_is_closed_first_whoever_has_it() {
        let idle = IdleConnections::default();
        let (mut first, mut second) = (put(&idle, ONE, 1).await, put(&idle, OTHER, 2).await);
        let mut third = put(&idle, ONE, 3).await;
        assert!(idle.close_oldest());
        assert_eq!(first.read(&mut [0]).await.unwrap(), 0);
        assert!(idle.close_oldest_of(ONE));
        assert_eq!(third.read(&mut [0]).await.unwrap(), 0);
        assert!(!idle.close_oldest_of(ONE));
        idle.close_all_of(OTHER);
        assert_eq!(second.read(&mut [0]).await.unwrap(), 0);
        assert!(!idle.close_oldest() && len(&idle) == 0);
    }
}
