//! The memory of instances: how much one may have, and how much all of them may have together.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// The memory that all instances may have together, in bytes.
pub(crate) struct MemoryBudget {
    used: AtomicUsize,
    total: usize,
    released: Notify,
}

/// The memory of one instance.
pub(crate) struct InstanceMemory {
    budget: Arc<MemoryBudget>,
    used: Footprint,
    max: usize,
    /// The limit that the last growth would have exceeded, if any.
    refused: Option<Refused>,
}

/// The bytes that one instance has. Cheap to clone; all clones say the same.
#[derive(Clone, Default)]
pub(crate) struct Footprint(Arc<AtomicUsize>);

/// The limit that kept an instance from getting more memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    Instance { max: usize },
    Total { total: usize },
}

/// Bytes that are lifted within about a millisecond.
const QUICKLY_LIFTED: usize = 2 << 20;

// === impl MemoryBudget ===

impl MemoryBudget {
    /// Makes the budget of instances that may have `total` bytes together.
    pub(crate) fn new(total: usize) -> Arc<Self> {
        Arc::new(Self { used: AtomicUsize::new(0), total, released: Notify::new() })
    }

    pub(crate) fn is_used_up(&self) -> bool {
        self.used.load(Ordering::Relaxed) >= self.total
    }

    #[cfg(test)]
    pub(crate) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// Returns once an instance has been dropped, or has become idle and could be dropped. Wakes one waiter at a time: one
    /// that does not need all of the memory calls [`MemoryBudget::release`] for the next.
    pub(crate) async fn released(&self) {
        self.released.notified().await;
    }

    /// An instance is idle, or memory is left: if somebody waits for some, it is worth another look.
    pub(crate) fn release(&self) {
        self.released.notify_one();
    }

    fn take(&self, bytes: usize) -> bool {
        let taken = self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
            used.checked_add(bytes).filter(|sum| *sum <= self.total)
        });
        taken.is_ok()
    }
}

// === impl InstanceMemory ===

impl InstanceMemory {
    pub(crate) fn new(budget: Arc<MemoryBudget>, max: usize) -> Self {
        Self { budget, used: Footprint::default(), max, refused: None }
    }

    pub(crate) fn footprint(&self) -> &Footprint {
        &self.used
    }

    pub(crate) fn take_refused(&mut self) -> Option<Refused> {
        self.refused.take()
    }
}

impl wasmtime::ResourceLimiter for InstanceMemory {
    fn memory_growing(&mut self, now: usize, wanted: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let more = wanted.saturating_sub(now);
        let fits = self.used.get().checked_add(more).is_some_and(|sum| sum <= self.max);
        self.refused = match (fits, fits && self.budget.take(more)) {
            (false, _) => Some(Refused::Instance { max: self.max }),
            (true, false) => Some(Refused::Total { total: self.budget.total }),
            (true, true) => {
                self.used.0.fetch_add(more, Ordering::Relaxed);
                None
            }
        };
        Ok(self.refused.is_none())
    }

    fn table_growing(&mut self, _: usize, wanted: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        // In the host, an element of a table is a pointer.
        let fits = wanted.saturating_mul(size_of::<usize>()) <= self.max;
        self.refused = (!fits).then_some(Refused::Instance { max: self.max });
        Ok(fits)
    }
}

impl Drop for InstanceMemory {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(self.used.get(), Ordering::Relaxed);
        self.budget.release();
    }
}

// === impl Footprint ===

impl Footprint {
    fn get(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// Whether the instance may have an answer that takes long to lift: nothing interrupts that.
    pub(super) fn is_large(&self) -> bool {
        self.get() > QUICKLY_LIFTED
    }
}

#[cfg(test)]
mod tests {
    use wasmtime::ResourceLimiter as _;

    use super::*;

    #[test]
    fn memory_is_bounded_for_one_and_for_all() {
        let budget = MemoryBudget::new(150);
        let mut one = InstanceMemory::new(budget.clone(), 100);
        let mut two = InstanceMemory::new(budget.clone(), 100);
        assert!(one.memory_growing(0, 100, None).unwrap());
        assert!(!one.memory_growing(100, 101, None).unwrap());
        assert_eq!(one.take_refused(), Some(Refused::Instance { max: 100 }));
        assert!(!two.memory_growing(0, 51, None).unwrap());
        assert_eq!(two.take_refused(), Some(Refused::Total { total: 150 }));
        drop(one);
        assert!(two.memory_growing(0, 51, None).unwrap());
        assert!(!budget.is_used_up());
    }

    #[test]
    fn a_table_counts_as_memory() {
        let mut memory = InstanceMemory::new(MemoryBudget::new(1000), 100);
        assert!(memory.table_growing(0, 12, None).unwrap());
        assert_eq!(memory.take_refused(), None);
        assert!(!memory.table_growing(12, 13, None).unwrap());
        assert_eq!(memory.take_refused(), Some(Refused::Instance { max: 100 }));
    }
}
