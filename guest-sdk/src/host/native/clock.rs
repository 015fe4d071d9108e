//! The clock of the fake host, which only waiting moves. Without a host, the machine's.

use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime};

use super::fake::current;

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

pub(crate) fn now() -> SystemTime {
    current()
        .map_or_else(SystemTime::now, |fake| SystemTime::UNIX_EPOCH + Duration::from_nanos(fake.now.get()))
}

pub(crate) fn monotonic() -> Duration {
    current().map_or_else(|| START.elapsed(), |fake| Duration::from_nanos(fake.now.get()))
}

pub(crate) fn sleep(time: Duration) {
    match current() {
        Some(fake) => fake.wait_until(fake.later(time)),
        None => std::thread::sleep(time),
    }
}
