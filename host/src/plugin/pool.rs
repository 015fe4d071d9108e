//! The instances of one owner: how a call gets one, and what becomes of it afterwards.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use super::idle::{IdleInstances, PoolId};
use super::instance::Instance;
use crate::budget::{Counted, InstanceMemory, OwnerMemory, Prepaid, Priority, Refused};

/// The instances of one owner. Those between calls are among the process's idle ones.
pub(crate) struct Pool {
    id: PoolId,
    idle: Arc<IdleInstances>,
    memory: OwnerMemory,
    /// As many permits as the owner may have instances, if the operator limits that.
    permits: Option<Arc<Semaphore>>,
    /// Wakes a call that waits for memory: an instance of this owner has become idle instead.
    returned: Notify,
    /// How many calls wait for either.
    leasing: AtomicUsize,
    /// By how many bytes an instance has grown at the end of a call, on average.
    growth: AtomicUsize,
}

/// How much of the average the last call makes up: this fraction.
const RECENT: usize = 8;

/// What a call gets.
pub(super) enum Leased {
    Idle(Instance),
    /// The memory for a new instance.
    Memory(InstanceMemory),
}

// === impl Pool ===

impl Pool {
    pub(super) fn new(instances_max: Option<usize>, idle: Arc<IdleInstances>, memory: OwnerMemory) -> Self {
        let permits = instances_max.map(|max| Arc::new(Semaphore::new(max)));
        Self {
            id: idle.new_pool(),
            idle,
            memory,
            permits,
            returned: Notify::new(),
            leasing: AtomicUsize::new(0),
            growth: AtomicUsize::new(0),
        }
    }

    /// Waits until the owner may use one more instance. The permit must be kept as long as the instance is used.
    pub(super) async fn permit(&self) -> Option<OwnedSemaphorePermit> {
        // The semaphore is never closed.
        self.permits.clone()?.acquire_owned().await.ok()
    }

    /// Returns a permit if one is left.
    pub(super) fn try_permit(&self) -> Option<OwnedSemaphorePermit> {
        self.permits.clone()?.try_acquire_owned().ok()
    }

    /// Returns the instance that was used last, if any is idle.
    pub(super) fn take(&self) -> Option<Instance> {
        self.idle.take(self.id)
    }

    /// Waits for the memory of a new instance, or for one that becomes idle, whichever is first. That of a stream is always
    /// new.
    pub(super) async fn lease(
        &self,
        payer: &OwnerMemory,
        prepaid: Prepaid,
        max: usize,
    ) -> Result<Leased, Refused> {
        let expected = self.growth.load(Ordering::Relaxed);
        let mut memory = std::pin::pin!(InstanceMemory::open(payer, prepaid, expected, max));
        if payer.priority() == Priority::Lasting {
            return memory.await.map(Leased::Memory);
        }
        let _leasing = Counted::among(&self.leasing);
        loop {
            let returned = self.returned.notified();
            tokio::select! {
                biased;
                memory = &mut memory => return memory.map(Leased::Memory),
                () = returned => {
                    if let Some(instance) = self.take() {
                        return Ok(Leased::Idle(instance));
                    }
                }
            }
        }
    }

    /// Takes an instance back after a call. If others need its memory more, one that is idle is dropped.
    pub(super) fn put_back(&self, mut instance: Instance) {
        self.learn(instance.settle_memory());
        self.idle.put(self.id, instance);
        match self.memory.next_is_own() {
            None => {}
            Some(true) if self.leasing.load(Ordering::Acquire) > 0 => self.returned.notify_one(),
            Some(_) => _ = self.idle.drop_oldest(),
        }
    }

    /// Notes by how much an instance has grown.
    fn learn(&self, grown: usize) {
        // Calls that end at the same time may overwrite each other's part in the average.
        let before = self.growth.load(Ordering::Relaxed);
        self.growth.store(before - before / RECENT + grown / RECENT, Ordering::Relaxed);
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.idle.clear(self.id);
    }
}
