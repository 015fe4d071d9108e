//! What a data source or app is configured with: the part that the component sees, and the part that the host applies.

use crate::bindings::exports::gpx::plugin::plugin::{OperatorSetting, Secret, Settings, SettingsKind};
use crate::egress;
use crate::proto::pluginv2::{DataSourceInstanceSettings, PluginContext};

/// What the operator set for the plugin in Grafana's configuration.
#[derive(Clone, Debug, Default)]
pub struct Operator {
    /// Keys that are not the host's own, lower case, and their values.
    pub settings: Vec<(String, String)>,
    /// Secrets that no component gets, whatever its manifest names.
    pub deny_secrets: Vec<String>,
}

/// What the component's `open` receives. Of the secrets, those that its manifest names and the operator does not deny.
pub fn settings(context: &PluginContext, wanted: &[String], operator: &Operator) -> Settings {
    let allowed = |name: &&String| !operator.deny_secrets.contains(name);
    let operator_settings = operator
        .settings
        .iter()
        .map(|(name, value)| OperatorSetting { name: name.clone(), value: value.clone() });
    let mut settings = Settings {
        kind: SettingsKind::None,
        id: 0,
        uid: String::new(),
        name: String::new(),
        url: String::new(),
        user: String::new(),
        database: String::new(),
        basic_auth: None,
        json: Vec::new(),
        secrets: Vec::new(),
        operator: operator_settings.collect(),
        updated: 0,
        api_version: String::new(),
    };
    let secrets = if let Some(source) = context.data_source_instance_settings.clone() {
        settings.kind = SettingsKind::DataSource;
        settings.id = source.id;
        settings.uid = source.uid;
        settings.name = source.name;
        settings.url = source.url;
        settings.user = source.user;
        settings.database = source.database;
        settings.basic_auth = source.basic_auth_enabled.then_some(source.basic_auth_user);
        settings.json = source.json_data.into();
        settings.updated = source.last_updated_ms;
        settings.api_version = source.api_version;
        source.decrypted_secure_json_data
    } else if let Some(app) = context.app_instance_settings.clone() {
        settings.kind = SettingsKind::App;
        settings.json = app.json_data.into();
        settings.updated = app.last_updated_ms;
        settings.api_version = app.api_version;
        app.decrypted_secure_json_data
    } else {
        return settings;
    };
    let secret = |name: &String| Some(Secret { name: name.clone(), value: secrets.get(name)?.clone() });
    settings.secrets = wanted.iter().filter(allowed).filter_map(secret).collect();
    settings
}

/// What the host applies to requests to the data source.
pub fn egress_settings(context: &PluginContext) -> egress::Settings {
    let none = DataSourceInstanceSettings::default();
    let source = context.data_source_instance_settings.as_ref().unwrap_or(&none);
    egress::Settings::parse(egress::Source {
        url: &source.url,
        user: &source.user,
        basic_auth_enabled: source.basic_auth_enabled,
        basic_auth_user: &source.basic_auth_user,
        json_data: &source.json_data,
        secrets: &source.decrypted_secure_json_data,
        name: &source.name,
        uid: &source.uid,
        plugin_type: &context.plugin_id,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn a_component_gets_the_secrets_that_it_names_and_may_have() {
        let secrets =
            ["apiToken", "basicAuthPassword", "denied"].map(|name| (name.to_owned(), format!("{name}!")));
        let source = DataSourceInstanceSettings {
            decrypted_secure_json_data: HashMap::from(secrets),
            ..Default::default()
        };
        let context = PluginContext { data_source_instance_settings: Some(source), ..Default::default() };
        let operator = Operator { deny_secrets: vec!["denied".to_owned()], ..Default::default() };
        let wanted = ["denied", "absent", "apiToken"].map(str::to_owned);
        let settings = settings(&context, &wanted, &operator);
        let seen: Vec<_> =
            settings.secrets.iter().map(|secret| (secret.name.as_str(), secret.value.as_str())).collect();
        assert_eq!(seen, [("apiToken", "apiToken!")]);
    }
}
