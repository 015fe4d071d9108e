//! What calls are answered with: a component that was loaded, or the reason why there is none.

use std::sync::Arc;

use tokio::sync::watch;

use super::{LoadError, Plugin};
use crate::telemetry::Telemetry;

/// What calls are answered with.
pub(crate) struct Loaded {
    pub plugin: Result<Arc<Plugin>, LoadError>,
    /// Its resource carries attributes that the component names, so it begins when the component is loaded.
    pub telemetry: Telemetry,
}

/// Who waits for the component. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Current(watch::Receiver<Option<Arc<Loaded>>>);

/// Who loads the component.
pub(crate) struct Loading(watch::Sender<Option<Arc<Loaded>>>);

/// Nothing is loaded yet.
pub(crate) fn loading() -> (Loading, Current) {
    let (sender, receiver) = watch::channel(None);
    (Loading(sender), Current(receiver))
}

// === impl Current ===

impl Current {
    /// Returns what was loaded last, as soon as there is something.
    pub(crate) async fn wait(&self) -> Arc<Loaded> {
        if let Some(loaded) = self.now() {
            return loaded;
        }
        let mut receiver = self.0.clone();
        match receiver.wait_for(Option::is_some).await.ok().and_then(|loaded| loaded.clone()) {
            Some(loaded) => loaded,
            // The host is gone, and its server with it.
            None => std::future::pending().await,
        }
    }

    /// What was loaded last, if anything was.
    pub(crate) fn now(&self) -> Option<Arc<Loaded>> {
        self.0.borrow().clone()
    }
}

// === impl Loading ===

impl Loading {
    /// Calls are answered with this from here on. Those that run finish on what they began with.
    pub(crate) fn loaded(&self, loaded: Loaded) {
        self.0.send_replace(Some(Arc::new(loaded)));
    }
}
