//! The health checks of one owner. They go ahead of its other calls, which may all be waiting for a slow upstream.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::budget::{HEALTH_CHECKS, OwnerTime};

/// The health checks of one owner.
pub(crate) struct HealthChecks {
    passes: Arc<Semaphore>,
    /// The processor time of those that go ahead: in the lane, they take turns with the owner's other calls as if they were
    /// another owner's.
    pub time: OwnerTime,
}

/// The right of one health check to go ahead. Cheap to clone; given back with the last clone.
pub(crate) type Pass = Arc<OwnedSemaphorePermit>;

// === impl HealthChecks ===

impl HealthChecks {
    /// Returns a pass, unless so many health checks are running that another one has to wait like a query.
    pub(crate) fn pass(&self) -> Option<Pass> {
        self.passes.clone().try_acquire_owned().ok().map(Arc::new)
    }
}

impl Default for HealthChecks {
    fn default() -> Self {
        Self { passes: Arc::new(Semaphore::new(HEALTH_CHECKS)), time: OwnerTime::default() }
    }
}
