//! Settings of a data source or an app, made by hand.

use serde::Serialize;

use crate::Settings;
use crate::bindings::base::exports::gpx::plugin::plugin::{
    OperatorSetting, Secret, Settings as WitSettings, SettingsKind,
};

/// Settings that are being made: see [`data_source`] and [`app`].
#[derive(Clone)]
pub struct SettingsBuilder(WitSettings);

/// Settings of a data source with that URL. Its name and its uid are `test`.
#[must_use]
pub fn data_source(url: impl Into<String>) -> SettingsBuilder {
    let (uid, name) = ("test".to_owned(), "test".to_owned());
    SettingsBuilder(WitSettings { url: url.into(), uid, name, id: 1, ..empty(SettingsKind::DataSource) })
}

/// Settings of an app.
#[must_use]
pub fn app() -> SettingsBuilder {
    SettingsBuilder(empty(SettingsKind::App))
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
    #[expect(clippy::expect_used, reason = "it fails the test that is wrong")]
    pub fn json(mut self, json: &impl Serialize) -> Self {
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

/// Without the values of secrets.
impl std::fmt::Debug for SettingsBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("SettingsBuilder").field(&Settings::from(self.0.clone())).finish()
    }
}
