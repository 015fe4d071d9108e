//! WASI's clocks, on a tape.

use std::time::Duration;

use wasmtime_wasi::{HostMonotonicClock, HostWallClock};

use super::Take;

pub(crate) struct WallClock(pub Take);

pub(crate) struct MonotonicClock(pub Take);

impl HostWallClock for WallClock {
    fn resolution(&self) -> Duration {
        Duration::from_nanos(1)
    }

    fn now(&self) -> Duration {
        Duration::from_nanos(self.0.wall())
    }
}

impl HostMonotonicClock for MonotonicClock {
    fn resolution(&self) -> u64 {
        1
    }

    fn now(&self) -> u64 {
        self.0.monotonic()
    }
}
