//! Instances between calls, of all owners together: each is kept for a minute, and the one that has been idle longest goes
//! first when memory is short.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::time::Instant;

use super::instance::Instance;
use crate::budget::{Idle, beside_others, return_free_memory};

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
    instances: Idle<PoolId, Instance>,
    /// How many pools there have been.
    pools: u64,
    /// Whether a task is running that drops instances. There is none while none is idle, so nothing wakes up.
    sweeping: bool,
}

// === impl IdleInstances ===

impl IdleInstances {
    pub(super) fn new_pool(&self) -> PoolId {
        let mut state = self.state();
        state.pools += 1;
        PoolId(state.pools)
    }

    /// Returns the instance of a pool that was used last.
    pub(super) fn take(&self, pool: PoolId) -> Option<Instance> {
        self.state().instances.take(pool, |_| true).map(|(instance, _)| instance)
    }

    pub(super) fn put(self: &Arc<Self>, pool: PoolId, instance: Instance) {
        let mut state = self.state();
        state.instances.put(pool, instance);
        if !std::mem::replace(&mut state.sweeping, true) {
            tokio::spawn(sweep(Arc::downgrade(self)));
        }
    }

    /// Drops the instance that has been idle longest. Returns whether there was one.
    pub(crate) fn drop_oldest(&self) -> bool {
        let oldest = self.state().instances.remove_oldest();
        oldest.is_some_and(|oldest| {
            beside_others(|| drop(oldest));
            true
        })
    }

    /// Drops all instances of a pool.
    pub(super) fn clear(&self, pool: PoolId) {
        let mut state = self.state();
        let gone: Vec<_> = std::iter::from_fn(|| state.instances.remove_oldest_of(pool)).collect();
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

/// Drops each instance once its time is over. Ends when none is idle.
async fn sweep(idle: Weak<IdleInstances>) {
    let mut next = Instant::now() + KEPT;
    loop {
        tokio::time::sleep_until(next).await;
        let Some(idle) = idle.upgrade() else { return };
        let mut state = idle.state();
        let (gone, end) = state.instances.remove_older(KEPT);
        state.sweeping = end.is_some();
        drop(state);
        if !gone.is_empty() {
            // Others may have been dropped before their time, under pressure. Now there is none.
            beside_others(|| {
                drop(gone);
                return_free_memory();
            });
        }
        let Some(end) = end else { return };
        next = end;
    }
}
