//! What a call may use: processor time, wall time and memory. A leaf: whoever works for a call charges it here.

mod memory;
mod time;
mod upstream;

use std::time::Duration;

pub(crate) use self::memory::{InstanceMemory, MemoryBudget, Refused};
pub(crate) use self::time::{Governor, Stop, Turn};
pub(crate) use self::upstream::{Upstream, Waiting};

/// Bytes of one gRPC message that a plugin accepts: the 16 MiB that go-plugin's own servers accept.
pub(crate) const MAX_REQUEST: usize = 16 * 1024 * 1024;

/// The operator's limits.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    /// Wall time of a call whose caller sets no deadline.
    pub call_timeout: Duration,
    /// Processor time of a call. Waiting for the host does not count.
    pub cpu_timeout: Duration,
    /// Bytes of one instance.
    pub memory_max: usize,
    /// Bytes of all instances together.
    pub memory_total: usize,
    /// Instances of one data source or app.
    pub instances_max: usize,
}
