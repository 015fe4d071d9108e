//! The clocks that std takes from WASI.

use std::time::{Duration, SystemTime};

pub(crate) fn now() -> SystemTime {
    SystemTime::now()
}

/// Returns the time since a moment of the host's choice.
pub(crate) fn monotonic() -> Duration {
    Duration::from_nanos(wasip2::clocks::monotonic_clock::now())
}

pub(crate) fn sleep(time: Duration) {
    std::thread::sleep(time);
}
