//! The memory of one instance: what it starts with, and what it asks for.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Charge, MemoryKind, OwnerMemory, Refused};
use crate::budget::Priority;

/// The memory of one instance, up to its limit. The engine asks it before a memory or a table grows.
pub(crate) struct InstanceMemory {
    linear: Charge,
    tables: Charge,
    handles: Charge,
    /// The instance's own structures and its stack.
    _own: Charge,
    /// Charged for memories and tables that the engine has not made yet.
    prepaid: Prepaid,
    /// Its memories at the start, in bytes.
    declared: usize,
    /// Charged for growth that is likely, and has not come yet.
    expected: usize,
    max: usize,
    used: Footprint,
    /// The limit that the last growth would have exceeded, if any.
    refused: Option<Refused>,
    /// The growth that the engine is carrying out, in bytes.
    growing: usize,
}

/// What an instance of a component needs before it runs, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Prepaid {
    /// Its memories, as the component declares them.
    pub linear: usize,
    /// Its tables, as the component declares them.
    pub tables: usize,
    /// Its stack, and what the host and the engine keep for it.
    pub own: usize,
}

/// What is known of an instance's memory while it runs. Cheap to clone; all clones say the same.
#[derive(Clone, Default)]
pub(crate) struct Footprint(Arc<Figures>);

#[derive(Default)]
struct Figures {
    linear: AtomicUsize,
    tables: AtomicUsize,
    /// The total that the instance waits for to have room. 0 if it does not wait.
    awaited: AtomicUsize,
}

/// In the host, an element of a table is a pointer.
const ELEMENT: usize = size_of::<usize>();

/// No more than this fraction of the total is charged for growth before it comes: an owner whose calls need very much, or
/// needed it once, still has many at a time.
const EXPECTED: usize = 64;

/// Bytes that are filled, copied or lifted within about a millisecond. Guests of every language start with less, and most
/// calls need no more.
const QUICK: usize = 2 << 20;

/// How many linear memories an instance of a component may have. Each takes 4 GiB of the address space and a slot of
/// the pool; a component of one language has one, and one that is composed of several has a few.
pub(crate) const MAX_MEMORIES: u32 = 64;

/// How many tables an instance of a component may have. Each component in a composition has about three.
pub(crate) const MAX_TABLES: u32 = 256;

/// How many core modules and components an instance of a component may instantiate. The host keeps some structures for
/// each of them. A component in a composition has about five.
pub(crate) const MAX_INSTANTIATIONS: u32 = 1000;

// === impl Prepaid ===

impl Prepaid {
    pub(crate) fn sum(&self) -> usize {
        self.linear.saturating_add(self.tables).saturating_add(self.own)
    }
}

// === impl InstanceMemory ===

impl InstanceMemory {
    /// Waits until there is memory for what an instance needs to start, and for the growth that is expected of it, and
    /// charges that to its owner. Fails if it needs more to start than an instance, or all instances together, may ever have.
    ///
    /// An instance that waits before it starts can wait for long. One that waits in the middle of a call may hold what others
    /// wait for, and is refused.
    pub(crate) async fn open(
        owner: &OwnerMemory,
        prepaid: Prepaid,
        expected: usize,
        max: usize,
    ) -> Result<Self, Refused> {
        let Some(room) = max.checked_sub(prepaid.linear.saturating_add(prepaid.tables)) else {
            return Err(Refused::Instance { max });
        };
        let expected = expected.min(room).min(owner.total() / EXPECTED);
        let mut own = owner.charge(MemoryKind::Instance, prepaid.sum().saturating_add(expected)).await?;
        let linear = own.move_to(MemoryKind::Linear, prepaid.linear.saturating_add(expected));
        let tables = own.move_to(MemoryKind::Tables, prepaid.tables);
        let handles = own.move_to(MemoryKind::Handles, 0);
        let (used, refused) = (Footprint::default(), None);
        let declared = prepaid.linear;
        Ok(Self {
            linear,
            tables,
            handles,
            _own: own,
            prepaid,
            declared,
            expected,
            max,
            used,
            refused,
            growing: 0,
        })
    }

    /// Gives back what was charged for growth that has not come. Returns by how many bytes it has grown.
    pub(crate) fn settle(&mut self) -> usize {
        let unused = std::mem::take(&mut self.expected);
        self.linear.shrink_to(self.linear.bytes().saturating_sub(unused));
        self.used.linear().saturating_sub(self.declared)
    }

    pub(crate) fn footprint(&self) -> &Footprint {
        &self.used
    }

    pub(crate) fn owner(&self) -> &OwnerMemory {
        &self.linear.owner
    }

    /// From now on, it is charged for a call of this priority.
    pub(crate) fn set_priority(&mut self, priority: Priority) {
        for charge in [&mut self.linear, &mut self.tables, &mut self.handles] {
            charge.owner.priority = priority;
        }
    }

    pub(crate) fn take_refused(&mut self) -> Option<Refused> {
        self.refused.take()
    }

    /// Charges the instance for what the host keeps for its handles.
    pub(crate) fn set_handles(&mut self, bytes: usize) -> Result<(), Refused> {
        let held = self.handles.bytes();
        if bytes <= held {
            self.handles.shrink_to(bytes);
            return Ok(());
        }
        let charged = self.within_max(bytes - held).and_then(|()| self.handles.try_grow(bytes - held));
        self.refused = charged.err().or(self.refused);
        charged
    }

    fn within_max(&self, more: usize) -> Result<(), Refused> {
        let held = (self.linear.bytes() + self.tables.bytes() + self.handles.bytes()) - self.expected;
        let fits = held.checked_add(more).is_some_and(|sum| sum <= self.max);
        if fits { Ok(()) } else { Err(Refused::Instance { max: self.max }) }
    }

    async fn charge(&mut self, kind: MemoryKind, more: usize) -> Result<(), Refused> {
        let prepaid = match kind {
            MemoryKind::Tables => &mut self.prepaid.tables,
            _ => &mut self.prepaid.linear,
        };
        let paid = more.min(*prepaid);
        *prepaid -= paid;
        let more = more - paid;
        if more == 0 {
            return Ok(());
        }
        self.within_max(more)?;
        let _waiting = self.used.waiting(self.owner().total());
        if kind == MemoryKind::Tables {
            return self.tables.grow(more).await;
        }
        let paid = more.min(self.expected);
        self.linear.grow(more - paid).await?;
        // Only now: what is refused has used none of it.
        self.expected -= paid;
        Ok(())
    }
}

#[wasmtime_wasi::async_trait]
impl wasmtime::ResourceLimiterAsync for InstanceMemory {
    async fn memory_growing(
        &mut self,
        now: usize,
        wanted: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let more = wanted.saturating_sub(now);
        let was_large = self.used.is_large();
        let charged = self.charge(MemoryKind::Linear, more).await;
        self.growing = 0;
        self.refused = charged.err().or(self.refused);
        if charged.is_ok() {
            self.growing = more;
            self.used.0.linear.fetch_add(more, Ordering::Relaxed);
            self.used.grown(was_large).await;
        }
        Ok(charged.is_ok())
    }

    fn memory_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        // Also called for growth that was refused.
        if self.growing > 0 {
            self.used.0.linear.fetch_sub(self.growing, Ordering::Relaxed);
            let rest = self.linear.bytes().saturating_sub(self.growing);
            self.linear.shrink_to(rest);
            self.refused = Some(Refused::System);
        }
        self.growing = 0;
        Ok(())
    }

    async fn table_growing(&mut self, now: usize, wanted: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let more = wanted.saturating_sub(now).saturating_mul(ELEMENT);
        let was_large = self.used.is_large();
        let charged = self.charge(MemoryKind::Tables, more).await;
        self.refused = charged.err().or(self.refused);
        if charged.is_ok() {
            self.used.0.tables.fetch_add(more, Ordering::Relaxed);
            self.used.grown(was_large).await;
        }
        Ok(charged.is_ok())
    }

    fn instances(&self) -> usize {
        MAX_INSTANTIATIONS as usize
    }

    fn tables(&self) -> usize {
        MAX_TABLES as usize
    }

    fn memories(&self) -> usize {
        MAX_MEMORIES as usize
    }
}

// === impl Footprint ===

impl Footprint {
    /// An instance with so many bytes of memory.
    #[cfg(test)]
    pub(in crate::budget) fn of(linear: usize) -> Self {
        let footprint = Self::default();
        footprint.0.linear.store(linear, Ordering::Relaxed);
        footprint
    }

    /// Returns the bytes of all linear memories.
    pub(crate) fn linear(&self) -> usize {
        self.0.linear.load(Ordering::Relaxed)
    }

    /// Returns the bytes of all linear memories and tables.
    pub(crate) fn bytes(&self) -> usize {
        self.linear() + self.0.tables.load(Ordering::Relaxed)
    }

    /// Returns the total of all instances' memory, if this one waits for room in it.
    pub(crate) fn awaited(&self) -> Option<usize> {
        Some(self.0.awaited.load(Ordering::Relaxed)).filter(|total| *total > 0)
    }

    /// Returns whether some of the instance's instructions, or the lift of its answer, may take long. Nothing interrupts
    /// them.
    pub(in crate::budget) fn is_large(&self) -> bool {
        self.bytes() > QUICK
    }

    /// Yields if the instance has become large, before it can use the memory: the work of a large guest moves elsewhere when
    /// it yields.
    async fn grown(&self, was_large: bool) {
        if self.is_large() && !was_large {
            tokio::task::yield_now().await;
        }
    }

    fn waiting(&self, total: usize) -> WaitsForMemory {
        self.0.awaited.store(total, Ordering::Relaxed);
        WaitsForMemory(self.clone())
    }
}

struct WaitsForMemory(Footprint);

impl Drop for WaitsForMemory {
    fn drop(&mut self) {
        self.0.0.awaited.store(0, Ordering::Relaxed);
    }
}
