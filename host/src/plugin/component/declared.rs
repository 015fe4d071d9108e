//! What each instance of a component will have, read from the component's bytes before anything is compiled: memories,
//! tables, and the host's own structures for its core instances.
//!
//! A component is checked here first because a few hundred bytes can declare a billion instances: a component that is
//! instantiated ten times by one that is instantiated ten times, and so on. Compiling would make them all.

mod count;
mod module;
mod outline;
mod totals;

use self::count::Count;
use self::outline::Outline;
pub(crate) use self::totals::{Declared, Excess};
use super::contract::ContractError;
use crate::budget::{GUEST_STACK, MAX_MEMORIES, MAX_TABLES, Prepaid};

/// The stack that a guest may use, which is the engine's default, and what the host needs of it while it works for the
/// guest. In bytes.
const NATIVE_STACK: usize = GUEST_STACK + (64 << 10);

// === impl Declared ===

impl Declared {
    /// Reads what each instance of a component has. The file must be a component.
    ///
    /// A component is only followed as far as the limits allow, so this takes no longer for one that declares a billion
    /// instances. Whatever it cannot know is not counted; the compiled component does not run if that is the case.
    pub(super) fn read(component: &[u8]) -> Result<Self, ContractError> {
        let declared = Count::of(&Outline::parse(component)?)?;
        declared.check()?;
        Ok(declared)
    }

    /// Checks the numbers that compiling has made certain. `None` means that they depend on what is imported.
    pub(super) fn confirm(&self, required: Option<wasmtime::ResourcesRequired>) -> wasmtime::Result<()> {
        let Some(required) = required else {
            wasmtime::bail!(
                "it imports a core module, which a host does not have; compose it with that module"
            );
        };
        let compiled = (required.num_memories, required.num_tables);
        if compiled != (self.memories, self.tables) {
            let (memories, tables) = compiled;
            wasmtime::bail!(
                "it has {memories} memories and {tables} tables, but its file declares {} and {}; report this as a bug \
                 of gpx-host",
                self.memories,
                self.tables
            );
        }
        Ok(())
    }

    /// Returns what an instance is charged for before it runs.
    pub(crate) fn prepaid(&self) -> Prepaid {
        let bytes = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
        let own = bytes(self.own_bytes).saturating_add(NATIVE_STACK);
        Prepaid { linear: bytes(self.memory_bytes), tables: bytes(self.table_bytes), own }
    }

    fn check(&self) -> Result<(), Excess> {
        if self.memories > MAX_MEMORIES {
            return Err(Excess::Memories { declared: self.memories });
        }
        if self.tables > MAX_TABLES {
            return Err(Excess::Tables { declared: self.tables });
        }
        Ok(())
    }

    /// Adds another instance of a core module.
    fn add(&mut self, module: &Self) {
        self.memories = self.memories.saturating_add(module.memories);
        self.memory_bytes = self.memory_bytes.saturating_add(module.memory_bytes);
        self.tables = self.tables.saturating_add(module.tables);
        self.table_bytes = self.table_bytes.saturating_add(module.table_bytes);
        self.largest_table = self.largest_table.max(module.largest_table);
        self.largest_table_maximum = self.largest_table_maximum.max(module.largest_table_maximum);
        self.core_instances += module.core_instances;
        self.own_bytes = self.own_bytes.saturating_add(module.own_bytes);
    }
}

#[cfg(test)]
mod tests;
