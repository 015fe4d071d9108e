//! What calls are answered with: a loaded component, or the reason why there is none.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::watch;

use super::{Export, LoadError, Plugin};
use crate::telemetry::Telemetry;

/// What calls are answered with.
pub(crate) struct Loaded {
    pub plugin: Result<Arc<Plugin>, LoadError>,
    /// Starts when the component is loaded, since its resource has attributes that the component names.
    pub telemetry: Telemetry,
    /// Why a newer component has not taken its place.
    pub refused: Option<LoadError>,
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

    /// Returns what the details of a health check say besides the component's own, if there is anything.
    pub(crate) fn report(&self) -> Option<Value> {
        let report = self.telemetry.report();
        let Some(refused) = &self.refused else { return report };
        let mut report = report.unwrap_or_else(|| json!({}));
        if let Some(report) = report.as_object_mut() {
            report.insert("component".to_owned(), json!({ "not_replaced": refused.to_string() }));
        }
        Some(report)
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

    /// Waits until another component has taken the place of this one.
    pub(crate) async fn replaced(&self, plugin: &Arc<Plugin>) {
        let is_other = |loaded: &Option<Arc<Loaded>>| {
            let now = loaded.as_ref().and_then(|loaded| loaded.plugin.as_ref().ok());
            now.is_some_and(|now| !Arc::ptr_eq(now, plugin))
        };
        if self.0.clone().wait_for(is_other).await.is_err() {
            // The host is gone, and its server too.
            std::future::pending().await
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

    /// From now on, a health check says why a newer one was refused, or no longer does.
    pub(crate) fn refused(&self, refused: Option<LoadError>) {
        self.0.send_if_modified(|loaded| {
            let Some(loaded) = loaded.as_mut().filter(|loaded| loaded.refused.is_some() || refused.is_some())
            else {
                return false;
            };
            let (plugin, telemetry) = (loaded.plugin.clone(), loaded.telemetry.clone());
            *loaded = Arc::new(Loaded { plugin, telemetry, refused });
            true
        });
    }
}
