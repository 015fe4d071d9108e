//! The configuration of the data source (or app).

use std::fmt;

use serde::de::DeserializeOwned;

use crate::bindings::base::exports::gpx::plugin::plugin as wit;
use crate::{Fault, Result, json};

pub use wit::SettingsKind;

/// The settings of the data source (or app) that an instance is created for. Its `Debug` shows no secret.
#[derive(Clone)]
pub struct Settings(wit::Settings);

// === impl Settings ===

impl Settings {
    pub fn kind(&self) -> SettingsKind {
        self.0.kind
    }

    /// Empty for an app, as are the name and everything else that only a data source has.
    pub fn uid(&self) -> &str {
        &self.0.uid
    }

    pub fn name(&self) -> &str {
        &self.0.name
    }

    pub fn url(&self) -> &str {
        &self.0.url
    }

    pub fn user(&self) -> &str {
        &self.0.user
    }

    pub fn database(&self) -> &str {
        &self.0.database
    }

    /// The user of HTTP basic authentication, if it is on. The host applies it to requests to the data source.
    pub fn basic_auth(&self) -> Option<&str> {
        self.0.basic_auth.as_deref()
    }

    /// When the settings were last changed: milliseconds since 1970-01-01T00:00:00Z.
    pub fn updated(&self) -> i64 {
        self.0.updated
    }

    /// Grafana's numeric id, which Grafana has deprecated. 0 for an app.
    pub fn id(&self) -> i64 {
        self.0.id
    }

    pub fn api_version(&self) -> &str {
        &self.0.api_version
    }

    /// The `jsonData` of the data source (or app) as a type of your own. If there is none, `{}` is read.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        let json = if self.0.json.is_empty() { b"{}" } else { &*self.0.json };
        json::from_slice(json).map_err(|err| match self.0.kind {
            SettingsKind::App => Fault::plugin(format_args!("jsonData of the app: {err}")),
            _ => Fault::plugin(format_args!("jsonData of data source `{}`: {err}", self.0.name)),
        })
    }

    /// The value of a key of `secureJsonData`. It is there if `plugin!` names the key among its `secrets`, the data
    /// source has it, and the operator did not deny it.
    pub fn secret(&self, name: &str) -> Option<&str> {
        self.0.secrets.iter().find(|secret| secret.name == name).map(|secret| secret.value.as_str())
    }

    /// The names of the secrets that are there.
    pub fn secret_names(&self) -> impl Iterator<Item = &str> {
        self.0.secrets.iter().map(|secret| secret.name.as_str())
    }

    /// The value of a key that the operator set for this plugin in Grafana's configuration, ignoring case.
    pub fn operator_setting(&self, name: &str) -> Option<&str> {
        self.operator_settings().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// Everything that the operator set for this plugin: names in lower case, with their values.
    pub fn operator_settings(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.operator.iter().map(|setting| (setting.name.as_str(), setting.value.as_str()))
    }
}

impl From<wit::Settings> for Settings {
    fn from(settings: wit::Settings) -> Self {
        Self(settings)
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("kind", &self.0.kind)
            .field("uid", &self.0.uid)
            .field("name", &self.0.name)
            .field("json", &String::from_utf8_lossy(&self.0.json))
            .field("secrets", &self.secret_names().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}
