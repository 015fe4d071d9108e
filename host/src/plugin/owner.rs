//! The owners of instances: data sources and apps. Each has its settings, its HTTP client and its instances, and is
//! made again when Grafana's settings for it change.

mod secrets;
mod settings;
mod unused;

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OnceCell;

use super::checks::HealthChecks;
use super::pool::Pool;
use super::streams::Streams;
use crate::budget::{OwnerMemory, OwnerTime, Priority, beside_others};
use crate::call::{AppSettings, CallContext, DataSourceSettings, Subject};
use crate::capability::bindings::exports::gpx::plugin::plugin::Settings;
use crate::capability::cache::SharedCache;
use crate::egress::Client;
use crate::log::{Log, origin};
use crate::metrics::Metrics;
use crate::text::Scrub;

pub(super) use self::secrets::{scrub, without_userinfo};
pub(super) use self::settings::{http_settings, settings, wanted_headers};
pub(super) use self::unused::report as report_unused;

/// How many owners are kept before those without a running call are forgotten. Grafana does not report that a data
/// source was deleted. The next call for a forgotten one makes it again.
const MAX_KNOWN: usize = 1000;

/// A data source or app, in one version of its settings.
pub(crate) struct Owner {
    /// Passed to the component's `open`.
    pub settings: Settings,
    /// All its secrets, also those that its component does not get.
    pub scrub: Scrub,
    pub client: Client,
    /// What its instances share.
    pub cache: SharedCache,
    pub pool: Pool,
    /// What it and its calls are charged for.
    pub memory: OwnerMemory,
    /// The processor time of its long calls.
    pub time: OwnerTime,
    pub checks: HealthChecks,
    pub streams: Streams,
    /// The log of its instances outside of calls. All lines of its calls use the share of this log, too.
    pub log: Log,
}

/// All owners that there have been calls for.
pub(super) struct Owners {
    known: Mutex<HashMap<OwnerKey, Slot>>,
    hasher: RandomState,
    metrics: Metrics,
}

/// What identifies an owner. Two owners that differ in any of this never share an instance or a connection.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct OwnerKey {
    tenant: String,
    namespace: String,
    org: i64,
    plugin: String,
    /// Empty for an app. Grafana's numeric id of a data source is not used: it is deprecated and may be 0 for all of
    /// them.
    uid: String,
}

/// Differs if the data source's or app's settings, or Grafana's own configuration, have changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Version {
    updated: i64,
    /// Whoever sends the settings may forget to change the time. A password that was withdrawn must not stay in use.
    settings: u64,
    config: u64,
}

/// Holds an owner, which is made outside the lock of all owners: that parses JSON and certificates.
struct Slot {
    version: Version,
    owner: Arc<OnceCell<Arc<Owner>>>,
}

/// Returns the log of an owner, with a share of the queue that nobody else uses. Lines that say how many others were lost
/// name the owner.
pub(super) fn log(context: &CallContext, log: &Log) -> Log {
    let mut fields = vec![(origin::PLUGIN_ID, context.plugin_id.clone())];
    if let Some(settings) = context.data_source() {
        fields.push((origin::DATA_SOURCE_NAME, settings.name.clone()));
        fields.push((origin::DATA_SOURCE_UID, settings.uid.clone()));
    }
    log.with(fields).with_own_share()
}

// === impl Owner ===

impl Owner {
    /// Returns what an instance for a call of this priority is charged to.
    pub(super) fn payer(&self, priority: Priority) -> OwnerMemory {
        match priority {
            Priority::Lasting => self.streams.memory.clone(),
            Priority::Usual | Priority::Ahead => self.memory.with(priority),
        }
    }
}

// === impl Owners ===

impl Owners {
    pub(super) fn new(metrics: Metrics) -> Self {
        metrics.active_instances.set(0);
        Self { known: Mutex::default(), hasher: RandomState::new(), metrics }
    }

    /// Returns the owner that a call is for. If this version of it is not known yet, `make` makes it, once for all
    /// calls that need it. Running calls finish on the version that they began with.
    pub(super) async fn get(&self, context: &CallContext, make: impl FnOnce() -> Owner) -> Arc<Owner> {
        let (slot, gone) = self.slot(context);
        if !gone.is_empty() {
            beside_others(|| drop(gone));
        }
        slot.get_or_init(|| async { Arc::new(beside_others(make)) }).await.clone()
    }

    /// The place of an owner, and those that it takes the place of. To drop these, with their instances, takes
    /// milliseconds, in which nobody else may wait for the lock.
    fn slot(&self, context: &CallContext) -> (Arc<OnceCell<Arc<Owner>>>, Vec<Slot>) {
        let (key, version) = (key(context), self.version(context));
        let mut known = self.known();
        if let Some(slot) = known.get(&key).filter(|slot| slot.version == version) {
            return (slot.owner.clone(), Vec::new());
        }
        let mut gone = Vec::new();
        if known.len() >= MAX_KNOWN {
            gone.extend(known.extract_if(|_, slot| !slot.is_in_use()).map(|(_, slot)| slot));
        }
        let owner = Arc::default();
        gone.extend(known.insert(key, Slot { version, owner: Arc::clone(&owner) }));
        self.metrics.datasource_instances.inc();
        self.metrics.active_instances.set(i64::try_from(known.len()).unwrap_or(i64::MAX));
        (owner, gone)
    }

    fn known(&self) -> MutexGuard<'_, HashMap<OwnerKey, Slot>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn version(&self, context: &CallContext) -> Version {
        Version {
            updated: context.subject.updated(),
            settings: self.hash_of_settings(&context.subject),
            config: self.hash_of_map(&context.grafana_config),
        }
    }

    fn hash_of_settings(&self, subject: &Subject) -> u64 {
        match subject {
            Subject::DataSource(settings) => {
                // Without `..`, so that a field that is added is not forgotten here.
                let DataSourceSettings {
                    id,
                    uid: _,
                    name,
                    url,
                    user,
                    database,
                    basic_auth_enabled,
                    basic_auth_user,
                    json_data,
                    secrets,
                    updated: _,
                    api_version,
                } = settings;
                let basic_auth = (basic_auth_enabled, basic_auth_user);
                let texts = (name, url, user, database, api_version);
                self.hasher.hash_one((id, texts, basic_auth, json_data, self.hash_of_map(secrets)))
            }
            Subject::App(AppSettings { json_data, secrets, updated: _, api_version }) => {
                self.hasher.hash_one((json_data, api_version, self.hash_of_map(secrets)))
            }
            Subject::Plugin => 0,
        }
    }

    /// A map has no order, so the pairs' hashes are combined by an operation that does not depend on the order.
    fn hash_of_map(&self, map: &HashMap<String, String>) -> u64 {
        map.iter().map(|pair| self.hasher.hash_one(pair)).fold(0, u64::wrapping_add)
    }
}

fn key(context: &CallContext) -> OwnerKey {
    let uid = match &context.subject {
        Subject::DataSource(settings) => settings.uid.clone(),
        Subject::App(_) | Subject::Plugin => String::new(),
    };
    OwnerKey {
        tenant: context.tenant.clone(),
        namespace: context.namespace.clone(),
        org: context.org_id,
        plugin: context.plugin_id.clone(),
        uid,
    }
}

// === impl Slot ===

impl Slot {
    /// Returns whether a call uses the owner, or is about to.
    fn is_in_use(&self) -> bool {
        Arc::strong_count(&self.owner) > 1
            || self.owner.get().is_some_and(|owner| Arc::strong_count(owner) > 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Metrics;
    use crate::plugin::test::{Asker, Loaded};

    #[test]
    fn every_setting_is_part_of_the_version() {
        let owners = Owners::new(Metrics::unattached());
        let secret = |value: &str| HashMap::from([("password".to_owned(), value.to_owned())]);
        let source = || DataSourceSettings { secrets: secret("old"), ..DataSourceSettings::default() };
        let version = |subject| owners.version(&CallContext { subject, ..CallContext::default() });
        let first = version(Subject::DataSource(source()));
        assert_eq!(version(Subject::DataSource(source())), first);
        let text = || "new".to_owned();
        let changes: [fn(&mut DataSourceSettings, String); 11] = [
            |source, text| source.secrets = HashMap::from([("password".to_owned(), text)]),
            |source, text| source.secrets = HashMap::from([(text, "old".to_owned())]),
            |source, text| source.json_data = text.into(),
            |source, text| source.url = text,
            |source, text| source.user = text,
            |source, text| source.database = text,
            |source, text| source.name = text,
            |source, text| source.basic_auth_user = text,
            |source, text| source.api_version = text,
            |source, _| source.basic_auth_enabled = true,
            |source, _| source.id = 7,
        ];
        for (number, change) in changes.iter().enumerate() {
            let mut changed = source();
            change(&mut changed, text());
            assert_ne!(version(Subject::DataSource(changed)), first, "change {number}");
        }
        let app = |secrets, json: &str| {
            version(Subject::App(AppSettings {
                secrets,
                json_data: json.to_owned().into(),
                ..AppSettings::default()
            }))
        };
        assert_eq!(app(secret("old"), "{}"), app(secret("old"), "{}"));
        assert_ne!(app(secret("old"), "{}"), app(secret("new"), "{}"));
        assert_ne!(app(secret("old"), "{}"), app(secret("old"), "[]"));
    }

    #[tokio::test]
    async fn what_is_forgotten_or_replaced_goes_after_the_lock() {
        let loaded = Loaded::new().await;
        let owners = &loaded.plugin.owners;
        let context = |uid: &str, updated| {
            let mut asker = Asker::of(uid);
            asker.settings().updated = updated;
            asker.context
        };
        for (round, next) in [(0, context("0", 1)), (1, context("one more", 0))] {
            for number in 0..MAX_KNOWN {
                loaded.ask(&Asker::of(&number.to_string())).await.unwrap();
            }
            let owner = Arc::downgrade(&loaded.plugin.owner(&context("0", 0)).await);
            let (_, gone) = owners.slot(&next);
            assert!(owner.upgrade().is_some() && owners.known.try_lock().is_ok(), "round {round}");
            drop(gone);
            assert!(owner.upgrade().is_none(), "round {round}");
        }
    }
}
