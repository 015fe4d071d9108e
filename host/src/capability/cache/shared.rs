//! One owner's cache: values, and who loads them.
//!
//! A call loads or waits within its session, which is one call of one instance. So each session waits for one value at most,
//! and whether waiting would end is found by following who waits for whom.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;

use super::values::{PLACE, Values};
use crate::budget::{MemoryKind, OwnerMemory, Waiting};

/// One owner's cache. Cheap to clone.
#[derive(Clone)]
pub(crate) struct SharedCache(Arc<Shared>);

struct Shared {
    memory: OwnerMemory,
    state: Mutex<CacheState>,
}

#[derive(Default)]
struct CacheState {
    values: Values,
    loads: HashMap<Arc<str>, Load>,
    /// Which key each session waits for.
    waits: HashMap<u64, Arc<str>>,
    /// Counts sessions and loads.
    numbers: u64,
}

/// A value that a session is loading.
struct Load {
    number: u64,
    session: u64,
    /// Passes the value on. Dropped if there will be none.
    sender: watch::Sender<Option<Bytes>>,
}

/// What one call of an instance does with the cache. Its loads end with it.
pub(crate) struct CacheSession {
    cache: SharedCache,
    number: u64,
}

/// The right to load a value, until it is dropped or its session ends.
#[expect(unreachable_pub, reason = "generated code exports it")]
pub struct CacheLoader {
    cache: SharedCache,
    key: Arc<str>,
    number: u64,
}

/// What a call gets that wants a value.
pub(super) enum Loading {
    Value(Bytes),
    Loader(CacheLoader),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CannotCache {
    TooLarge,
    Full,
    Circular,
    Over,
}

/// A session that waits, until this is dropped.
struct Waits<'a>(&'a CacheSession);

/// The longest key, in bytes.
pub(super) const MAX_KEY: usize = 512;

/// The largest value, in bytes.
pub(super) const MAX_VALUE: usize = 1 << 20;

/// How many values a session may load at once.
pub(super) const MAX_LOADS: usize = 64;

// === impl SharedCache ===

impl SharedCache {
    /// Makes a cache whose values are charged to an owner.
    pub(crate) fn new(memory: OwnerMemory) -> Self {
        Self(Arc::new(Shared { memory, state: Mutex::default() }))
    }

    pub(crate) fn session(&self) -> CacheSession {
        CacheSession { cache: self.clone(), number: self.lock().next_number() }
    }

    /// Charges the owner for a value.
    fn charged(&self, value: Vec<u8>) -> Result<Bytes, CannotCache> {
        if value.len() > MAX_VALUE {
            return Err(CannotCache::TooLarge);
        }
        let charge = self.0.memory.try_charge(MemoryKind::Cache, value.len() + PLACE);
        charge.map(|charge| charge.keep(value)).map_err(|_| CannotCache::Full)
    }

    fn lock(&self) -> MutexGuard<'_, CacheState> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> (usize, usize, usize, usize) {
        let state = self.lock();
        let (values, bytes) = state.values.len();
        (values, bytes, state.loads.len(), state.waits.len())
    }
}

// === impl CacheState ===

impl CacheState {
    fn next_number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    /// Whether a session would wait for itself if it waited for another one.
    fn is_circular(&self, session: u64, mut other: u64) -> bool {
        // What waits already waits for an end, so this comes to one.
        while other != session {
            let next = self.waits.get(&other).and_then(|key| self.loads.get(key));
            let Some(next) = next else { return false };
            other = next.session;
        }
        true
    }

    /// Ends a load. Nobody waits for it any more.
    fn end_load(&mut self, key: &str) -> Option<Load> {
        let load = self.loads.remove(key)?;
        self.waits.retain(|_, awaited| &**awaited != key);
        Some(load)
    }
}

// === impl CacheSession ===

impl CacheSession {
    /// Ends all loads of the call. The next call has another session.
    pub(crate) fn renew(&mut self) {
        let mut state = self.cache.lock();
        self.end(&mut state);
        self.number = state.next_number();
    }

    pub(super) fn get(&self, key: &str) -> Option<Bytes> {
        self.cache.lock().values.get(key)
    }

    pub(super) fn set(&self, key: &str, value: Vec<u8>, time_to_live: Duration) -> Result<(), CannotCache> {
        if key.len() > MAX_KEY {
            return Err(CannotCache::TooLarge);
        }
        self.remove(key);
        let value = self.cache.charged(value)?;
        self.cache.lock().values.keep(key, value, time_to_live, &self.cache.0.memory);
        Ok(())
    }

    pub(super) fn remove(&self, key: &str) {
        self.cache.lock().values.remove(key);
    }

    /// Returns a value or the right to load it. `wait` says that the call waits.
    pub(super) async fn load(&self, key: &str, wait: impl Fn() -> Waiting) -> Result<Loading, CannotCache> {
        if key.len() > MAX_KEY {
            return Err(CannotCache::TooLarge);
        }
        loop {
            let mut receiver = match self.value_or_turn(key)? {
                Ok(loading) => return Ok(loading),
                Err(receiver) => receiver,
            };
            let _waits = (Waits(self), wait());
            if let Ok(value) = receiver.wait_for(Option::is_some).await
                && let Some(value) = &*value
            {
                return Ok(Loading::Value(value.clone()));
            }
            // The loader has given up.
        }
    }

    /// Returns what the call gets at once, or where to wait for the value.
    fn value_or_turn(
        &self,
        key: &str,
    ) -> Result<Result<Loading, watch::Receiver<Option<Bytes>>>, CannotCache> {
        let mut state = self.cache.lock();
        if let Some(value) = state.values.get(key) {
            return Ok(Ok(Loading::Value(value)));
        }
        if let Some((key, load)) = state.loads.get_key_value(key) {
            if state.is_circular(self.number, load.session) {
                return Err(CannotCache::Circular);
            }
            let (key, receiver) = (key.clone(), load.sender.subscribe());
            state.waits.insert(self.number, key);
            return Ok(Err(receiver));
        }
        if state.loads.values().filter(|load| load.session == self.number).count() >= MAX_LOADS {
            return Err(CannotCache::Full);
        }
        let (key, number) = (Arc::<str>::from(key), state.next_number());
        let load = Load { number, session: self.number, sender: watch::Sender::new(None) };
        state.loads.insert(key.clone(), load);
        Ok(Ok(Loading::Loader(CacheLoader { cache: self.cache.clone(), key, number })))
    }

    fn end(&self, state: &mut CacheState) {
        let own = state.loads.iter().filter(|(_, load)| load.session == self.number);
        let keys: Vec<_> = own.map(|(key, _)| key.clone()).collect();
        for key in keys {
            state.end_load(&key);
        }
    }
}

impl Drop for CacheSession {
    fn drop(&mut self) {
        self.end(&mut self.cache.lock());
    }
}

// === impl CacheLoader ===

impl CacheLoader {
    pub(super) fn store(&self, value: Vec<u8>, time_to_live: Duration) -> Result<(), CannotCache> {
        let value = self.cache.charged(value);
        let mut state = self.cache.lock();
        let load = self.end(&mut state).ok_or(CannotCache::Over)?;
        let value = value?;
        state.values.keep(&self.key, value.clone(), time_to_live, &self.cache.0.memory);
        // Nobody may wait for it.
        load.sender.send_replace(Some(value));
        Ok(())
    }

    /// Ends the load, unless that has happened before.
    fn end(&self, state: &mut CacheState) -> Option<Load> {
        let is_own = state.loads.get(&self.key).is_some_and(|load| load.number == self.number);
        if is_own { state.end_load(&self.key) } else { None }
    }
}

impl Drop for CacheLoader {
    fn drop(&mut self) {
        self.end(&mut self.cache.lock());
    }
}

// === impl Waits ===

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.cache.lock().waits.remove(&self.0.number);
    }
}
