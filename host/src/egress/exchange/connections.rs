//! The connections of one client: which one an exchange gets, and where it goes afterwards.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http::{Request, Response};
use hyper::body::Incoming;
use wasmtime_wasi_http::WasiBody;

use super::all::AllConnections;
use super::bound::Bound;
use super::connection::{Connection, SendFailure};
use super::idle::ClientId;
use super::time_limits::TimeLimits;
use crate::budget::{HEALTH_CHECKS, Priority, Share, Shares, Taken};
use crate::egress::dial::{Dialed, Dialer};
use crate::egress::error::RequestError;
use crate::egress::origin::Origin;
use crate::egress::proxy::Route;
use crate::egress::trace::{Events, Reuse};
use crate::log::Log;

pub(in crate::egress) struct Connections {
    dialer: Dialer,
    own: Own,
    all: Arc<AllConnections>,
}

/// What one client has of the connections.
struct Own {
    id: ClientId,
    /// How many exchanges there may be at once. Each has a connection.
    exchanges: Bound,
    exchanging: Arc<Share>,
    /// How many connections there may be, with those that are idle.
    connections: Arc<Bound>,
    connected: Arc<Share>,
    /// What it has of the connections of all.
    share: Arc<Share>,
}

/// The place of one exchange.
pub(super) struct Slot(#[expect(dead_code, reason = "dropping it gives it back")] Taken);

/// One request and its response on a connection. Only this file knows that it has the connection to itself. If it is
/// dropped before `finish`, the connection is closed, so that the peer learns that nothing reads on.
pub(super) struct Exchange {
    connection: Connection,
    origin: Origin,
    client: ClientId,
    /// That of the client's connections.
    bound: Arc<Bound>,
    all: Arc<AllConnections>,
    /// Last, so that whoever gets it finds the connection idle.
    slot: Option<Slot>,
}

// === impl Connections ===

impl Connections {
    /// `words` tells people which limit `max` is, and what to do about it.
    pub(in crate::egress) fn new(
        dialer: Dialer,
        max: usize,
        words: String,
        log: &Log,
        all: Arc<AllConnections>,
    ) -> Self {
        static CLIENTS: AtomicU64 = AtomicU64::new(0);
        let bound =
            || Bound::new(Shares::new(max), HEALTH_CHECKS, all.waiting.clone(), words.clone(), log.clone());
        let own = Own {
            id: ClientId(CLIENTS.fetch_add(1, Ordering::Relaxed)),
            exchanges: bound(),
            exchanging: Arc::default(),
            connections: Arc::new(bound()),
            connected: Arc::default(),
            share: Arc::default(),
        };
        Self { dialer, own, all }
    }

    /// Waits until another exchange may begin.
    pub(super) async fn slot(
        &self,
        origin: &Origin,
        limits: TimeLimits,
        priority: Priority,
    ) -> Result<Slot, RequestError> {
        let Own { exchanges, exchanging, .. } = &self.own;
        let slot = exchanges.take(exchanging, priority, limits.deadline(), || false).await;
        slot.map(Slot).ok_or_else(|| none_free(origin, limits, exchanges))
    }

    /// Returns the proxies on the way to an origin.
    pub(super) fn route(&self, origin: &Origin) -> Result<Route, RequestError> {
        self.dialer.route(origin)
    }

    /// Begins an exchange on an open connection, if one is free.
    pub(super) async fn reuse(&self, origin: &Origin, events: &Events) -> Option<Exchange> {
        let (connection, idle_time) = self.all.idle.take(self.own.id, origin).await?;
        events.connection_ready(connection.remote, connection.local, Reuse::Idle(idle_time));
        Some(self.exchange(connection, origin))
    }

    /// Begins an exchange on a new connection, once there may be another. For that, idle ones are closed: of this client, or
    /// of anybody.
    pub(super) async fn open(
        &self,
        origin: &Origin,
        limits: TimeLimits,
        priority: Priority,
        events: &Events,
    ) -> Result<Exchange, RequestError> {
        let (own, idle, deadline) = (&self.own, &self.all.idle, limits.deadline());
        let make_room = || idle.close_oldest_of(own.id);
        let place = own.connections.take(&own.connected, priority, deadline, make_room).await;
        let place = place.ok_or_else(|| none_free(origin, limits, &own.connections))?;
        let place_of_all = self.all.bound.take(&own.share, priority, deadline, || idle.close_oldest()).await;
        let place_of_all = place_of_all.ok_or_else(|| none_free(origin, limits, &self.all.bound))?;

        let Dialed { stream, remote, local } =
            self.dialer.dial(origin, limits.connect, priority, events).await?;
        let (places, idle) = ([place, place_of_all], self.all.idle.clone());
        let opened = Connection::open(stream, remote, local, places, move |number| idle.closed(number)).await;
        let connection = opened.map_err(|source| RequestError::of_exchange(&origin.authority(), source))?;
        events.connection_ready(remote, local, Reuse::New);
        Ok(self.exchange(connection, origin))
    }

    fn exchange(&self, connection: Connection, origin: &Origin) -> Exchange {
        let (client, bound, all) = (self.own.id, self.own.connections.clone(), self.all.clone());
        Exchange { connection, origin: origin.clone(), client, bound, all, slot: None }
    }
}

impl Drop for Connections {
    fn drop(&mut self) {
        self.all.idle.close_all_of(self.own.id);
    }
}

fn none_free(origin: &Origin, limits: TimeLimits, bound: &Bound) -> RequestError {
    let limit = limits.total.map(|(_, limit)| limit).unwrap_or_default();
    RequestError::NoConnectionFree { authority: origin.authority(), limit, bound: bound.words().to_owned() }
}

// === impl Exchange ===

impl Exchange {
    pub(super) async fn send(
        &mut self,
        request: Request<WasiBody>,
        events: Events,
    ) -> Result<Response<Incoming>, SendFailure> {
        self.connection.send(request, events).await
    }

    /// `host:port` of the peer.
    pub(super) fn authority(&self) -> String {
        self.origin.authority()
    }

    /// Keeps `slot` taken until the exchange is over.
    pub(super) fn hold(&mut self, slot: Slot) {
        self.slot = Some(slot);
    }

    /// The response has been read to its end, so the connection is free for another exchange. If it is still sending the
    /// request, or there are more connections than there may be, it is closed instead.
    pub(super) fn finish(self) {
        let Self { connection, origin, client, bound, all, slot } = self;
        let is_kept = !bound.is_exceeded() && !all.bound.is_exceeded();
        if is_kept && connection.is_sent() {
            connection.rest();
            all.idle.put(client, origin, connection);
            // Whoever got in line before has found nothing idle to close.
            if all.bound.is_waited_for() {
                all.idle.close_oldest();
            }
        }
        drop(slot);
    }
}
