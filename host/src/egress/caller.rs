//! What a request inherits from the call that it is sent in.

use std::sync::Arc;

use super::identity::PassedOn;
use super::redirects::Redirects;
use crate::budget::Priority;

/// Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Caller {
    pub(crate) priority: Priority,
    /// The call's kind as metrics name it.
    pub(crate) endpoint: &'static str,
    /// Of requests that name no other.
    pub(crate) user_agent: Arc<str>,
    /// Those of the call that have not been followed yet.
    pub(crate) redirects: Redirects,
    /// The headers of the call that its requests may have.
    pub(crate) passed_on: PassedOn,
}

/// Returns the `User-Agent` of a plugin as the Go SDK makes it: Grafana's, if it has the form that Grafana gives it, with the
/// plugin and its version.
pub(crate) fn user_agent(grafana: &str, plugin: &str, version: &str) -> String {
    let grafana = if is_grafanas(grafana) { grafana } else { "Grafana" };
    format!("{grafana} {plugin}/{version}")
}

/// Whether it is like `Grafana/12.4.0-pre (linux; amd64)`.
fn is_grafanas(agent: &str) -> bool {
    let parts = || {
        let (version, system) = agent.strip_prefix("Grafana/")?.split_once(" (")?;
        Some((version, system.strip_suffix(')')?.split_once("; ")?))
    };
    let is_word = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    parts().is_some_and(|(version, (os, arch))| is_version(version) && is_word(os) && is_word(arch))
}

/// Three numbers, and then whatever is not blank.
fn is_version(text: &str) -> bool {
    let mut parts = text.splitn(3, '.');
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    parts.next().is_some_and(is_number)
        && parts.next().is_some_and(is_number)
        && parts.next().is_some_and(|rest| {
            rest.starts_with(|first: char| first.is_ascii_digit()) && !rest.contains(char::is_whitespace)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_agent_is_that_of_the_go_sdk() {
        for agent in [
            "Grafana/13.2.0 (linux; amd64)",
            "Grafana/7.0.0-beta1 (darwin; amd64)",
            "Grafana/10.0.0+security-01 (windows; x86)",
        ] {
            assert_eq!(user_agent(agent, "my-plugin", "1.2.3"), format!("{agent} my-plugin/1.2.3"));
        }
        for agent in [
            "",
            "Grafana/12.4.0",
            "Grafana/12.4 (linux; amd64)",
            "Grafana/12.4.x (linux; amd64)",
            "Grafana/12.4.0 (linux;amd64)",
            "Grafana/12.4.0 (li nux; amd64)",
            "Grafana/12.4.0 (linux; amd64) ",
            "curl/8.0.0 (linux; amd64)",
        ] {
            assert_eq!(user_agent(agent, "my-plugin", ""), "Grafana my-plugin/", "{agent}");
        }
    }
}
