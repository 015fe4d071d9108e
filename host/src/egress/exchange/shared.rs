//! The HTTP/2 connections of one client that carry requests now. Each has a place for so many.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::connection::{Connection, Http2Sender};
use crate::egress::limits::MAX_STREAMS;
use crate::egress::origin::Origin;

#[derive(Default)]
pub(super) struct SharedConnections(Mutex<State>);

#[derive(Default)]
struct State {
    connections: Vec<Shared>,
    last: u64,
}

struct Shared {
    number: u64,
    origin: Origin,
    connection: Connection,
    streams: usize,
    /// Its peer takes no more requests.
    is_retired: bool,
}

/// A request's place on a connection.
pub(super) struct Place {
    pub(super) number: u64,
    pub(super) sender: Http2Sender,
    pub(super) remote: std::net::SocketAddr,
    pub(super) local: std::net::SocketAddr,
}

// === impl SharedConnections ===

impl SharedConnections {
    /// Takes a place on a connection to `origin`. With `beyond`, even if those that there are have no more: the request
    /// then waits for its peer on the connection.
    pub(super) fn join(&self, origin: &Origin, beyond: bool) -> Option<Place> {
        let mut state = self.lock();
        let open = state.connections.iter_mut().filter(|shared| {
            !shared.is_retired && !shared.connection.is_closed() && shared.origin == *origin
        });
        let shared = open.min_by_key(|shared| shared.streams)?;
        let max = shared.connection.streams_max().clamp(1, MAX_STREAMS);
        if shared.streams < max || beyond { shared.place() } else { None }
    }

    /// Takes the first place on a connection. Returns it if it carries only one request at a time.
    pub(super) fn add(&self, origin: Origin, connection: Connection) -> Result<Place, Connection> {
        let Some(sender) = connection.sender() else { return Err(connection) };
        let mut state = self.lock();
        state.last += 1;
        let Connection { remote, local, .. } = connection;
        let place = Place { number: state.last, sender, remote, local };
        let shared = Shared { number: place.number, origin, connection, streams: 1, is_retired: false };
        state.connections.push(shared);
        Ok(place)
    }

    /// Gives a place back. Returns the connection if it was the last, and may carry other requests later.
    pub(super) fn leave(&self, number: u64) -> Option<(Origin, Connection)> {
        let mut state = self.lock();
        let index = state.connections.iter().position(|shared| shared.number == number)?;
        let shared = state.connections.get_mut(index)?;
        shared.streams = shared.streams.saturating_sub(1);
        if shared.streams > 0 {
            return None;
        }
        let Shared { origin, connection, is_retired, .. } = state.connections.swap_remove(index);
        drop(state);
        (!is_retired && !connection.is_closed()).then_some((origin, connection))
    }

    /// From now on, nobody joins this connection.
    pub(super) fn retire(&self, number: u64) {
        let mut state = self.lock();
        let shared = state.connections.iter_mut().find(|shared| shared.number == number);
        if let Some(shared) = shared {
            shared.is_retired = true;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Shared ===

impl Shared {
    fn place(&mut self) -> Option<Place> {
        let sender = self.connection.sender()?;
        self.streams += 1;
        let Connection { remote, local, .. } = self.connection;
        Some(Place { number: self.number, sender, remote, local })
    }
}
