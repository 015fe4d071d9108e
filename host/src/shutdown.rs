//! How the process ends: first everything is asked to stop, then the server may send its last reply and exit.

use std::sync::Arc;

use tokio::sync::watch;

/// The stop signal of the process. Cheap to clone; all clones are the same signal.
#[derive(Clone, Debug)]
pub(crate) struct Shutdown {
    stage: Arc<watch::Sender<Stage>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Running,
    /// Running calls are being cancelled, and spans are being ended and flushed.
    Draining,
    /// There is nothing left to flush.
    Drained,
}

// === impl Shutdown ===

impl Shutdown {
    pub(crate) fn new() -> Self {
        Self { stage: Arc::new(watch::Sender::new(Stage::Running)) }
    }

    /// Asks everything to stop. Only the first call has an effect.
    pub(crate) fn trigger(&self) {
        self.advance(Stage::Draining);
    }

    /// Waits until [`Shutdown::trigger`] is called.
    pub(crate) async fn triggered(&self) {
        self.reached(Stage::Draining).await;
    }

    /// Waits until draining has finished, so that the request to stop can be answered.
    pub(crate) async fn drained(&self) {
        self.reached(Stage::Drained).await;
    }

    pub(crate) fn finish(&self) {
        self.advance(Stage::Drained);
    }

    fn advance(&self, to: Stage) {
        self.stage.send_if_modified(|stage| {
            let ahead = to > *stage;
            *stage = to.max(*stage);
            ahead
        });
    }

    async fn reached(&self, stage: Stage) {
        // Cannot fail: `self` holds the sender.
        let _ = self.stage.subscribe().wait_for(|now| *now >= stage).await;
    }
}

impl Default for Shutdown {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    #[test]
    fn every_clone_sees_the_stages_in_order() {
        let shutdown = Shutdown::new();
        let other = shutdown.clone();
        assert!(other.triggered().now_or_never().is_none());
        shutdown.trigger();
        assert!(other.triggered().now_or_never().is_some());
        assert!(other.drained().now_or_never().is_none());
        shutdown.finish();
        assert!(other.drained().now_or_never().is_some());
    }

    #[test]
    fn a_late_trigger_does_not_undo_a_stage() {
        let shutdown = Shutdown::new();
        shutdown.finish();
        shutdown.trigger();
        assert!(shutdown.drained().now_or_never().is_some());
    }
}
