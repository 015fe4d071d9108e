//! What one instance of a component has, and how much of it is allowed.

use thiserror::Error;

use crate::budget::{MAX_INSTANTIATIONS, MAX_MEMORIES, MAX_TABLES};

/// How many instantiations may be under way within each other. A composition of compositions has a handful of levels.
pub(super) const MAX_DEPTH: usize = 50;

/// How many steps are followed. A JavaScript component has about a thousand.
pub(super) const MAX_ITEMS: u32 = 1_000_000;

/// The size of a page of the host's memory, in bytes. A table has pages of its own in the pool.
pub(super) const HOST_PAGE: u64 = 4096;

/// What one instance of a component has from the start. The sizes are in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Declared {
    /// Linear memories, and their initial sizes together.
    pub memories: u32,
    pub memory_bytes: u64,
    /// Tables, and the pages that their initial elements need together.
    pub tables: u32,
    pub table_bytes: u64,
    /// The elements of the table with the most, at the start and at most.
    pub largest_table: u64,
    pub largest_table_maximum: u64,
    /// Instances of core modules.
    pub core_instances: u32,
    /// What the host's structures for the instance take at most, beside memories and tables.
    pub own_bytes: u64,
}

/// The limit that a component's declarations exceed.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum Excess {
    #[error(
        "each of its instances would have {declared} linear memories, but at most {MAX_MEMORIES} are allowed; compose \
         it of fewer components"
    )]
    Memories { declared: u32 },
    #[error(
        "each of its instances would have {declared} tables, but at most {MAX_TABLES} are allowed; compose it of fewer \
         components"
    )]
    Tables { declared: u32 },
    #[error(
        "each of its instances would instantiate more than {MAX_INSTANTIATIONS} modules and components; compose it of \
         fewer"
    )]
    Instantiations,
    #[error("its components are nested more than {} levels deep; compose it with fewer levels", MAX_DEPTH)]
    Depth,
    #[error(
        "it passes more than {} imports, exports and functions between its components; compose it of fewer",
        MAX_ITEMS
    )]
    Items,
}
