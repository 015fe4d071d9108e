//! What one exchange has of a connection, and where that goes afterwards.

use std::sync::Arc;

use http::{Request, Response};
use hyper::body::Incoming;
use tokio::sync::OwnedSemaphorePermit;
use wasmtime_wasi_http::WasiBody;

use super::all::AllConnections;
use super::bound::Bound;
use super::connection::{Connection, SendFailure};
use super::idle::ClientId;
use super::shared::{Place, SharedConnections};
use crate::budget::Taken;
use crate::egress::origin::Origin;
use crate::egress::settings::Pooling;
use crate::egress::trace::{Events, Reuse};

/// One request and its response on a connection. If it is dropped before `finish`, the peer learns that nothing reads on: a
/// connection that carries one request at a time is closed, and a stream of another is reset.
pub(super) struct Exchange {
    carrier: Carrier,
    origin: Origin,
    reuse: Reuse,
    home: Arc<Home>,
    pub(super) permit: Option<OwnedSemaphorePermit>,
    /// Last, so that whoever gets it finds the connection idle.
    slot: Option<Slot>,
}

enum Carrier {
    /// Only this exchange has it.
    Whole(Connection),
    Stream(Stream),
}

/// A place on a connection that others may use, too.
struct Stream {
    place: Place,
    home: Arc<Home>,
}

/// The place of one exchange.
pub(super) struct Slot(#[expect(dead_code, reason = "dropping it gives it back")] pub(super) Taken);

/// Where the connections of one client are while they are not an exchange's own.
pub(super) struct Home {
    pub(super) client: ClientId,
    /// How many connections there may be, with those that are idle.
    pub(super) connections: Bound,
    pub(super) pooling: Pooling,
    pub(super) shared: SharedConnections,
    pub(super) all: Arc<AllConnections>,
}

// === impl Exchange ===

impl Exchange {
    /// Begins on a connection that nobody uses.
    pub(super) fn alone(home: &Arc<Home>, connection: Connection, origin: &Origin, reuse: Reuse) -> Self {
        match home.shared.add(origin.clone(), connection) {
            Ok(place) => Self::beside_others(home, place, origin, reuse),
            Err(connection) => Self::new(home, Carrier::Whole(connection), origin, reuse),
        }
    }

    /// Begins on a connection that others may use, too.
    pub(super) fn beside_others(home: &Arc<Home>, place: Place, origin: &Origin, reuse: Reuse) -> Self {
        Self::new(home, Carrier::Stream(Stream { place, home: home.clone() }), origin, reuse)
    }

    fn new(home: &Arc<Home>, carrier: Carrier, origin: &Origin, reuse: Reuse) -> Self {
        Self { carrier, origin: origin.clone(), reuse, home: home.clone(), permit: None, slot: None }
    }

    pub(super) async fn send(
        &mut self,
        request: Request<WasiBody>,
        events: Events,
    ) -> Result<Response<Incoming>, SendFailure> {
        match &mut self.carrier {
            Carrier::Whole(connection) => connection.send(request, events).await,
            Carrier::Stream(stream) => stream.place.sender.send(request, events).await,
        }
    }

    /// Whether other requests were sent on the connection before.
    pub(super) fn is_reused(&self) -> bool {
        !matches!(self.reuse, Reuse::New)
    }

    /// The connection takes no further requests.
    pub(super) fn retire(&self) {
        if let Carrier::Stream(stream) = &self.carrier {
            self.home.shared.retire(stream.place.number);
        }
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
        let Self { carrier, origin, home, permit, slot, .. } = self;
        match carrier {
            Carrier::Whole(connection) => home.keep(origin, connection),
            Carrier::Stream(stream) => drop(stream),
        }
        drop(permit);
        drop(slot);
    }
}

// === impl Stream ===

impl Drop for Stream {
    fn drop(&mut self) {
        if let Some((origin, connection)) = self.home.shared.leave(self.place.number) {
            self.home.keep(origin, connection);
        }
    }
}

// === impl Home ===

impl Home {
    /// Nobody uses the connection now.
    fn keep(&self, origin: Origin, connection: Connection) {
        let is_exceeded = self.connections.is_exceeded() || self.all.bound.is_exceeded();
        if is_exceeded || !connection.rest() {
            return;
        }
        self.all.idle.put(self.client, origin, connection, self.pooling);
        // Whoever got in line before has found nothing idle to close.
        if self.all.bound.is_waited_for() {
            self.all.idle.close_oldest();
        }
    }
}
