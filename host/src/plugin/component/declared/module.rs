//! What an instance of one core module has.

use wasmparser::{ElementItems, Payload, Result};

use super::totals::{Declared, HOST_PAGE};

/// What the host keeps for an instance of a core module, in bytes, with the allocator's share. An estimate from the engine's structures.
const INSTANCE: u64 = 1024;

/// The same for each memory and each table, beside their contents.
const MEMORY: u64 = 512;
const TABLE: u64 = 256;

/// The engine's records for each item of a module, in bytes. All are at most this long: a global takes 16, an imported
/// function or a reference to a function 32, a segment 16.
const RECORD: u64 = 32;

/// An element of a passive segment is kept until it is dropped, and one that is a function needs a reference, in bytes.
const ELEMENT: u64 = RECORD + 16;

/// An element of a table is a pointer.
const POINTER: u64 = 8;

// === impl Declared ===

impl Declared {
    /// Returns what an instance of a module has that declares nothing.
    pub(super) fn empty_module() -> Self {
        Self { core_instances: 1, own_bytes: INSTANCE, ..Self::default() }
    }

    /// Adds what one section of the module declares.
    pub(super) fn add_section(&mut self, section: Payload<'_>) -> Result<()> {
        match section {
            Payload::MemorySection(memories) => {
                for memory in memories {
                    let memory = memory?;
                    let page = 1_u64.checked_shl(memory.page_size_log2.unwrap_or(16)).unwrap_or(u64::MAX);
                    self.memories += 1;
                    self.memory_bytes = self.memory_bytes.saturating_add(memory.initial.saturating_mul(page));
                    self.keep(MEMORY, 1);
                }
            }
            Payload::TableSection(tables) => {
                for table in tables {
                    let table = table?.ty;
                    let bytes = table.initial.saturating_mul(POINTER).checked_next_multiple_of(HOST_PAGE);
                    self.tables += 1;
                    self.table_bytes = self.table_bytes.saturating_add(bytes.unwrap_or(u64::MAX));
                    self.largest_table = self.largest_table.max(table.initial);
                    self.largest_table_maximum =
                        self.largest_table_maximum.max(table.maximum.unwrap_or(u64::MAX));
                    self.keep(TABLE, 1);
                }
            }
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    import?;
                    self.keep(RECORD, 1);
                }
            }
            Payload::GlobalSection(globals) => {
                // A global may also refer to a function, which then needs a reference.
                self.keep(2 * RECORD, globals.count());
            }
            Payload::ExportSection(exports) => self.keep(RECORD, exports.count()),
            Payload::DataSection(segments) => self.keep(RECORD, segments.count()),
            Payload::StartSection { .. } => self.keep(RECORD, 1),
            Payload::ElementSection(segments) => {
                for segment in segments {
                    let elements = match segment?.items {
                        ElementItems::Functions(items) => items.count(),
                        ElementItems::Expressions(_, items) => items.count(),
                    };
                    self.keep(RECORD, 1);
                    self.keep(ELEMENT, elements);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn keep(&mut self, bytes: u64, times: u32) {
        self.own_bytes = self.own_bytes.saturating_add(bytes.saturating_mul(u64::from(times)));
    }
}
