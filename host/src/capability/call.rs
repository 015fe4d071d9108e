//! `gpx:plugin/call`: what a component may know about the call that it answers.

use std::collections::HashMap;

use wasmtime::Result;
use wasmtime::component::HasData;

use super::bindings::gpx::plugin::call::{ConfigEntry, Grafana, Host, PluginContext};
use super::bindings::gpx::plugin::types::{self, Header, User};
use crate::call::{Call, CallContext, CallHeaders};

/// The part of a store that this interface works on.
pub(crate) struct CallView<'a> {
    /// `None` while the component describes itself.
    pub call: Option<&'a Call>,
}

const FEATURE_TOGGLES: &str = "GF_INSTANCE_FEATURE_TOGGLES_ENABLE";

/// The keys of Grafana's configuration that a component sees.
const CONFIG: [&str; 14] = [
    "GF_APP_URL",
    "GF_CONCURRENT_QUERY_COUNT",
    FEATURE_TOGGLES,
    "GF_INSTANCE_OPENFEATURE_CACHE_TTL",
    "GF_INSTANCE_OPENFEATURE_CONTEXT",
    "GF_INSTANCE_OPENFEATURE_PROVIDER_TYPE",
    "GF_INSTANCE_OPENFEATURE_PROVIDER_URL",
    "GF_LIVE_CLIENT_QUEUE_MAX_SIZE",
    "GF_RESPONSE_LIMIT",
    "GF_SQL_MAX_CONN_LIFETIME_SECONDS_DEFAULT",
    "GF_SQL_MAX_IDLE_CONNS_DEFAULT",
    "GF_SQL_MAX_OPEN_CONNS_DEFAULT",
    "GF_SQL_ROW_LIMIT",
    "GF_USER_FACING_DEFAULT_ERROR",
];

/// Names [`CallView`] for the linker.
pub(crate) struct HasCall;

impl HasData for HasCall {
    type Data<'a> = CallView<'a>;
}

impl types::Host for CallView<'_> {}

impl Host for CallView<'_> {
    fn context(&mut self) -> Result<PluginContext> {
        Ok(self
            .call
            .map_or_else(|| plugin_context(&CallContext::default()), |call| plugin_context(&call.context)))
    }

    fn config(&mut self) -> Result<Vec<ConfigEntry>> {
        Ok(self.call.map_or_else(Vec::new, |call| config(&call.context.grafana_config)))
    }

    fn headers(&mut self) -> Result<Vec<Header>> {
        Ok(self.call.map_or_else(Vec::new, |call| headers(&call.context.headers)))
    }

    fn time_left(&mut self) -> Result<Option<u64>> {
        let end = self.call.and_then(|call| call.deadline.end());
        let left = end.map(|end| end.saturating_duration_since(tokio::time::Instant::now()));
        Ok(left.map(|left| u64::try_from(left.as_nanos()).unwrap_or(u64::MAX)))
    }

    fn cancelled(&mut self) -> Result<bool> {
        Ok(self.call.is_some_and(Call::caller_is_gone))
    }
}

/// Returns the headers of a call as the contract has them.
pub(crate) fn headers(headers: &CallHeaders) -> Vec<Header> {
    let header = |(name, value): (&str, &str)| Header { name: name.to_owned(), value: value.to_owned() };
    headers.iter().map(header).collect()
}

/// Returns what a component may know of Grafana's configuration. Keys are on a list, since others are for the host and some
/// bear credentials, such as the keys of the SOCKS proxy.
fn config(all: &HashMap<String, String>) -> Vec<ConfigEntry> {
    let entry = |key: &&str| Some(ConfigEntry { key: (*key).to_owned(), value: all.get(*key)?.clone() });
    CONFIG.iter().filter_map(entry).collect()
}

fn plugin_context(context: &CallContext) -> PluginContext {
    let toggles = context.grafana_config.get(FEATURE_TOGGLES).map_or("", String::as_str);
    let sent = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    PluginContext {
        org_id: context.org_id,
        plugin_id: context.plugin_id.clone(),
        plugin_version: sent(&context.plugin_version),
        user: context.user.as_ref().map(|user| User {
            login: user.login.clone(),
            name: user.name.clone(),
            email: user.email.clone(),
            role: user.role.clone(),
        }),
        api_version: sent(&context.api_version),
        namespace: sent(&context.namespace),
        grafana: grafana(&context.user_agent),
        feature_toggles: toggles.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect(),
    }
}

/// Reads, for example, `Grafana/12.4.0 (linux; amd64)`, as the Go SDK's `useragent` does.
fn grafana(user_agent: &str) -> Option<Grafana> {
    let (version, rest) = user_agent.strip_prefix("Grafana/")?.split_once(" (")?;
    let (os, arch) = rest.strip_suffix(')')?.split_once("; ")?;
    let mut numbers = version.splitn(3, '.');
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_version = is_number(numbers.next()?)
        && is_number(numbers.next()?)
        && numbers.next()?.starts_with(|first: char| first.is_ascii_digit())
        && !version.contains(char::is_whitespace);
    let is_word = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let text = str::to_owned;
    (is_version && is_word(os) && is_word(arch)).then(|| Grafana { version: text(version), os: text(os), arch: text(arch) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grafana_is_in_the_user_agent() {
        for (text, version) in [
            ("Grafana/12.4.0 (linux; amd64)", Some("12.4.0")),
            ("Grafana/7.0.0-beta1 (darwin; amd64)", Some("7.0.0-beta1")),
            ("Grafana/13.2.0-1234pre+security-01 (windows; x86)", Some("13.2.0-1234pre+security-01")),
            ("Grafana/12.4 (linux; amd64)", None),
            ("Grafana/12.4.x (linux; amd64)", None),
            ("Grafana/12.4.0 (linux)", None),
            ("Grafana/12.4.0 (linux; amd64) more", None),
            ("Grafana/12.4.0", None),
            ("curl/8", None),
            ("", None),
        ] {
            assert_eq!(grafana(text).map(|grafana| grafana.version).as_deref(), version, "{text}");
        }
        let found = grafana("Grafana/10.0.0 (windows; x86)").unwrap();
        assert_eq!((found.os.as_str(), found.arch.as_str()), ("windows", "x86"));
    }

    #[test]
    fn a_component_sees_only_what_is_on_the_list() {
        let all = ["GF_RESPONSE_LIMIT", "GF_SECURE_SOCKS_DATASOURCE_PROXY_CLIENT_KEY_VAL", "GF_PLUGIN_APP_CLIENT_SECRET"];
        let all = all.map(|key| (key.to_owned(), "1".to_owned())).into();
        let seen: Vec<_> = config(&all).into_iter().map(|entry| entry.key).collect();
        assert_eq!(seen, ["GF_RESPONSE_LIMIT"]);
    }
}
