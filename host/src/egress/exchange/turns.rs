//! Who connects to an origin, if one connection may be enough for all who wait, and how many connections there may be.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};

use crate::egress::origin::Origin;

/// How many origins are remembered.
const MAX: usize = 256;

/// What one client knows about the origins that it has connected to.
pub(super) struct Turns {
    per_host: Option<NonZeroUsize>,
    origins: Mutex<HashMap<Origin, Arc<Turn>>>,
}

pub(super) struct Turn {
    connecting: Arc<tokio::sync::Mutex<()>>,
    /// Waiting for another's connection is of no use: it carries one request, or could not be made.
    each_for_itself: AtomicBool,
    /// For as many connections as the data source's settings allow.
    permits: Option<Arc<Semaphore>>,
}

// === impl Turns ===

impl Turns {
    pub(super) fn new(per_host: Option<NonZeroUsize>) -> Self {
        Self { per_host, origins: Mutex::default() }
    }

    pub(super) fn of(&self, origin: &Origin) -> Arc<Turn> {
        let mut origins = self.origins.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(turn) = origins.get(origin) {
            return turn.clone();
        }
        if origins.len() >= MAX {
            origins.retain(|_, turn| Arc::strong_count(turn) > 1);
        }
        let permits = |max: NonZeroUsize| Arc::new(Semaphore::new(max.get().min(Semaphore::MAX_PERMITS)));
        let turn = Arc::new(Turn {
            connecting: Arc::default(),
            each_for_itself: AtomicBool::new(false),
            permits: self.per_host.map(permits),
        });
        origins.insert(origin.clone(), turn.clone());
        turn
    }
}

// === impl Turn ===

impl Turn {
    /// Waits while another connects, unless that is of no use.
    pub(super) async fn wait(&self) -> Option<OwnedMutexGuard<()>> {
        if self.each_for_itself.load(Ordering::Relaxed) {
            return None;
        }
        let guard = self.connecting.clone().lock_owned().await;
        (!self.each_for_itself.load(Ordering::Relaxed)).then_some(guard)
    }

    /// Whether the connection that was made, if any, is one for all.
    pub(super) fn connected(&self, is_shared: bool) {
        self.each_for_itself.store(!is_shared, Ordering::Relaxed);
    }

    /// Waits until there may be another connection. None if there may be any number.
    pub(super) async fn permit(&self) -> Option<OwnedSemaphorePermit> {
        self.permits.clone()?.acquire_owned().await.ok()
    }

    pub(super) fn is_limited(&self) -> bool {
        self.permits.is_some()
    }
}
