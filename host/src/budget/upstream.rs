//! Whether a call waits for an upstream, which is then to blame if its time runs out.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The requests of one call that wait for an upstream. Cheap to clone; all clones count together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Upstream(Arc<AtomicUsize>);

/// One request that waits. Dropping it ends the wait.
#[derive(Debug)]
pub(crate) struct Waiting(Upstream);

// === impl Upstream ===

impl Upstream {
    /// Counts a request until the guard is dropped.
    pub(crate) fn wait(&self) -> Waiting {
        self.0.fetch_add(1, Ordering::Relaxed);
        Waiting(self.clone())
    }

    /// Whether any request waits.
    pub(crate) fn is_waited_for(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }
}

// === impl Waiting ===

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}
