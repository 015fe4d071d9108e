//! The tasks of one HTTP/2 connection: the socket's, and those of its streams.

use std::sync::{Arc, Mutex, PoisonError};

use hyper::rt::Executor;
use tokio::task::JoinSet;

/// Cheap to clone; the clones run the same tasks.
pub(super) struct Tasks<T> {
    running: Arc<Mutex<JoinSet<()>>>,
    held: Arc<T>,
}

// === impl Tasks ===

impl<T> Tasks<T> {
    /// `held` is dropped once no task is left.
    pub(super) fn new(held: T) -> Self {
        Self { running: Arc::default(), held: Arc::new(held) }
    }

    pub(super) fn abort(&self) {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).abort_all();
    }
}

impl<T> Clone for Tasks<T> {
    fn clone(&self) -> Self {
        Self { running: self.running.clone(), held: self.held.clone() }
    }
}

impl<F, T> Executor<F> for Tasks<T>
where
    F: Future + Send + 'static,
    F::Output: Send,
    T: Send + Sync + 'static,
{
    fn execute(&self, task: F) {
        // In this order they are dropped if the task is aborted.
        let both = (task, self.held.clone());
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        while running.try_join_next().is_some() {}
        running.spawn(async move {
            let (task, held) = both;
            task.await;
            drop(held);
        });
    }
}
