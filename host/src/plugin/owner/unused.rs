//! What somebody has set for a data source or app and nobody uses: one line for each version of its settings says so.

use std::collections::HashMap;

use crate::call::Subject;
use crate::egress::DataSourceHttp;
use crate::log::{Log, Value};
use crate::plugin::component::LoadedComponent;
use crate::plugin::platform::OperatorSettings;
use crate::text::{MAX_LISTED, listed};

/// The secrets that the host applies, if the rest of the settings asks for them.
const HOSTS: [&str; 9] = [
    "basicAuthPassword",
    "password",
    "secureSocksProxyPassword",
    "sigV4AccessKey",
    "sigV4SecretKey",
    "sigV4SessionToken",
    "tlsCACert",
    "tlsClientCert",
    "tlsClientKey",
];

/// The beginning of the names of more of these.
const HOSTS_HEADER: &str = "httpHeaderValue";

/// Writes a line for secrets that the component does not get because its manifest does not name them, and one for
/// settings that the host does not follow.
pub(crate) fn report(
    subject: &Subject,
    http: &DataSourceHttp,
    component: &LoadedComponent,
    operator: &OperatorSettings,
    log: &Log,
) {
    let (kind, secrets) = match subject {
        Subject::DataSource(source) => ("data source", &source.secrets),
        Subject::App(app) => ("app", &app.secrets),
        Subject::Plugin => return,
    };
    let placed = component.additions.secret_headers.iter().map(|placed| &placed.secret);
    let wanted: Vec<_> = component.manifest.secrets.iter().chain(placed).collect();
    let undeclared = undeclared(secrets, &wanted, operator);
    if !undeclared.is_empty() {
        let message = format!(
            "The component does not get secrets that its manifest does not name: {}; name them in the manifest (with \
             gpx-sdk: `secrets` of plugin!), or remove them from the {kind}",
            undeclared.join(", ")
        );
        log.warn(&message, &[("secrets", Value::from(undeclared))]);
    }
    let ignored = &http.ignored;
    if !ignored.is_empty() {
        let message =
            format!("Settings of the {kind} have no effect on HTTP requests: {}", ignored.join("; "));
        log.warn(&message, &[]);
    }
}

fn undeclared(
    secrets: &HashMap<String, String>,
    wanted: &[&String],
    operator: &OperatorSettings,
) -> Vec<String> {
    let is_hosts = |name: &str| HOSTS.contains(&name) || name.starts_with(HOSTS_HEADER);
    let is_known = |name: &String| wanted.contains(&name) || operator.deny_secrets.contains(name);
    let sent = secrets.iter().filter(|(_, value)| !value.is_empty()).map(|(name, _)| name);
    let mut names: Vec<_> = sent.filter(|name| !is_hosts(name) && !is_known(name)).collect();
    names.sort_unstable();
    names.into_iter().take(MAX_LISTED).map(|name| listed(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_secret_that_nobody_uses_is_named() {
        let names = ["apiToken", "forgotten", "httpHeaderValue7", "tlsClientKey", "denied", "also forgotten"];
        let mut secrets: HashMap<_, _> =
            names.iter().map(|name| ((*name).to_owned(), "hunter2".to_owned())).collect();
        secrets.insert("empty".to_owned(), String::new());
        let operator = OperatorSettings { deny_secrets: vec!["denied".to_owned()], ..Default::default() };
        let undeclared = undeclared(&secrets, &[&"apiToken".to_owned()], &operator);
        assert_eq!(undeclared, ["also forgotten", "forgotten"]);
    }
}
