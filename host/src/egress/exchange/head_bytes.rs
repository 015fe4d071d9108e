//! How much memory the heads of responses may take while they arrive, all together.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The bytes that all long heads of a process may take. Old servers send one now and then; 64 of the longest at a time are
/// an attack.
const MAX: usize = 32 * 1024 * 1024;

/// What one connection has of them. It gives all back when it is dropped.
#[derive(Debug)]
pub(super) struct HeadBytes {
    all: Arc<AtomicUsize>,
    taken: usize,
}

// === impl HeadBytes ===

impl HeadBytes {
    pub(super) fn of(all: Arc<AtomicUsize>) -> Self {
        Self { all, taken: 0 }
    }

    pub(super) fn taken(&self) -> usize {
        self.taken
    }

    /// Takes more, if there is more.
    pub(super) fn take(&mut self, bytes: usize) -> bool {
        let sum = self.all.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        self.taken += bytes;
        sum <= MAX
    }
}

impl Drop for HeadBytes {
    fn drop(&mut self) {
        self.all.fetch_sub(self.taken, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_heads_together_have_a_limit() {
        let all = Arc::new(AtomicUsize::new(0));
        let (mut one, mut other) = (HeadBytes::of(all.clone()), HeadBytes::of(all.clone()));
        assert!(one.take(MAX - 1) && other.take(1) && !other.take(1));
        drop(one);
        assert!(other.take(MAX - 2));
        drop(other);
        assert_eq!(all.load(Ordering::Relaxed), 0);
    }
}
