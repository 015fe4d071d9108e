//! What compiling a component may use, when it is compiled as it is loaded.
//!
//! A compiler takes time and memory in proportion to what it compiles, unless the code is made to be hard to compile.

use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde::{Deserialize, Serialize};

/// Processor time, in seconds, and how much more for each MiB of the component. An optimized compiler needs about one
/// second for a MiB, and one that is not optimized needs ten.
const TIME: (u64, u64) = (30, 15);

/// Address space, in MiB, and how much more for each MiB of the component. Compiling takes some tens of MiB.
const MEMORY: (u64, u64) = (1024, 64);

/// The least address space in which the compiler can work, in MiB: its own code, the stacks of its threads, and heaps.
const LEAST_MEMORY: u64 = 256;

/// How long it may take by the clock on the wall, since it may have to wait for processors: so many seconds, and so many for
/// each second of processor time.
const WAITING: (u64, u64) = (60, 4);

/// How many threads compile at most. The other processors answer calls.
const MAX_THREADS: usize = 4;

/// How much processor time is left to a process that ignores the signal that it gets at its limit, in seconds.
const GRACE: u64 = 2;

/// What compiling one component may use.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(super) struct CompileLimits {
    /// Processor time, in seconds.
    pub seconds: u64,
    /// Address space, in bytes.
    pub memory: u64,
    pub threads: usize,
}

// === impl CompileLimits ===

impl CompileLimits {
    /// Returns the limits for a component of so many bytes, on a machine that allows the process so much memory. They
    /// are no higher than what this process passes on to those that it starts.
    pub(super) fn of(component: usize, machine: Option<u64>) -> Self {
        let mebibytes = (component as u64).div_ceil(1 << 20);
        let passed_on = |resource| getrlimit(resource).current.unwrap_or(u64::MAX);
        // At the upper limit the process is killed like by anybody; at the lower one it is told why.
        let killed = getrlimit(Resource::Cpu).maximum.unwrap_or(u64::MAX).saturating_sub(1).max(1);
        let memory = (MEMORY.0 + MEMORY.1 * mebibytes) << 20;
        let machine = machine.unwrap_or(u64::MAX).max(LEAST_MEMORY << 20);
        Self {
            seconds: (TIME.0 + TIME.1 * mebibytes).min(passed_on(Resource::Cpu)).min(killed),
            memory: memory.min(machine).min(passed_on(Resource::As)),
            threads: std::thread::available_parallelism().map_or(1, usize::from).min(MAX_THREADS),
        }
    }

    /// Returns how long compiling may take by the clock on the wall.
    pub(super) fn patience(&self) -> Duration {
        Duration::from_secs(self.seconds.saturating_mul(WAITING.1).saturating_add(WAITING.0))
    }

    pub(super) fn mebibytes(&self) -> u64 {
        self.memory >> 20
    }

    /// Applies them to this process. It also writes no file if it crashes: what it had was a stranger's.
    pub(super) fn apply(&self) -> rustix::io::Result<()> {
        let limit = |resource, current: u64, above: u64| {
            let maximum = getrlimit(resource).maximum.unwrap_or(u64::MAX).min(current.saturating_add(above));
            let current = Some(current.min(maximum));
            setrlimit(resource, Rlimit { current, maximum: Some(maximum) })
        };
        limit(Resource::As, self.memory, 0)?;
        limit(Resource::Cpu, self.seconds, GRACE)?;
        limit(Resource::Core, 0, 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_larger_component_may_take_more_but_never_more_than_the_machine_has() {
        let (small, large) = (CompileLimits::of(1, None), CompileLimits::of(40 << 20, None));
        assert_eq!((small.seconds, small.mebibytes()), (45, 1088));
        assert_eq!((large.seconds, large.mebibytes()), (630, 3584));
        assert_eq!(CompileLimits::of(1, Some(512 << 20)).mebibytes(), 512);
        assert_eq!(CompileLimits::of(1, Some(1)).mebibytes(), LEAST_MEMORY);
    }
}
