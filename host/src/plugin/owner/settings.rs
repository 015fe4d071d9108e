//! The configuration of a data source or app: the part that the component sees, and the part that the host applies.

use std::collections::HashMap;

use super::secrets::without_userinfo;
use crate::call::{CallContext, DataSourceSettings, Subject};
use crate::capability::bindings::exports::gpx::plugin::outgoing::{Additions, Forwarding as WitForwarding};
use crate::capability::bindings::exports::gpx::plugin::plugin::{
    OperatorSetting, Secret, Settings, SettingsKind,
};
use crate::egress::{DataSourceFields, DataSourceHttp, Forwarding, SecretHeader, SigV4Fields, WantedHeaders};
use crate::plugin::platform::OperatorSettings;

/// Returns what the component's `open` receives. It includes only the secrets that the manifest names and the operator
/// does not deny.
pub(crate) fn settings(subject: &Subject, wanted: &[String], operator: &OperatorSettings) -> Settings {
    let (mut settings, secrets) = match subject {
        Subject::DataSource(source) => {
            let settings = Settings {
                id: source.id,
                uid: source.uid.clone(),
                name: source.name.clone(),
                url: without_userinfo(&source.url),
                user: source.user.clone(),
                database: source.database.clone(),
                basic_auth: source.basic_auth_enabled.then(|| source.basic_auth_user.clone()),
                json: source.json_data.to_vec(),
                updated: source.updated,
                api_version: source.api_version.clone(),
                ..empty(SettingsKind::DataSource)
            };
            (settings, Some(&source.secrets))
        }
        Subject::App(app) => {
            let settings = Settings {
                json: app.json_data.to_vec(),
                updated: app.updated,
                api_version: app.api_version.clone(),
                ..empty(SettingsKind::App)
            };
            (settings, Some(&app.secrets))
        }
        Subject::Plugin => (empty(SettingsKind::None), None),
    };
    let allowed = |name: &&String| !operator.deny_secrets.contains(name);
    let secret = |name: &String| Some(Secret { name: name.clone(), value: secrets?.get(name)?.clone() });
    settings.secrets = wanted.iter().filter(allowed).filter_map(secret).collect();
    let operator = operator.settings.iter();
    settings.operator =
        operator.map(|(name, value)| OperatorSetting { name: name.clone(), value: value.clone() }).collect();
    settings
}

/// Returns what the component wants in requests to a data source, without what the operator denies.
pub(crate) fn wanted_headers(additions: &Additions, operator: &OperatorSettings) -> WantedHeaders {
    let allowed =
        additions.secret_headers.iter().filter(|wanted| !operator.deny_secrets.contains(&wanted.secret));
    let secrets = allowed.map(|wanted| SecretHeader {
        secret: wanted.secret.clone(),
        header: wanted.header.clone(),
        value: wanted.value.clone(),
    });
    let forwarding = additions.forwarding.map(|forwarding| match forwarding {
        WitForwarding::Off => Forwarding::Off,
        WitForwarding::On => Forwarding::On,
        WitForwarding::OverBasicAuth => Forwarding::OverBasicAuth,
    });
    WantedHeaders { secrets: secrets.collect(), forwarding }
}

/// Returns what the host applies to requests to the data source.
pub(crate) fn http_settings(
    context: &CallContext,
    operator: &OperatorSettings,
    wanted: &WantedHeaders,
) -> DataSourceHttp {
    let none = DataSourceSettings::default();
    let source = context.data_source().unwrap_or(&none);
    let http = applied_of(source, &context.plugin_id, &context.grafana_config, operator, wanted);
    http.signed(SigV4Fields {
        json_data: &source.json_data,
        secrets: &source.secrets,
        grafana: &context.grafana_config,
        environment: &operator.aws,
    })
}

/// The same for a data source of this type.
pub(super) fn applied_of(
    source: &DataSourceSettings,
    plugin_type: &str,
    grafana_config: &HashMap<String, String>,
    operator: &OperatorSettings,
    wanted: &WantedHeaders,
) -> DataSourceHttp {
    DataSourceHttp::parse(DataSourceFields {
        url: &source.url,
        user: &source.user,
        basic_auth_enabled: source.basic_auth_enabled,
        basic_auth_user: &source.basic_auth_user,
        json_data: &source.json_data,
        secrets: &source.secrets,
        grafana_config,
        name: &source.name,
        uid: &source.uid,
        plugin_type,
        secure_socks: &operator.secure_socks,
        wanted,
    })
}

fn empty(kind: SettingsKind) -> Settings {
    Settings {
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
        updated: 0,
        api_version: String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_component_gets_the_secrets_that_it_names_and_may_have() {
        let secrets =
            ["apiToken", "basicAuthPassword", "denied"].map(|name| (name.to_owned(), format!("{name}!")));
        let source = DataSourceSettings { secrets: HashMap::from(secrets), ..Default::default() };
        let operator = OperatorSettings { deny_secrets: vec!["denied".to_owned()], ..Default::default() };
        let wanted = ["denied", "absent", "apiToken"].map(str::to_owned);
        let settings = settings(&Subject::DataSource(source), &wanted, &operator);
        let seen: Vec<_> =
            settings.secrets.iter().map(|secret| (secret.name.as_str(), secret.value.as_str())).collect();
        assert_eq!(seen, [("apiToken", "apiToken!")]);
    }
}
