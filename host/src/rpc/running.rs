//! Counts running calls, so that the process can wait for them before it ends.

use tokio::sync::watch;

/// Counts running calls.
#[derive(Debug, Default)]
pub(super) struct Running(watch::Sender<usize>);

/// One running call.
pub(super) struct Run<'a>(&'a Running);

// === impl Running ===

impl Running {
    /// Counts a call until the guard is dropped.
    pub(super) fn begin(&self) -> Run<'_> {
        self.0.send_modify(|running| *running += 1);
        Run(self)
    }

    /// Returns once no call is running.
    pub(super) async fn ended(&self) {
        // Fails only once the sender is gone, which `self` holds.
        let _ = self.0.subscribe().wait_for(|running| *running == 0).await;
    }
}

// === impl Run ===

impl Drop for Run<'_> {
    fn drop(&mut self) {
        self.0.0.send_modify(|running| *running -= 1);
    }
}
