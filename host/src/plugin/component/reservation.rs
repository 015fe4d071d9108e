//! How the engine allocates instances of one component: from a pool that is reserved beforehand, or on demand.

use wasmtime::{Config, InstanceAllocationStrategy, PoolingAllocationConfig};

use super::declared::Declared;
use super::engine::configuration;
use crate::budget::{MAX_MEMORIES, MAX_TABLES, Needs, SMALL_GUARD, STACK};

/// How many instances a pool may have, and how many memories all of them. 2,000 memories reserve 8 TiB of the 128 TiB
/// that a process can map: several pools exist while components take each other's place. An instance takes up to five
/// of the 65,530 mappings that Linux allows a process.
const MAX_INSTANCES: usize = 2000;

/// How many pools one host may have at once: that of its component, and those of components that were replaced while
/// calls ran. Together they reserve at most 35 TiB.
pub(super) const MAX_POOLS: usize = 4;

/// A memory's place in a pool, in bytes: all that 32 bits address, and the guard behind it. The engine's default.
const SLOT: u64 = (4 << 30) + (32 << 20);

/// How many elements a table may grow to that declares no smaller maximum. Compilers make tables that do not grow.
const TABLE_GROWTH: u64 = 65_536;

/// What the pool reserves for an element, in bytes.
const ELEMENT: u64 = 16;

/// How many instances the pool has beyond those that fit in the memory of all: one that is being dropped has already
/// given its memory back.
pub(super) const SPARE: usize = 16;

/// How many more the pool has for health checks, which do not wait for others: a few for each of several data sources.
pub(super) const KEPT: usize = 16;

/// No limit of its own for what the engine keeps for an instance, in bytes: the instance is charged for it.
const OWN: usize = 1 << 40;

// === impl Declared ===

impl Declared {
    /// Returns what an instance needs of the machine.
    pub(super) fn needs(&self) -> Needs {
        let tables = u64::from(self.tables).saturating_mul(self.table_elements()).saturating_mul(ELEMENT);
        let reserved = u64::from(self.memories) * SLOT;
        let most = MAX_INSTANCES / usize::try_from(self.memories.max(1)).unwrap_or(usize::MAX);
        Needs {
            charge: self.prepaid().sum(),
            reserved: reserved.saturating_add(tables).saturating_add(STACK),
            memories: self.memories,
            most,
        }
    }

    /// Returns the configuration of an engine that has a pool for this many instances.
    pub(super) fn pooled(&self, instances: usize) -> Config {
        let slots = u32::try_from(instances.saturating_add(SPARE + KEPT)).unwrap_or(u32::MAX);
        let mut pool = PoolingAllocationConfig::new();
        pool.total_component_instances(slots)
            .total_core_instances(u32::MAX)
            .total_memories(slots.saturating_mul(self.memories))
            .total_tables(slots.saturating_mul(self.tables))
            .total_stacks(slots)
            .max_memories_per_module(MAX_MEMORIES)
            .max_tables_per_module(MAX_TABLES)
            .table_elements(usize::try_from(self.table_elements()).unwrap_or(usize::MAX))
            .max_core_instance_size(OWN)
            .max_component_instance_size(OWN)
            // An instance that is dropped gives back all its pages, also those of its stack.
            .linear_memory_keep_resident(0)
            .table_keep_resident(0)
            .async_stack_keep_resident(0);
        let mut config = configuration();
        config.async_stack_zeroing(true);
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
        config
    }

    /// Returns how many elements each table of an instance may have.
    fn table_elements(&self) -> u64 {
        self.largest_table.max(self.largest_table_maximum.min(TABLE_GROWTH))
    }
}

/// Returns the configuration of an engine that allocates instances on demand, and whose memories reserve little more
/// than they have. Code must be compiled for it.
pub(super) fn on_demand(growth: u64) -> Config {
    let mut config = configuration();
    config
        .memory_reservation(0)
        .memory_reservation_for_growth(growth)
        .memory_guard_size(SMALL_GUARD)
        .guard_before_linear_memory(false)
        .memory_may_move(true);
    config
}
