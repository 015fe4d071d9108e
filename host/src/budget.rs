//! What a call may use: processor time, wall time and memory. A leaf: all code that works for a call charges it here.

mod clock;
mod counted;
mod idle;
mod lane;
mod machine;
mod memory;
mod priority;
mod shares;
mod time;
mod upstream;

use std::time::Duration;

pub(crate) use self::counted::Counted;
pub(crate) use self::idle::Idle;
pub(crate) use self::lane::OwnerTime;
#[cfg(test)]
pub(crate) use self::machine::MemoryLimit;
pub(crate) use self::machine::{
    AddressSpace, Fitted, GUEST_STACK, Machine, Needs, SMALL_GUARD, STACK, return_free_memory,
};
pub(crate) use self::memory::{
    Charge, InstanceMemory, MAX_INSTANTIATIONS, MAX_MEMORIES, MAX_TABLES, MemoryAccount, MemoryKind,
    OwnerMemory, Prepaid, Refused,
};
pub(crate) use self::priority::{HEALTH_CHECKS, Priority, lasting_part};
pub(crate) use self::shares::{Share, Shares, Taken};
pub(crate) use self::time::{Awaited, Governor, Stop, Turn, beside_others};
pub(crate) use self::upstream::{Upstream, Waiting};

/// The largest gRPC message that a plugin accepts, in bytes: 16 MiB, as go-plugin's own servers accept.
pub(crate) const MAX_REQUEST: usize = 16 * 1024 * 1024;

/// The operator's limits.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    /// Wall time of a call. The caller's deadline may end it earlier.
    pub call_timeout: Duration,
    /// Processor time of a call. Time in which it waits for the host does not count.
    pub cpu_timeout: Duration,
    /// Memory of one instance, in bytes.
    pub memory_max: usize,
    /// Memory that all instances together cost, in bytes.
    pub memory_total: usize,
    /// How many instances one data source or app may have, if that is limited.
    pub instances_max: Option<usize>,
    /// How many streams one data source or app may run at once.
    pub streams_max: usize,
}
