//! Idle connections of all clients. They are closed after a while, and earlier if others need a connection.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::{Instant, sleep_until};

use super::connection::Connection;
use crate::egress::origin::Origin;

/// As in Go: servers and load balancers commonly keep an idle connection open for one to several minutes.
const MAX_IDLE_TIME: Duration = Duration::from_secs(90);
/// As in the Go SDK: how many connections a burst of queries may leave behind, to all hosts of a client together.
const MAX_IDLE: usize = 100;
/// How many all clients together may leave. Each keeps a buffer or two, which nobody is charged for.
const MAX_IDLE_OF_ALL: usize = 256;

/// Tells clients apart. No two share a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct ClientId(pub(super) u64);

/// Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct IdleConnections(Arc<Mutex<Idle>>);

#[derive(Default)]
struct Idle {
    /// By the number under which each became idle, so that the one that has been idle longest comes first.
    connections: BTreeMap<u64, IdleConnection>,
    /// The numbers of each client's, in the same order.
    clients: HashMap<ClientId, VecDeque<u64>>,
    last: u64,
    /// Whether a task closes those that are too old. It runs while any is idle.
    timed: bool,
}

struct IdleConnection {
    client: ClientId,
    origin: Origin,
    connection: Connection,
    since: Instant,
}

// === impl IdleConnections ===

impl IdleConnections {
    /// Returns the connection that was used last, and how long it was idle.
    pub(super) async fn take(&self, client: ClientId, origin: &Origin) -> Option<(Connection, Duration)> {
        loop {
            let taken = self.lock().take(client, origin);
            let IdleConnection { mut connection, since, .. } = taken?;
            if connection.ready().await {
                return Some((connection, since.elapsed()));
            }
        }
    }

    pub(super) fn put(&self, client: ClientId, origin: Origin, connection: Connection) {
        let mut idle = self.lock();
        let (number, surplus) = idle.put(client, origin, connection);
        // If it was closed before it had its number, nothing has removed it.
        let closed = idle.connections.get(&number).is_some_and(|idle| idle.connection.is_closed());
        let closed = if closed { idle.remove(number) } else { None };
        // A runtime that ends drops what is left of exchanges, and needs no timer.
        if !idle.timed
            && !idle.connections.is_empty()
            && let Ok(runtime) = Handle::try_current()
        {
            idle.timed = true;
            runtime.spawn(close_in_time(self.clone()));
        }
        drop(idle);
        drop((surplus, closed));
    }

    /// The connection that is idle under this number is closed.
    pub(super) fn closed(&self, number: u64) {
        let closed = self.lock().remove(number);
        drop(closed);
    }

    /// Closes the one that has been idle longest. Returns whether there was any.
    pub(super) fn close_oldest(&self) -> bool {
        let mut idle = self.lock();
        let oldest = idle.connections.keys().next().copied().and_then(|number| idle.remove(number));
        drop(idle);
        oldest.is_some()
    }

    /// The same for those of one client.
    pub(super) fn close_oldest_of(&self, client: ClientId) -> bool {
        let mut idle = self.lock();
        let oldest = idle.clients.get(&client).and_then(|numbers| numbers.front().copied());
        let oldest = oldest.and_then(|number| idle.remove(number));
        drop(idle);
        oldest.is_some()
    }

    /// Closes all of a client's.
    pub(super) fn close_all_of(&self, client: ClientId) {
        while self.close_oldest_of(client) {}
    }

    /// Closes those that are too old. Returns when to do it again, or `None` if nothing is idle.
    fn close_old(&self) -> Option<Instant> {
        let mut idle = self.lock();
        let mut old = Vec::new();
        let next = loop {
            let Some((number, first)) = idle.connections.first_key_value() else {
                idle.timed = false;
                break None;
            };
            let (number, until) = (*number, first.since + MAX_IDLE_TIME);
            if until > Instant::now() {
                break Some(until);
            }
            old.extend(idle.remove(number));
        };
        drop(idle);
        next
    }

    fn lock(&self) -> MutexGuard<'_, Idle> {
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

// === impl Idle ===

impl Idle {
    /// Returns the connection's number, and the one that is one too many.
    fn put(
        &mut self,
        client: ClientId,
        origin: Origin,
        connection: Connection,
    ) -> (u64, Option<IdleConnection>) {
        self.last += 1;
        let number = self.last;
        connection.is_idle_as(number);
        let since = Instant::now();
        self.connections.insert(number, IdleConnection { client, origin, connection, since });
        let numbers = self.clients.entry(client).or_default();
        numbers.push_back(number);
        let surplus = if numbers.len() > MAX_IDLE {
            numbers.front().copied()
        } else if self.connections.len() > MAX_IDLE_OF_ALL {
            self.connections.keys().next().copied()
        } else {
            None
        };
        (number, surplus.and_then(|number| self.remove(number)))
    }

    fn take(&mut self, client: ClientId, origin: &Origin) -> Option<IdleConnection> {
        let numbers = self.clients.get(&client)?;
        let to_origin =
            |number: &&u64| self.connections.get(number).is_some_and(|idle| idle.origin == *origin);
        let number = *numbers.iter().rev().find(to_origin)?;
        self.remove(number)
    }

    fn remove(&mut self, number: u64) -> Option<IdleConnection> {
        let removed = self.connections.remove(&number)?;
        if let Some(numbers) = self.clients.get_mut(&removed.client) {
            numbers.retain(|other| *other != number);
            if numbers.is_empty() {
                self.clients.remove(&removed.client);
            }
        }
        Some(removed)
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};

    use tokio::io::{AsyncReadExt as _, DuplexStream, duplex};

    use super::*;
    use crate::egress::origin::Scheme;

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
        (Connection::open(ours, ADDRESS, ADDRESS, (), closed).await.unwrap(), theirs)
    }

    /// Makes an idle connection of `client`.
    async fn put(idle: &IdleConnections, client: ClientId, port: u16) -> DuplexStream {
        let (mut connection, peer) = connection(idle).await;
        connection.local.set_port(port);
        idle.put(client, origin(), connection);
        peer
    }

    fn len(idle: &IdleConnections) -> usize {
        let idle = idle.lock();
        assert_eq!(idle.clients.values().map(VecDeque::len).sum::<usize>(), idle.connections.len());
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
        idle.put(ONE, origin(), closed);
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
