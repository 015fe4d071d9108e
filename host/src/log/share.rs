//! What each source of lines may have waiting, so that a flood loses the lines of its own source only.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use super::hclog::MAX_LINE;
use super::value::Fields;

/// How many bytes may wait for the reader before only sources with little of their own are admitted: about twenty
/// thousand ordinary lines.
pub(super) const CAPACITY: usize = 64 * MAX_LINE;

/// How many bytes of one source may wait while the queue has room: about ten thousand ordinary lines.
const SHARE: usize = CAPACITY / 2;

/// How many bytes of one source may wait when the queue has none left: one line of any length, or some hundred ordinary
/// ones.
const LITTLE: usize = MAX_LINE;

/// How many bytes may ever wait. Beyond the queue's capacity it is for those that have little.
const BOUND: usize = 2 * CAPACITY;

/// Of what is left to the bound, one source may have this part. However many sources write, something is left for the
/// next.
const PART: usize = 8;

/// A source of lines, such as a data source. Its counts change only under the writer's lock.
#[derive(Debug)]
pub(super) struct Share {
    /// On the line that says how many of this source's lines were lost.
    pub fields: Fields,
    /// Bytes in the batch of this number.
    waiting: AtomicUsize,
    batch: AtomicU64,
    /// Lines that were lost and not yet reported.
    lost: AtomicU64,
}

// === impl Share ===

impl Share {
    pub(super) fn new(fields: Fields) -> Self {
        Self { fields, waiting: AtomicUsize::new(0), batch: AtomicU64::new(0), lost: AtomicU64::new(0) }
    }

    /// Admits a line to a batch that has `all` bytes, or refuses it.
    pub(super) fn admit(&self, batch: u64, all: usize, line: usize) -> bool {
        let before = match self.batch.swap(batch, Ordering::Relaxed) {
            known if known == batch => self.waiting.load(Ordering::Relaxed),
            _ => 0,
        };
        let own = before + line;
        let has_room = own <= SHARE && all + line <= CAPACITY;
        let admitted = has_room || own <= LITTLE.min(BOUND.saturating_sub(all) / PART);
        self.waiting.store(if admitted { own } else { before }, Ordering::Relaxed);
        admitted
    }

    /// Counts a line that is lost. Returns whether it is the first since the last report.
    pub(super) fn lose(&self) -> bool {
        self.lost.fetch_add(1, Ordering::Relaxed) == 0
    }

    /// Returns how many lines were lost since the last report.
    pub(super) fn take_lost(&self) -> u64 {
        self.lost.swap(0, Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    const LINE: usize = 250;

    fn share() -> Share {
        Share::new(Arc::new([]))
    }

    /// Writes until a line is refused. Returns how many were admitted.
    fn flood(share: &Share, batch: u64, all: &mut usize) -> usize {
        let mut lines = 0;
        while share.admit(batch, *all, LINE) {
            *all += LINE;
            lines += 1;
        }
        lines
    }

    #[test]
    fn one_source_uses_its_share_of_each_batch() {
        let (share, mut all) = (share(), 0);
        assert_eq!(flood(&share, 1, &mut all), SHARE / LINE);
        assert_eq!(flood(&share, 1, &mut all), 0);
        assert_eq!(flood(&share, 2, &mut 0), SHARE / LINE);
    }

    #[test]
    fn many_floods_leave_room_for_a_source_that_has_little() {
        let mut all = 0;
        for floods in 1..=60 {
            flood(&share(), 1, &mut all);
            let other = share();
            let admitted = (0..50).filter(|_| other.admit(1, all, LINE)).count();
            assert_eq!(admitted, 50, "beside {floods} floods");
        }
    }

    #[test]
    fn nothing_exceeds_the_bound() {
        let mut all = 0;
        for _ in 0..10_000 {
            flood(&share(), 1, &mut all);
        }
        assert!((BOUND - 2 * PART * LINE..=BOUND).contains(&all), "{all}");
    }

    #[test]
    fn the_longest_line_is_admitted_when_the_queue_is_full() {
        assert!(share().admit(1, CAPACITY, MAX_LINE));
        assert!(!share().admit(1, CAPACITY, MAX_LINE + 1));
    }
}
