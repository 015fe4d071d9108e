//! Whether a call is waiting for an upstream. If so, the upstream is to blame when the call's time runs out.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The requests of one call that are waiting for an upstream. Cheap to clone; all clones share one count.
#[derive(Clone, Debug, Default)]
pub(crate) struct Upstream(Arc<AtomicUsize>);

/// One request that is waiting. Dropping it ends the wait.
#[derive(Debug)]
pub(crate) struct Waiting(Upstream);

// === impl Upstream ===

impl Upstream {
    /// Counts a request until the guard is dropped.
    pub(crate) fn wait(&self) -> Waiting {
        self.0.fetch_add(1, Ordering::Relaxed);
        Waiting(self.clone())
    }

    /// Returns whether any request is waiting.
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
