//! Data sources and apps by name: each with its settings, its HTTP client and its instances, replaced when it changes.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex, PoisonError};

use super::pool::Pool;
use crate::bindings::exports::gpx::plugin::plugin::Settings;
use crate::call::Call;
use crate::egress;
use crate::metrics::Metrics;

/// Data sources that are kept before those without a running call are forgotten. Grafana does not say when one is
/// deleted, and what is forgotten is made again by the next call.
const MAX_KNOWN: usize = 1000;

/// What is kept for one data source or app, in one version of its settings.
pub(super) struct DataSource {
    version: Version,
    pub settings: Arc<Settings>,
    pub client: egress::Client,
    pub pool: Arc<Pool>,
}

/// All data sources that calls have come for.
pub(super) struct DataSources {
    known: Mutex<HashMap<Key, Arc<DataSource>>>,
    hasher: RandomState,
    instances_max: usize,
    metrics: Metrics,
}

/// Whose data source it is. Two that differ in any of this never share an instance or a connection.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    tenant: String,
    namespace: String,
    org: i64,
    plugin: String,
    /// Empty for an app. Grafana's numeric id of a data source is deprecated and may be 0 for all of them.
    uid: String,
}

/// Differs when the settings, or Grafana's own configuration, are no longer the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Version {
    updated: i64,
    config: u64,
}

// === impl DataSources ===

impl DataSources {
    pub(super) fn new(instances_max: usize, metrics: Metrics) -> Self {
        Self { known: Mutex::default(), hasher: RandomState::new(), instances_max, metrics }
    }

    /// The data source that `call` is for. In a version that is not known yet, it is made by `make`; calls that run
    /// finish on the version that they began with.
    pub(super) fn get(
        &self,
        call: &Call,
        make: impl FnOnce() -> (Settings, egress::Client),
    ) -> Arc<DataSource> {
        let (key, version) = (key(call), self.version(call));
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known.get(&key).filter(|found| found.version == version) {
            return found.clone();
        }
        let (settings, client) = make();
        let pool = Pool::new(self.instances_max);
        let made = Arc::new(DataSource { version, settings: Arc::new(settings), client, pool });
        if known.len() >= MAX_KNOWN {
            known.retain(|_, unused| Arc::strong_count(unused) > 1);
        }
        known.insert(key, made.clone());
        self.metrics.datasource_instances.inc();
        self.metrics.active_instances.set(i64::try_from(known.len()).unwrap_or(i64::MAX));
        made
    }

    /// Drops every idle instance.
    pub(super) fn clear(&self) {
        for data_source in self.known.lock().unwrap_or_else(PoisonError::into_inner).values() {
            data_source.pool.clear();
        }
    }

    fn version(&self, call: &Call) -> Version {
        let context = &call.context;
        let updated = match (&context.data_source_instance_settings, &context.app_instance_settings) {
            (Some(settings), _) => settings.last_updated_ms,
            (None, Some(settings)) => settings.last_updated_ms,
            (None, None) => 0,
        };
        // A map has no order, so the pairs' hashes are joined by an operation that has none either.
        let pairs = context.grafana_config.iter().map(|pair| self.hasher.hash_one(pair));
        Version { updated, config: pairs.fold(0, u64::wrapping_add) }
    }
}

fn key(call: &Call) -> Key {
    let context = &call.context;
    let settings = context.data_source_instance_settings.as_ref();
    Key {
        tenant: call.tenant.clone(),
        namespace: context.namespace.clone(),
        org: context.org_id,
        plugin: context.plugin_id.clone(),
        uid: settings.map(|settings| settings.uid.clone()).unwrap_or_default(),
    }
}
