//! Counts those who are at something, such as waiting.

use std::sync::atomic::{AtomicUsize, Ordering};

/// One that is counted until this is dropped.
pub(crate) struct Counted<'a>(&'a AtomicUsize);

// === impl Counted ===

impl<'a> Counted<'a> {
    pub(crate) fn among(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::AcqRel);
        Self(count)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}
