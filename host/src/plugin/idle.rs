//! Instances between calls, of all owners together: each is kept for a minute, and the one that has been idle longest goes
//! first when memory is short.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::time::Instant;

use super::instance::Instance;
use crate::budget::beside_others;

/// How long an idle instance is kept.
const KEPT: Duration = Duration::from_secs(60);

/// The idle instances of a process.
#[derive(Default)]
pub(crate) struct IdleInstances(Mutex<IdleState>);

/// Whose an instance is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct PoolId(u64);

#[derive(Default)]
struct IdleState {
    /// By when they became idle.
    instances: BTreeMap<u64, IdleInstance>,
    /// The keys of each pool's instances, the oldest first.
    pools: HashMap<PoolId, VecDeque<u64>>,
    /// Numbers that have been given to pools and instances.
    numbers: u64,
    /// Whether a task is running that drops instances. There is none while none is idle, so nothing wakes up.
    sweeping: bool,
}

struct IdleInstance {
    instance: Instance,
    pool: PoolId,
    since: Instant,
}

// === impl IdleInstances ===

impl IdleInstances {
    pub(super) fn new_pool(&self) -> PoolId {
        PoolId(self.state().number())
    }

    /// Returns the instance of a pool that was used last.
    pub(super) fn take(&self, pool: PoolId) -> Option<Instance> {
        let mut state = self.state();
        let number = state.pools.get_mut(&pool)?.pop_back()?;
        state.remove(number)
    }

    pub(super) fn put(self: &Arc<Self>, pool: PoolId, instance: Instance) {
        let mut state = self.state();
        let number = state.number();
        state.pools.entry(pool).or_default().push_back(number);
        state.instances.insert(number, IdleInstance { instance, pool, since: Instant::now() });
        if !std::mem::replace(&mut state.sweeping, true) {
            tokio::spawn(sweep(Arc::downgrade(self)));
        }
    }

    /// Drops the instance that has been idle longest. Returns whether there was one.
    pub(crate) fn drop_oldest(&self) -> bool {
        let oldest = self.state().pop_oldest();
        oldest.is_some_and(|oldest| {
            beside_others(|| drop(oldest));
            true
        })
    }

    /// Drops all instances of a pool.
    pub(super) fn clear(&self, pool: PoolId) {
        let mut state = self.state();
        let numbers = state.pools.remove(&pool).unwrap_or_default();
        let gone: Vec<_> = numbers.into_iter().filter_map(|number| state.remove(number)).collect();
        drop(state);
        if !gone.is_empty() {
            beside_others(|| drop(gone));
        }
    }

    /// Returns how many instances are idle.
    pub(crate) fn count(&self) -> usize {
        self.state().instances.len()
    }

    fn state(&self) -> MutexGuard<'_, IdleState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl IdleState ===

impl IdleState {
    fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    fn remove(&mut self, number: u64) -> Option<Instance> {
        let IdleInstance { instance, pool, .. } = self.instances.remove(&number)?;
        if self.pools.get(&pool).is_some_and(VecDeque::is_empty) {
            self.pools.remove(&pool);
        }
        Some(instance)
    }

    fn pop_oldest(&mut self) -> Option<Instance> {
        let (number, oldest) = self.instances.first_key_value()?;
        let (number, pool) = (*number, oldest.pool);
        // Of its pool, too, it is the oldest.
        self.pools.get_mut(&pool)?.pop_front();
        self.remove(number)
    }

    /// Returns when the next instance's time is over.
    fn next_end(&self) -> Option<Instant> {
        self.instances.first_key_value().map(|(_, oldest)| oldest.since + KEPT)
    }
}

/// Drops each instance once its time is over. Ends when none is idle.
async fn sweep(idle: Weak<IdleInstances>) {
    let mut next = Instant::now() + KEPT;
    loop {
        tokio::time::sleep_until(next).await;
        let Some(idle) = idle.upgrade() else { return };
        let mut gone = Vec::new();
        let mut state = idle.state();
        while state.next_end().is_some_and(|end| end <= Instant::now()) {
            gone.extend(state.pop_oldest());
        }
        let end = state.next_end();
        state.sweeping = end.is_some();
        drop(state);
        beside_others(|| drop(gone));
        let Some(end) = end else { return };
        next = end;
    }
}
