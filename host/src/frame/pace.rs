//! What the work on an answer costs. It is done in small steps: between two steps the thread serves other calls, and the
//! code that polls can stop the work. Its memory is paid for before it is used.

use tokio::runtime::Handle;

use crate::budget::{Charge, Refused};

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
    /// What the answer is charged to.
    memory: Option<Charge>,
    /// How many more bytes of the answer nobody has to pay for.
    free: usize,
}

// === impl Pace ===

impl Pace {
    /// Work whose memory nobody pays for.
    #[cfg(test)]
    pub(super) fn new() -> Self {
        Self::paid_by(None)
    }

    pub(super) fn paid_by(memory: Option<Charge>) -> Self {
        Self { left: PIECE, has_yielded: false, memory, free: 0 }
    }

    /// Work of whose answer so many bytes are free.
    pub(super) fn with_free(self, free: usize) -> Self {
        Self { free, ..self }
    }

    /// Returns how many bytes of an answer are still free.
    pub(super) fn free(&self) -> usize {
        self.free
    }

    /// Takes what is free. Returns how many of the bytes are not.
    pub(super) fn take_free(&mut self, bytes: usize) -> usize {
        let unpaid = bytes.saturating_sub(self.free);
        self.free = self.free.saturating_sub(bytes);
        unpaid
    }

    /// Pays for more memory.
    pub(super) fn pay(&mut self, bytes: usize) -> Result<(), Refused> {
        self.memory.as_mut().map_or(Ok(()), |memory| memory.try_grow(bytes))
    }

    /// Returns a part of what was paid, which is given back when it is dropped.
    pub(super) fn take_paid(&mut self, bytes: usize) -> Option<Charge> {
        self.memory.as_mut().map(|memory| memory.split(bytes))
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

/// Drops plain values without delaying other calls.
pub(super) fn drop_buffer<T: Copy + Send + 'static>(buffer: Vec<T>) {
    if size_of_val(buffer.as_slice()) > QUICKLY_FREED {
        drop_elsewhere(buffer);
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
