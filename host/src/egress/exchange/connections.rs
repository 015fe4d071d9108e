//! The connections of one client: which one an exchange gets, and where it goes afterwards.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout_at;

use super::all::AllConnections;
use super::bound::Bound;
use super::connection::Connection;
use super::head_bytes::HeadBytes;
use super::idle::ClientId;
use super::lease::{Exchange, Home, Slot};
use super::shared::SharedConnections;
use super::time_limits::TimeLimits;
use super::turns::{Turn, Turns};
use crate::budget::{HEALTH_CHECKS, Priority, Share, Shares};
use crate::egress::dial::{Dialed, Dialer};
use crate::egress::error::RequestError;
use crate::egress::origin::{Origin, Scheme};
use crate::egress::proxy::Route;
use crate::egress::settings::Pooling;
use crate::egress::trace::{Events, Reuse};
use crate::log::Log;

pub(in crate::egress) struct Connections {
    dialer: Dialer,
    own: Own,
    home: Arc<Home>,
    turns: Turns,
    /// With the data source's name.
    log: Log,
}

/// What one client has of the connections.
struct Own {
    /// How many exchanges there may be at once.
    exchanges: Bound,
    exchanging: Arc<Share>,
    connected: Arc<Share>,
    /// What it has of the connections of all.
    share: Arc<Share>,
}

// === impl Connections ===

impl Connections {
    /// `words` tells people which limit `max` is, and what to do about it.
    pub(in crate::egress) fn new(
        dialer: Dialer,
        max: usize,
        words: String,
        pooling: Pooling,
        log: Log,
        all: Arc<AllConnections>,
    ) -> Self {
        static CLIENTS: AtomicU64 = AtomicU64::new(0);
        let bound =
            || Bound::new(Shares::new(max), HEALTH_CHECKS, all.waiting.clone(), words.clone(), log.clone());
        let own = Own {
            exchanges: bound(),
            exchanging: Arc::default(),
            connected: Arc::default(),
            share: Arc::default(),
        };
        let home = Home {
            client: ClientId(CLIENTS.fetch_add(1, Ordering::Relaxed)),
            connections: bound(),
            pooling,
            shared: SharedConnections::default(),
            all,
        };
        Self { dialer, own, home: Arc::new(home), turns: Turns::new(pooling.per_host), log }
    }

    pub(super) fn log(&self) -> &Log {
        &self.log
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
        slot.map(Slot).ok_or_else(|| none_free(origin, limits, exchanges.words()))
    }

    /// Begins an exchange: on an open connection, or on a new one. If it must be `new`, only one that carries other requests
    /// now is as good.
    pub(super) async fn begin(
        &self,
        origin: &Origin,
        limits: TimeLimits,
        priority: Priority,
        new: bool,
        events: &Events,
    ) -> Result<Exchange, RequestError> {
        if let Some(exchange) = self.reuse(origin, new, events).await {
            return Ok(exchange);
        }
        // Boxed, since it is large and rare: the future of each request would have room for it, and is moved.
        Box::pin(self.begin_later(origin, limits, priority, new, events)).await
    }

    /// The same if no open connection is free now.
    async fn begin_later(
        &self,
        origin: &Origin,
        limits: TimeLimits,
        priority: Priority,
        new: bool,
        events: &Events,
    ) -> Result<Exchange, RequestError> {
        let turn = self.turns.of(origin);
        let permit = self.permit(&turn, origin, limits, priority).await?;
        // Of many requests at once, the first connects, if its connection may do for all.
        let waits = origin.scheme == Scheme::Https && priority == Priority::Usual;
        let waited = if waits { turn.wait().await } else { None };
        if (waited.is_some() || permit.is_some())
            && let Some(mut exchange) = self.reuse(origin, new, events).await
        {
            exchange.permit = permit;
            return Ok(exchange);
        }
        let opened = self.open(origin, limits, priority, events).await;
        if origin.scheme == Scheme::Https {
            let shared = opened.as_ref().is_ok_and(|(connection, _)| connection.sender().is_some());
            turn.connected(shared);
        }
        let (connection, reuse) = opened?;
        let mut exchange = Exchange::alone(&self.home, connection, origin, reuse);
        exchange.permit = permit;
        Ok(exchange)
    }

    /// Waits until there may be another connection to the origin. Health checks do not wait for that.
    async fn permit(
        &self,
        turn: &Turn,
        origin: &Origin,
        limits: TimeLimits,
        priority: Priority,
    ) -> Result<Option<OwnedSemaphorePermit>, RequestError> {
        if !turn.is_limited() || priority == Priority::Ahead {
            return Ok(None);
        }
        let permit = turn.permit();
        match limits.deadline() {
            None => Ok(permit.await),
            Some(deadline) => timeout_at(deadline, permit).await.map_err(|_| {
                let words = "its httpMaxConnsPerHost allows no more; raise it, or set it to 0 for no limit";
                none_free(origin, limits, words)
            }),
        }
    }

    /// Returns the proxies on the way to an origin.
    pub(super) fn route(&self, origin: &Origin) -> Result<Route, RequestError> {
        self.dialer.route(origin)
    }

    /// Begins an exchange on an open connection, if one is free.
    async fn reuse(&self, origin: &Origin, new: bool, events: &Events) -> Option<Exchange> {
        let is_limited = self.home.pooling.per_host.is_some();
        if let Some(place) = self.home.shared.join(origin, is_limited) {
            events.connection_ready(place.remote, place.local, Reuse::Shared);
            return Some(Exchange::beside_others(&self.home, place, origin, Reuse::Shared));
        }
        if new {
            return None;
        }
        let (connection, idle_time) = self.home.all.idle.take(self.home.client, origin).await?;
        let reuse = Reuse::Idle(idle_time);
        events.connection_ready(connection.remote, connection.local, reuse);
        Some(Exchange::alone(&self.home, connection, origin, reuse))
    }

    /// Makes a new connection, once there may be another. For that, idle ones are closed: of this client, or of anybody.
    async fn open(
        &self,
        origin: &Origin,
        limits: TimeLimits,
        priority: Priority,
        events: &Events,
    ) -> Result<(Connection, Reuse), RequestError> {
        let (own, home, deadline) = (&self.own, &*self.home, limits.deadline());
        let idle = &home.all.idle;
        let make_room = || idle.close_oldest_of(home.client);
        let place = home.connections.take(&own.connected, priority, deadline, make_room).await;
        let place = place.ok_or_else(|| none_free(origin, limits, home.connections.words()))?;
        let all = &home.all.bound;
        let place_of_all = all.take(&own.share, priority, deadline, || idle.close_oldest()).await;
        let place_of_all = place_of_all.ok_or_else(|| none_free(origin, limits, all.words()))?;

        let Dialed { stream, remote, local } =
            self.dialer.dial(origin, limits.connect, priority, events).await?;
        let (ends, places, idle) = ((remote, local), [place, place_of_all], home.all.idle.clone());
        let closed = move |number| idle.closed(number);
        let opened = if stream.speaks_http2() {
            Connection::http2(stream, ends, places, closed).await
        } else {
            Connection::http1(stream, ends, HeadBytes::of(home.all.heads.clone()), places, closed).await
        };
        let connection = opened.map_err(|source| RequestError::of_exchange(&origin.authority(), source))?;
        events.connection_ready(remote, local, Reuse::New);
        Ok((connection, Reuse::New))
    }
}

impl Drop for Connections {
    fn drop(&mut self) {
        self.home.all.idle.close_all_of(self.home.client);
    }
}

fn none_free(origin: &Origin, limits: TimeLimits, words: &str) -> RequestError {
    let limit = limits.total.map(|(_, limit)| limit).unwrap_or_default();
    RequestError::NoConnectionFree { authority: origin.authority(), limit, bound: words.to_owned() }
}
