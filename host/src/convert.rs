//! The only place where Grafana's messages and the contract's types meet.

mod data;
mod resource;
mod settings;

use std::collections::HashMap;

use crate::bindings::exports::gpx::plugin::diagnostics::{Health, HealthStatus};
use crate::bindings::gpx::plugin::call;
use crate::bindings::gpx::plugin::types::{Header, User};
use crate::proto::pluginv2;

pub use data::{concurrent_queries, data_response, query, ref_ids};
pub use resource::{piece, resource_headers, resource_request};
pub use settings::{Operator, egress_settings, settings};

/// Headers that prove who the user is. The host may pass them on to the data source; a component has no use for them
/// but to leak them.
const IDENTITY: [&str; 5] = ["authorization", "cookie", "proxy-authorization", "x-grafana-id", "x-id-token"];

/// What `gpx:plugin/call` says while no call runs.
pub fn no_context() -> call::PluginContext {
    plugin_context(&pluginv2::PluginContext::default())
}

pub fn plugin_context(context: &pluginv2::PluginContext) -> call::PluginContext {
    let pluginv2::PluginContext {
        org_id,
        plugin_id,
        user,
        app_instance_settings: _,
        data_source_instance_settings: _,
        grafana_config,
        plugin_version,
        user_agent,
        api_version,
        namespace,
    } = context;
    let toggles = grafana_config.get("GF_INSTANCE_FEATURE_TOGGLES_ENABLE").map_or("", String::as_str);
    call::PluginContext {
        org_id: *org_id,
        plugin_id: plugin_id.clone(),
        plugin_version: plugin_version.clone(),
        user: user.as_ref().map(self::user),
        api_version: api_version.clone(),
        namespace: namespace.clone(),
        grafana_version: grafana_version(user_agent).to_owned(),
        feature_toggles: toggles.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect(),
    }
}

/// The headers of a call as HTTP knows them: Grafana marks most of them with a prefix.
pub fn call_headers(headers: HashMap<String, String>) -> Vec<(String, String)> {
    let name = |name: String| name.strip_prefix("http_").map(str::to_owned).unwrap_or(name);
    let mut headers: Vec<_> = headers.into_iter().map(|(key, value)| (name(key), value)).collect();
    headers.sort_unstable();
    headers
}

/// The headers that a component may see.
pub fn headers(headers: &[(String, String)]) -> Vec<Header> {
    let header = |(name, value): &(String, String)| Header { name: name.clone(), value: value.clone() };
    headers.iter().filter(|(name, _)| !is_identity(name)).map(header).collect()
}

pub fn health(health: Health) -> pluginv2::CheckHealthResponse {
    use pluginv2::check_health_response::HealthStatus as Status;
    let status = match health.status {
        HealthStatus::Unknown => Status::Unknown,
        HealthStatus::Ok => Status::Ok,
        HealthStatus::Error => Status::Error,
    };
    pluginv2::CheckHealthResponse {
        status: status.into(),
        message: health.message,
        json_details: health.details.unwrap_or_default().into(),
    }
}

fn is_identity(name: &str) -> bool {
    IDENTITY.iter().any(|identity| identity.eq_ignore_ascii_case(name))
}

fn user(user: &pluginv2::User) -> User {
    let pluginv2::User { login, name, email, role } = user.clone();
    User { login, name, email, role }
}

/// From `Grafana/12.4.0 (linux; amd64)`.
fn grafana_version(user_agent: &str) -> &str {
    user_agent.strip_prefix("Grafana/").and_then(|rest| rest.split(' ').next()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_component_sees_headers_by_their_own_names_and_no_identity() {
        let sent = [
            ("http_X-Dashboard-Uid", "d"),
            ("FromAlert", "true"),
            ("Authorization", "Bearer x"),
            ("http_COOKIE", "c"),
        ];
        let sent = sent.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let seen = headers(&call_headers(HashMap::from(sent)));
        let seen: Vec<_> = seen.iter().map(|header| (header.name.as_str(), header.value.as_str())).collect();
        assert_eq!(seen, [("FromAlert", "true"), ("X-Dashboard-Uid", "d")]);
    }

    #[test]
    fn grafana_says_its_version_in_the_user_agent() {
        assert_eq!(grafana_version("Grafana/12.4.0 (linux; amd64)"), "12.4.0");
        assert_eq!(grafana_version("curl/8"), "");
    }
}
