//! Settings of a data source or an app, made by hand.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Settings;
use crate::admission::Object;
use crate::bindings::admission::exports::gpx::plugin::admission as wit;
use crate::bindings::base::exports::gpx::plugin::plugin::{
    OperatorSetting, Secret, Settings as WitSettings, SettingsKind,
};

/// How long an exchange with an upstream may take if the data source does not say it: as long as the host and the Go SDK wait.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// Settings that are being made: see [`data_source`] and [`app`].
///
/// ```
/// use gpx_sdk::test::data_source;
///
/// let settings = data_source("http://prices.example")
///     .uid("prices-1")
///     .json(&serde_json::json!({ "table": "gold" }))
///     .secret("apiToken", "abc")
///     .operator_setting("team", "markets")
///     .build();
/// assert_eq!(settings.json::<serde_json::Value>()?["table"], "gold");
/// assert_eq!((settings.secret("apiToken"), settings.operator_setting("team")), (Some("abc"), Some("markets")));
/// # Ok::<_, gpx_sdk::Fault>(())
/// ```
#[derive(Clone)]
pub struct SettingsBuilder(WitSettings);

/// Settings of a data source with that URL. Its name and its uid are `test`.
///
/// ```
/// let settings = gpx_sdk::test::data_source("http://prices.example").build();
/// assert_eq!((settings.url(), settings.uid()), ("http://prices.example", "test"));
/// ```
#[must_use]
pub fn data_source(url: impl Into<String>) -> SettingsBuilder {
    let (uid, name) = ("test".to_owned(), "test".to_owned());
    SettingsBuilder(WitSettings { url: url.into(), uid, name, id: 1, ..empty(SettingsKind::DataSource) })
}

/// Settings of an app.
///
/// ```
/// let settings = gpx_sdk::test::app().json(&serde_json::json!({ "table": "gold" })).build();
/// assert_eq!(settings.kind(), gpx_sdk::SettingsKind::App);
/// ```
#[must_use]
pub fn app() -> SettingsBuilder {
    SettingsBuilder(empty(SettingsKind::App))
}

/// What a plugin gets for a call that is about no stored data source or app, such as the admission of a new one.
///
/// ```
/// assert_eq!(gpx_sdk::test::no_settings().build().kind(), gpx_sdk::SettingsKind::None);
/// ```
#[must_use]
pub fn no_settings() -> SettingsBuilder {
    SettingsBuilder(empty(SettingsKind::None))
}

fn empty(kind: SettingsKind) -> WitSettings {
    WitSettings {
        kind,
        id: 0,
        uid: String::new(),
        name: String::new(),
        url: String::new(),
        user: String::new(),
        database: String::new(),
        basic_auth: None,
        json: Vec::new(),
        secrets: Vec::new(),
        operator: Vec::new(),
        updated: super::START * 1000,
        api_version: String::new(),
    }
}

// === impl SettingsBuilder ===

impl SettingsBuilder {
    #[must_use]
    pub fn uid(mut self, uid: impl Into<String>) -> Self {
        self.0.uid = uid.into();
        self
    }

    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.0.name = name.into();
        self
    }

    #[must_use]
    pub fn user(mut self, user: impl Into<String>) -> Self {
        self.0.user = user.into();
        self
    }

    #[must_use]
    pub fn database(mut self, database: impl Into<String>) -> Self {
        self.0.database = database.into();
        self
    }

    #[must_use]
    pub fn api_version(mut self, version: impl Into<String>) -> Self {
        self.0.api_version = version.into();
        self
    }

    /// Switches HTTP basic authentication on.
    #[must_use]
    pub fn basic_auth(mut self, user: impl Into<String>) -> Self {
        self.0.basic_auth = Some(user.into());
        self
    }

    /// Sets `jsonData`.
    ///
    /// # Panics
    ///
    /// If it cannot be written as JSON.
    #[must_use]
    #[track_caller]
    #[expect(clippy::expect_used, reason = "it fails the test that is wrong")]
    pub fn json(mut self, json: &(impl Serialize + ?Sized)) -> Self {
        self.0.json = serde_json::to_vec(json).expect("jsonData can be written as JSON");
        self
    }

    /// Adds a key of `secureJsonData`. The plugin gets it if `plugin!` names it.
    #[must_use]
    pub fn secret(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.0.secrets.push(Secret { name: name.into(), value: value.into() });
        self
    }

    /// Adds what the operator has set under `[plugin.<id>]`.
    #[must_use]
    pub fn operator_setting(mut self, name: &str, value: impl Into<String>) -> Self {
        self.0.operator.push(OperatorSetting { name: name.to_ascii_lowercase(), value: value.into() });
        self
    }

    /// Keeps only these secrets, and returns the names of the others as well.
    pub(super) fn with_secrets(mut self, names: &[String]) -> (Self, Vec<String>) {
        let (kept, others): (Vec<_>, _) =
            self.0.secrets.into_iter().partition(|secret| names.contains(&secret.name));
        self.0.secrets = kept;
        (self, others.into_iter().map(|secret| secret.name).collect())
    }

    /// Returns how long the data source waits for an upstream: its `timeout` in whole seconds, where any but a positive number
    /// is no limit, as for the host.
    pub(super) fn patience(&self) -> Option<Duration> {
        #[derive(Default, Deserialize)]
        struct Timeouts {
            timeout: Option<serde_json::Value>,
        }

        let Timeouts { timeout } = serde_json::from_slice(&self.0.json).unwrap_or_default();
        let Some(timeout) = timeout else { return Some(PATIENCE) };
        let seconds = timeout.as_f64().map(f64::trunc).filter(|seconds| *seconds > 0.0)?;
        Duration::try_from_secs_f64(seconds).ok()
    }

    /// Returns them, with all secrets, for a plugin that the test opens itself.
    #[must_use]
    pub fn build(self) -> Settings {
        self.0.into()
    }
}

impl From<SettingsBuilder> for Settings {
    fn from(builder: SettingsBuilder) -> Self {
        builder.build()
    }
}

/// The settings as they are to be stored, with the names of their secrets.
impl From<SettingsBuilder> for Object {
    fn from(SettingsBuilder(settings): SettingsBuilder) -> Self {
        let WitSettings {
            kind,
            id,
            uid,
            name,
            url,
            user,
            database,
            basic_auth,
            json,
            secrets,
            operator: _,
            updated,
            api_version,
        } = settings;
        let mut secrets: Vec<_> = secrets.into_iter().map(|secret| secret.name).collect();
        secrets.sort_unstable();
        match kind {
            SettingsKind::App => wit::Object::App(wit::App { json, secrets, updated, api_version }),
            SettingsKind::DataSource | SettingsKind::None => wit::Object::DataSource(wit::DataSource {
                id,
                uid,
                name,
                url,
                user,
                database,
                basic_auth,
                json,
                secrets,
                updated,
                api_version,
            }),
        }
        .into()
    }
}

/// Without the values of secrets.
impl std::fmt::Debug for SettingsBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("SettingsBuilder").field(&Settings::from(self.0.clone())).finish()
    }
}
