//! The data source or app that calls are made for, with the user and Grafana's configuration.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::proto::pluginv2::{AppInstanceSettings, DataSourceInstanceSettings, PluginContext, User};

#[derive(Clone, Debug)]
pub struct DataSource {
    pub settings: DataSourceInstanceSettings,
    pub org: i64,
    pub namespace: String,
    pub user: Option<User>,
    pub plugin: String,
    pub plugin_version: String,
    pub grafana: HashMap<String, String>,
}

/// An app instead of a data source.
#[derive(Clone, Debug, Default)]
pub struct App(pub AppInstanceSettings);

// === impl DataSource ===

impl DataSource {
    /// Returns a data source with that URL, and with a unique id and uid.
    pub fn new(url: &str) -> Self {
        static NEXT: AtomicI64 = AtomicI64::new(1);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        Self {
            settings: DataSourceInstanceSettings {
                id,
                name: format!("Test {id}"),
                url: url.to_owned(),
                uid: format!("uid{id}"),
                json_data: "{}".into(),
                last_updated_ms: super::FROM,
                ..Default::default()
            },
            org: 1,
            namespace: "default".to_owned(),
            user: Some(User {
                login: "ada".to_owned(),
                name: "Ada Lovelace".to_owned(),
                email: "ada@example.com".to_owned(),
                role: "Editor".to_owned(),
            }),
            plugin: "gpx-test-datasource".to_owned(),
            plugin_version: "1.2.3".to_owned(),
            grafana: HashMap::new(),
        }
    }

    pub fn json(mut self, json: serde_json::Value) -> Self {
        self.settings.json_data = json.to_string().into();
        self
    }

    pub fn secret(mut self, name: &str, value: &str) -> Self {
        self.settings.decrypted_secure_json_data.insert(name.to_owned(), value.to_owned());
        self
    }

    pub fn basic_auth(mut self, user: &str, password: &str) -> Self {
        self.settings.basic_auth_enabled = true;
        self.settings.basic_auth_user = user.to_owned();
        self.secret("basicAuthPassword", password)
    }

    /// Returns the same data source after someone clicked "Save & test".
    pub fn updated(mut self) -> Self {
        self.settings.last_updated_ms += 1000;
        self
    }

    pub fn org(mut self, org: i64) -> Self {
        self.org = org;
        self
    }

    pub fn namespace(mut self, namespace: &str) -> Self {
        self.namespace = namespace.to_owned();
        self
    }

    pub fn plugin(mut self, id: &str) -> Self {
        self.plugin = id.to_owned();
        self
    }

    /// Sets an entry of the configuration that Grafana sends with each request.
    pub fn grafana(mut self, key: &str, value: &str) -> Self {
        self.grafana.insert(key.to_owned(), value.to_owned());
        self
    }
}

impl From<&DataSource> for PluginContext {
    fn from(source: &DataSource) -> Self {
        Self {
            org_id: source.org,
            plugin_id: source.plugin.clone(),
            user: source.user.clone(),
            app_instance_settings: None,
            data_source_instance_settings: Some(source.settings.clone()),
            grafana_config: source.grafana.clone(),
            plugin_version: source.plugin_version.clone(),
            user_agent: "Grafana/13.1.0 (linux; amd64)".to_owned(),
            api_version: String::new(),
            namespace: source.namespace.clone(),
        }
    }
}

// === impl App ===

impl App {
    pub fn json(mut self, json: serde_json::Value) -> Self {
        self.0.json_data = json.to_string().into();
        self
    }

    pub fn secret(mut self, name: &str, value: &str) -> Self {
        self.0.decrypted_secure_json_data.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Returns the same app after someone saved its settings.
    pub fn updated(mut self) -> Self {
        self.0.last_updated_ms += 1000;
        self
    }
}

impl From<&App> for PluginContext {
    fn from(app: &App) -> Self {
        Self {
            app_instance_settings: Some(app.0.clone()),
            data_source_instance_settings: None,
            ..Self::from(&DataSource::new(""))
        }
    }
}
