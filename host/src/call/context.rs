//! Who calls, for which data source or app, and what Grafana says about it. These are plain Rust types, neither
//! protobuf messages nor types of the WIT contract.

use std::collections::HashMap;
use std::fmt;

use bytes::Bytes;

use super::forwarded::ForwardedHeaders;
use super::headers::CallHeaders;
use super::log_params::LogParams;

/// Everything in a call except the request itself.
#[derive(Clone, Default)]
pub(crate) struct CallContext {
    /// Grafana Cloud's tenant. Empty elsewhere.
    pub tenant: String,
    /// The namespace of the Grafana organization, such as `stacks-1`. Empty before Grafana 11.
    pub namespace: String,
    pub org_id: i64,
    pub plugin_id: String,
    pub plugin_version: String,
    pub api_version: String,
    /// Such as `Grafana/12.4.0 (linux; amd64)`.
    pub user_agent: String,
    /// `None` when Grafana calls on its own behalf.
    pub user: Option<User>,
    /// Grafana's own configuration, such as feature toggles and limits.
    pub grafana_config: HashMap<String, String>,
    pub subject: Subject,
    pub headers: CallHeaders,
    /// What the caller wants on each line of the call's log.
    pub log_params: LogParams,
    /// What may be sent to the data source and is not shown to the component.
    pub forwarded: ForwardedHeaders,
    /// Whether the caller asks for what the call exchanges with upstreams.
    pub wants_capture: bool,
}

/// What a call is for.
#[derive(Clone, Debug, Default)]
pub(crate) enum Subject {
    DataSource(DataSourceSettings),
    App(AppSettings),
    /// The plugin itself.
    #[default]
    Plugin,
}

/// The settings of a data source.
#[derive(Clone, Default)]
pub(crate) struct DataSourceSettings {
    /// Deprecated by Grafana, and 0 for all data sources in some of its versions.
    pub id: i64,
    pub uid: String,
    pub name: String,
    pub url: String,
    pub user: String,
    pub database: String,
    pub basic_auth_enabled: bool,
    pub basic_auth_user: String,
    /// A JSON object.
    pub json_data: Bytes,
    pub secrets: HashMap<String, String>,
    /// Unix time in milliseconds.
    pub updated: i64,
    pub api_version: String,
}

/// The settings of an app.
#[derive(Clone, Default)]
pub(crate) struct AppSettings {
    /// A JSON object.
    pub json_data: Bytes,
    pub secrets: HashMap<String, String>,
    /// Unix time in milliseconds.
    pub updated: i64,
    pub api_version: String,
}

/// The names of secrets or settings, as `Debug` shows them.
struct Names<'s>(&'s HashMap<String, String>);

/// A user of Grafana.
#[derive(Clone, Debug, Default)]
pub(crate) struct User {
    pub login: String,
    pub name: String,
    pub email: String,
    pub role: String,
}

// === impl CallContext ===

impl CallContext {
    /// Returns the data source, if the call is for one.
    pub(crate) fn data_source(&self) -> Option<&DataSourceSettings> {
        match &self.subject {
            Subject::DataSource(settings) => Some(settings),
            Subject::App(_) | Subject::Plugin => None,
        }
    }

    /// Returns what tells one data source or app from another: tenant, namespace, organisation, plugin and uid.
    pub(crate) fn owner(&self) -> (&str, &str, i64, &str, &str) {
        let uid = self.data_source().map_or("", |settings| settings.uid.as_str());
        (&self.tenant, &self.namespace, self.org_id, &self.plugin_id, uid)
    }
}

/// Without what may contain a secret, such as the values of Grafana's configuration, and without what is about a person.
impl fmt::Debug for CallContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallContext")
            .field("tenant", &self.tenant)
            .field("namespace", &self.namespace)
            .field("org_id", &self.org_id)
            .field("plugin_id", &self.plugin_id)
            .field("plugin_version", &self.plugin_version)
            .field("grafana_config", &Names(&self.grafana_config))
            .field("subject", &self.subject)
            .finish_non_exhaustive()
    }
}

// === impl Subject ===

impl Subject {
    /// Returns when the settings were last changed, as Unix time in milliseconds.
    pub(crate) fn updated(&self) -> i64 {
        match self {
            Self::DataSource(settings) => settings.updated,
            Self::App(settings) => settings.updated,
            Self::Plugin => 0,
        }
    }
}

// === impl DataSourceSettings ===

/// Without secrets, and without what may contain one: the URL can have a password, and JSON anything.
impl fmt::Debug for DataSourceSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataSourceSettings")
            .field("id", &self.id)
            .field("uid", &self.uid)
            .field("name", &self.name)
            .field("secrets", &Names(&self.secrets))
            .field("updated", &self.updated)
            .finish_non_exhaustive()
    }
}

// === impl AppSettings ===

/// As that of a data source.
impl fmt::Debug for AppSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppSettings")
            .field("secrets", &Names(&self.secrets))
            .field("updated", &self.updated)
            .finish_non_exhaustive()
    }
}

// === impl Names ===

impl fmt::Debug for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_secret() {
        let secrets = HashMap::from([("apiToken".to_owned(), "geheim".to_owned())]);
        let source = DataSourceSettings {
            uid: "prices".to_owned(),
            url: "http://ada:geheim@a.example".to_owned(),
            json_data: Bytes::from_static(b"{\"token\":\"geheim\"}"),
            secrets: secrets.clone(),
            ..Default::default()
        };
        let app = AppSettings { json_data: source.json_data.clone(), secrets, ..Default::default() };
        for subject in [Subject::DataSource(source), Subject::App(app)] {
            let grafana_config = HashMap::from([("GF_KEY".to_owned(), "geheim".to_owned())]);
            let headers = CallHeaders::new([("X-Rule-Name".to_owned(), "geheim".to_owned())]);
            let context = CallContext { subject, grafana_config, headers, ..Default::default() };
            let shown = format!("{context:?}");
            assert!(shown.contains("apiToken") && shown.contains("GF_KEY"), "{shown}");
            assert!(!shown.contains("geheim"), "{shown}");
        }
    }
}
