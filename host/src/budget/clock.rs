//! The processor time of a thread.

use std::cell::Cell;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// Measures the processor time that the calling thread uses. It stands still while the thread waits for a core, so a process
/// that the system throttles is not charged for time in which it did not run.
///
/// To read a thread's clock is a system call, which would cost a short call more than all the rest of its account. A part of
/// a call that ends soon is therefore measured by the wall clock, which can only say more. What takes longer is measured
/// from the last reading of the thread's clock, which is at most that long ago.
pub(super) struct Stopwatch {
    began: Instant,
    /// The thread's time at the reading before.
    before: Duration,
}

/// How long what is measured by the wall clock may take, and how old a reading of the thread's clock may be. A tenth of the
/// time that calls have on the threads that serve them.
const SHORT: Duration = Duration::from_micros(200);

thread_local! {
    static LAST: Cell<Option<(Instant, Duration)>> = const { Cell::new(None) };
}

// === impl Stopwatch ===

impl Stopwatch {
    pub(super) fn start() -> Self {
        let began = Instant::now();
        let recent = LAST.get().filter(|(at, _)| began.duration_since(*at) < SHORT);
        let before = recent.map_or_else(|| read(began), |(_, time)| time);
        Self { began, before }
    }

    /// Returns the processor time since the start, on the thread that started.
    pub(super) fn elapsed(&self) -> Duration {
        let now = Instant::now();
        let wall = now.duration_since(self.began);
        if wall < SHORT { wall } else { wall.min(read(now).saturating_sub(self.before)) }
    }
}

/// Returns the processor time that the calling thread has used until now.
fn read(now: Instant) -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let time = Duration::new(time.tv_sec.try_into().unwrap_or(0), time.tv_nsec.try_into().unwrap_or(0));
    LAST.set(Some((now, time)));
    time
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_millis(4);

    /// Uses so much of the calling thread's processor time.
    fn compute(time: Duration) {
        let began = read(Instant::now());
        while read(Instant::now()) - began < time {
            std::hint::spin_loop();
        }
    }

    #[test]
    fn waiting_costs_nothing_and_computing_does() {
        let (began, watch) = (read(Instant::now()), Stopwatch::start());
        std::thread::spawn(|| compute(10 * LONG)).join().unwrap();
        compute(LONG);
        let (used, all) = (watch.elapsed(), read(Instant::now()) - began);
        assert!((LONG..=all).contains(&used), "{used:?} of {all:?}");
    }
}
