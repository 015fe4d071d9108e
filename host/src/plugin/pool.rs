//! The instances of one owner, made as calls need them and kept for later calls.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::instance::Instance;
use crate::budget::MemoryBudget;

/// How long an idle instance is kept.
const IDLE: Duration = Duration::from_secs(60);

/// The idle instances, and the permits that limit how many there are in total.
pub(crate) struct Pool {
    permits: Arc<Semaphore>,
    idle: Mutex<Vec<IdleInstance>>,
    /// The memory of all instances. A call that waits for some may drop an idle instance.
    memory: Arc<MemoryBudget>,
    /// Whether a task is running that drops idle instances. There is none while no instance is idle, so nothing wakes
    /// up.
    sweeping: AtomicBool,
}

/// The right to use one instance. An instance in it goes back to the pool when the lease is dropped.
pub(super) struct InstanceLease {
    pub instance: Option<Instance>,
    pool: Arc<Pool>,
    _permit: Option<OwnedSemaphorePermit>,
}

struct IdleInstance {
    instance: Instance,
    since: Instant,
}

// === impl Pool ===

impl Pool {
    pub(super) fn new(instances_max: usize, memory: Arc<MemoryBudget>) -> Arc<Self> {
        let permits = Arc::new(Semaphore::new(instances_max));
        Arc::new(Self { permits, idle: Mutex::default(), memory, sweeping: AtomicBool::new(false) })
    }

    /// Waits for the right to use an instance. If any are idle, the lease has the one that was used last.
    pub(super) async fn lease(self: &Arc<Self>) -> InstanceLease {
        // The semaphore is never closed.
        let permit = self.permits.clone().acquire_owned().await.ok();
        let instance = self.idle().pop().map(|idle| idle.instance);
        InstanceLease { instance, pool: self.clone(), _permit: permit }
    }

    /// Drops all idle instances.
    pub(super) fn clear(&self) {
        let idle = std::mem::take(&mut *self.idle());
        drop(idle);
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<IdleInstance>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put_back(self: &Arc<Self>, instance: Instance) {
        self.idle().push(IdleInstance { instance, since: Instant::now() });
        if self.memory.is_used_up() {
            self.memory.release();
        }
        if !self.sweeping.swap(true, Ordering::AcqRel) {
            tokio::spawn(sweep(Arc::downgrade(self)));
        }
    }
}

/// Drops each instance once its time is over. Ends when no instance is idle or the pool is gone.
async fn sweep(pool: std::sync::Weak<Pool>) {
    let mut next = Instant::now() + IDLE;
    loop {
        tokio::time::sleep_until(next).await;
        let Some(pool) = pool.upgrade() else { return };
        let mut idle = pool.idle();
        // The instance that was used last is taken first, so the oldest ones are at the front.
        let keep = idle.iter().position(|idle| idle.since.elapsed() < IDLE).unwrap_or(idle.len());
        let old: Vec<_> = idle.drain(..keep).collect();
        let oldest = idle.first().map(|oldest| oldest.since);
        if oldest.is_none() {
            pool.sweeping.store(false, Ordering::Release);
        }
        drop(idle);
        drop(old);
        let Some(oldest) = oldest else { return };
        next = oldest + IDLE;
    }
}

// === impl InstanceLease ===

impl Drop for InstanceLease {
    fn drop(&mut self) {
        if let Some(instance) = self.instance.take_if(|instance| instance.is_usable()) {
            self.pool.put_back(instance);
        }
    }
}
