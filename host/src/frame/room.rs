//! What the answers of one call may still take, all together.

use super::draft::PAYMENT;
use super::limit;

/// How much room the answers of a call have left.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    /// How many bytes they may take once they are encoded.
    pub(super) bytes: usize,
    pub(super) frames: usize,
    /// How many encoded bytes nobody pays for: a small answer does not last.
    pub(super) free: usize,
}

// === impl Room ===

impl Room {
    /// The room of a call that has answered nothing yet.
    pub(crate) fn new() -> Self {
        Self::of(limit::ANSWER)
    }

    pub(super) fn of(bytes: usize) -> Self {
        Self { bytes, frames: limit::FRAMES, free: PAYMENT }
    }
}
