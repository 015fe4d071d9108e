//! The values that are kept, within bounds.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use crate::budget::{MemoryKind, OwnerMemory};

/// How many values an owner may keep.
pub(super) const MAX_VALUES: usize = 1000;

/// How many bytes they may have together, with their keys.
pub(super) const MAX_BYTES: usize = 4 << 20;

/// An owner may keep this many bytes whatever others keep: some tokens.
const ALWAYS: usize = 64 << 10;

/// More than that only while the caches of all owners take no more than this fraction of the total memory.
const FRACTION: usize = 16;

/// When there is no room, this fraction is made free.
const SPARE: usize = 8;

/// What a value takes besides its own bytes and those of its key.
pub(super) const PLACE: usize = 256;

#[derive(Default)]
pub(super) struct Values {
    kept: HashMap<Arc<str>, KeptValue>,
    bytes: usize,
    /// Counts uses, so that the order of the last ones is known.
    uses: u64,
}

struct KeptValue {
    bytes: Bytes,
    weight: usize,
    /// `None` if that is too far away to be a time.
    expires: Option<Instant>,
    used: u64,
}

// === impl Values ===

impl Values {
    pub(super) fn get(&mut self, key: &str) -> Option<Bytes> {
        self.uses += 1;
        let value = self.kept.get_mut(key)?;
        if value.has_expired(Instant::now()) {
            self.remove(key);
            return None;
        }
        value.used = self.uses;
        Some(value.bytes.clone())
    }

    pub(super) fn remove(&mut self, key: &str) {
        if let Some(value) = self.kept.remove(key) {
            self.bytes -= value.weight;
        }
    }

    /// Keeps a value in place of another, unless others need the memory more. `bytes` are charged.
    pub(super) fn keep(&mut self, key: &str, bytes: Bytes, time_to_live: Duration, memory: &OwnerMemory) {
        self.remove(key);
        if time_to_live.is_zero() {
            return;
        }
        let weight = bytes.len() + key.len() + PLACE;
        let others = memory.used(MemoryKind::Cache).saturating_sub(self.bytes + bytes.len());
        let room = (memory.total() / FRACTION).saturating_sub(others).clamp(ALWAYS, MAX_BYTES);
        if weight > room {
            return;
        }
        self.make_room(MAX_VALUES - 1, room - weight);
        self.uses += 1;
        self.bytes += weight;
        let expires = Instant::now().checked_add(time_to_live);
        self.kept.insert(key.into(), KeptValue { bytes, weight, expires, used: self.uses });
    }

    /// Drops what has expired, and then what was used longest ago, with some more: so that this is not done for each value.
    fn make_room(&mut self, values: usize, bytes: usize) {
        if self.kept.len() <= values && self.bytes <= bytes {
            return;
        }
        let (values, bytes) = (values - values / SPARE, bytes - bytes / SPARE);
        let now = Instant::now();
        let mut order: Vec<_> =
            self.kept.iter().map(|(key, value)| (!value.has_expired(now), value.used, key.clone())).collect();
        order.sort_unstable();
        for (is_valid, _, key) in order {
            if is_valid && self.kept.len() <= values && self.bytes <= bytes {
                break;
            }
            self.remove(&key);
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> (usize, usize) {
        (self.kept.len(), self.bytes)
    }
}

// === impl KeptValue ===

impl KeptValue {
    fn has_expired(&self, now: Instant) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }
}
