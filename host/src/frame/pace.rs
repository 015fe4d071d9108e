//! Work in small steps: between two steps the thread serves other calls, and the code that polls can stop the work.

use tokio::runtime::Handle;

/// How many bytes are read or written between two yields. The slowest work, formatting floats as JSON, takes a quarter
/// of a millisecond for that many, and a yield costs a hundredth of that. Work is counted rather than timed, so no
/// clock is read and the same answer always takes the same steps.
pub(super) const PIECE: usize = 64 << 10;

/// The work of checking or writing a field or a frame, besides its strings and cells.
pub(super) const FIELD_WORK: usize = 128;

/// How many bytes of one buffer are freed in less than a tenth of a millisecond.
const QUICKLY_FREED: usize = 1 << 20;

/// Counts work, and yields after each step.
pub(super) struct Pace {
    left: usize,
    has_yielded: bool,
}

// === impl Pace ===

impl Pace {
    pub(super) fn new() -> Self {
        Self { left: PIECE, has_yielded: false }
    }

    /// Counts `work` bytes that were read or written. No caller does much more than one step's work between two counts.
    #[inline]
    pub(super) async fn spend(&mut self, work: usize) {
        self.left = self.left.saturating_sub(work);
        if self.left == 0 {
            self.left = PIECE;
            self.has_yielded = true;
            // As a guest does at each tick: the runtime checks its sockets before it polls this task again.
            tokio::task::yield_now().await;
        }
    }

    /// Returns whether there was more than one step of work.
    pub(super) fn has_yielded(&self) -> bool {
        self.has_yielded
    }
}

/// Drops bytes without delaying other calls.
pub(super) fn drop_bytes(bytes: Vec<u8>) {
    if bytes.len() > QUICKLY_FREED {
        drop_elsewhere(bytes);
    }
}

/// Drops a large value on a thread that serves no calls. Freeing hundreds of megabytes, or millions of small parts, takes
/// many milliseconds, and `drop` cannot yield.
pub(super) fn drop_elsewhere<T: Send + 'static>(large: T) {
    if let Ok(runtime) = Handle::try_current() {
        runtime.spawn_blocking(move || drop(large));
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::polls;
    use super::*;

    #[test]
    fn yields_after_each_step() {
        let count = |works: &'static [usize]| {
            polls(async {
                let mut pace = Pace::new();
                for work in works {
                    pace.spend(*work).await;
                }
                pace.has_yielded()
            })
        };
        assert_eq!(count(&[]), (false, 1));
        assert_eq!(count(&[PIECE - 1]), (false, 1));
        assert_eq!(count(&[PIECE - 1, 1]), (true, 2));
        assert_eq!(count(&[PIECE - 1, 10 * PIECE, PIECE, 1]), (true, 3));
    }
}
