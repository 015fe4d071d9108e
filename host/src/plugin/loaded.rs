//! What calls are answered with: a loaded component, or the reason why there is none.

use std::sync::Arc;

use tokio::sync::watch;

use super::{Export, LoadError, Plugin};
use crate::telemetry::Telemetry;

/// What calls are answered with.
pub(crate) struct Loaded {
    pub plugin: Result<Arc<Plugin>, LoadError>,
    /// Starts when the component is loaded, since its resource has attributes that the component names.
    pub telemetry: Telemetry,
}

/// Access to what is loaded. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Current(watch::Receiver<Option<Arc<Loaded>>>);

/// Sets what is loaded.
pub(crate) struct Loading(watch::Sender<Option<Arc<Loaded>>>);

/// Returns both ends, with nothing loaded yet.
pub(crate) fn loading() -> (Loading, Current) {
    let (sender, receiver) = watch::channel(None);
    (Loading(sender), Current(receiver))
}

// === impl Loaded ===

impl Loaded {
    /// Returns whether calls of a gRPC service are answered. On the Go SDK, some are there only if the plugin serves them. If the
    /// component could not be loaded, all calls are answered with the reason.
    pub(crate) fn serves(&self, service: &str) -> bool {
        let exports: &[Export] = match service {
            "pluginv2.AdmissionControl" => &[Export::Admission],
            "pluginv2.ResourceConversion" => &[Export::Conversion, Export::QueryConversion],
            _ => return true,
        };
        self.plugin.as_ref().map_or(true, |plugin| exports.iter().any(|export| plugin.exports(*export)))
    }
}

// === impl Current ===

impl Current {
    /// Returns what was loaded last. Waits until there is something.
    pub(crate) async fn wait(&self) -> Arc<Loaded> {
        if let Some(loaded) = self.now() {
            return loaded;
        }
        let mut receiver = self.0.clone();
        match receiver.wait_for(Option::is_some).await.ok().and_then(|loaded| loaded.clone()) {
            Some(loaded) => loaded,
            // The host is gone, and its server too.
            None => std::future::pending().await,
        }
    }

    /// Returns what was loaded last, if there is anything.
    pub(crate) fn now(&self) -> Option<Arc<Loaded>> {
        self.0.borrow().clone()
    }
}

// === impl Loading ===

impl Loading {
    /// From now on, calls are answered with this. Running calls finish on what they began with.
    pub(crate) fn loaded(&self, loaded: Loaded) {
        self.0.send_replace(Some(Arc::new(loaded)));
    }
}
