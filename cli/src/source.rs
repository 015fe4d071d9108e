//! The data source or app that a plugin is called for, and the operator's settings of the plugin.

use std::collections::HashMap;

use anyhow::{Context as _, Result, bail};
use gpx_client::environment::{self, Variables};
use gpx_client::proto::pluginv2::{AppInstanceSettings, DataSourceInstanceSettings, PluginContext, User};
use serde_json::{Map, Value};

use crate::folder::Folder;

/// As deep as JSON's reader goes.
const DEEPEST: usize = 100;

/// The data source's uid.
pub(crate) const UID: &str = "gpx";

#[derive(clap::Args)]
#[command(next_help_heading = "Data source or app")]
pub(crate) struct Source {
    /// The URL of the data source.
    #[arg(long, default_value = "", hide_default_value = true)]
    url: String,
    /// A key of the data source's or app's jsonData. VALUE is JSON, or else a text; dots in KEY lead into objects.
    #[arg(long = "json-data", value_name = "KEY=VALUE")]
    json_data: Vec<String>,
    /// A key of its secureJsonData. Without VALUE, the environment variable of that name has it, so that it is not in the
    /// shell's history.
    #[arg(long = "secret", value_name = "KEY[=VALUE]")]
    secrets: Vec<String>,
    /// The user for basic authentication; the password is `--secret basicAuthPassword`.
    #[arg(long = "basic-auth", value_name = "USER")]
    basic_auth: Option<String>,
    /// A key of the plugin's section in grafana.ini, `[plugin.<id>]`, such as `gpx_call_timeout=1m`.
    #[arg(long = "setting", value_name = "KEY=VALUE")]
    settings: Vec<String>,
}

// === impl Source ===

impl Source {
    /// Returns what each call says of who calls, and for what.
    pub(crate) fn context(&self, folder: &Folder, now: i64) -> Result<PluginContext> {
        let json_data = Value::Object(self.json_data()?).to_string();
        let secrets = self.secrets()?;
        let (mut source, mut app) = (None, None);
        if folder.is_app() {
            if !self.url.is_empty() || self.basic_auth.is_some() {
                bail!("{} is an app, which has no URL and no basic authentication of its own", folder.id);
            }
            app = Some(AppInstanceSettings {
                json_data: json_data.into(),
                decrypted_secure_json_data: secrets,
                last_updated_ms: now,
                api_version: String::new(),
            });
        } else {
            source = Some(DataSourceInstanceSettings {
                id: 1,
                uid: UID.to_owned(),
                name: folder.name.clone(),
                url: self.url.clone(),
                json_data: json_data.into(),
                decrypted_secure_json_data: secrets,
                basic_auth_enabled: self.basic_auth.is_some(),
                basic_auth_user: self.basic_auth.clone().unwrap_or_default(),
                last_updated_ms: now,
                ..Default::default()
            });
        }
        Ok(PluginContext {
            org_id: 1,
            plugin_id: folder.id.clone(),
            user: Some(User {
                login: "admin".to_owned(),
                name: "admin".to_owned(),
                email: "admin@localhost".to_owned(),
                role: "Admin".to_owned(),
            }),
            app_instance_settings: app,
            data_source_instance_settings: source,
            grafana_config: HashMap::from([("GF_APP_URL".to_owned(), "http://localhost:3000/".to_owned())]),
            plugin_version: folder.version.clone(),
            user_agent: "Grafana/13.1.0 (linux; amd64)".to_owned(),
            api_version: String::new(),
            namespace: "default".to_owned(),
        })
    }

    /// Returns the variables for the operator's settings.
    /// Sets what an operator would. What the user has set comes after it, and counts.
    pub(crate) fn set(&mut self, key: &str, value: &str) {
        self.settings.insert(0, format!("{key}={value}"));
    }

    pub(crate) fn variables(&self) -> Result<Variables> {
        let mut variables = Variables::new();
        for setting in &self.settings {
            let (key, value) = pair("--setting", setting)?;
            variables.insert(environment::setting(key), value.to_owned());
        }
        Ok(variables)
    }

    fn json_data(&self) -> Result<Map<String, Value>> {
        let mut data = Map::new();
        for entry in &self.json_data {
            let (key, text) = pair("--json-data", entry)?;
            if key.split('.').count() > DEEPEST {
                bail!("--json-data takes at most {DEEPEST} names with dots between");
            }
            let value = serde_json::from_str(text).unwrap_or_else(|_| text.into());
            put(&mut data, key, value).with_context(|| format!("--json-data {key}"))?;
        }
        Ok(data)
    }

    /// No message has a part of one.
    fn secrets(&self) -> Result<HashMap<String, String>> {
        let secret = |(index, entry): (usize, &String)| match entry.split_once('=') {
            Some(("", _)) => bail!("--secret number {} has no key before `=`", index + 1),
            Some((key, value)) => Ok((key.to_owned(), value.to_owned())),
            None => match std::env::var_os(entry).map(std::ffi::OsString::into_string) {
                Some(Ok(value)) => Ok((entry.clone(), value)),
                _ => bail!(
                    "--secret number {} has no `=`, and no environment variable of that name is a text",
                    index + 1
                ),
            },
        };
        self.secrets.iter().enumerate().map(secret).collect()
    }
}

fn pair<'a>(option: &str, text: &'a str) -> Result<(&'a str, &'a str)> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key, value)),
        // Without the text, which may be a secret.
        _ => bail!("{option} takes KEY=VALUE"),
    }
}

fn put(data: &mut Map<String, Value>, path: &str, value: Value) -> Result<()> {
    match path.split_once('.') {
        None => drop(data.insert(path.to_owned(), value)),
        Some((first, rest)) => match data.entry(first).or_insert_with(|| Map::new().into()) {
            Value::Object(inner) => put(inner, rest, value)?,
            _ => bail!("{first} is no object"),
        },
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn dots_lead_into_objects() {
        let mut data = Map::new();
        for (key, value) in [
            ("tls.skip", json!(true)),
            ("tls.name", json!("a.b")),
            ("tls", json!({ "x": 1 })),
            ("tls.y", json!(2)),
        ] {
            put(&mut data, key, value).unwrap();
        }
        assert_eq!(Value::Object(data.clone()), json!({ "tls": { "x": 1, "y": 2 } }));
        assert!(put(&mut data, "tls.x.z", json!(1)).is_err());
    }
}
