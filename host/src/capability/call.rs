//! `gpx:plugin/call`: what a component may know about the call that it answers.

use wasmtime::Result;
use wasmtime::component::HasData;

use super::bindings::gpx::plugin::call::{Host, PluginContext};
use super::bindings::gpx::plugin::types::{self, Header, User};
use crate::call::{Call, CallContext, CallHeaders};

/// The part of a store that this interface works on.
pub(crate) struct CallView<'a> {
    /// `None` while the component describes itself.
    pub call: Option<&'a Call>,
}

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

fn plugin_context(context: &CallContext) -> PluginContext {
    let toggles = context.grafana_config.get("GF_INSTANCE_FEATURE_TOGGLES_ENABLE").map_or("", String::as_str);
    PluginContext {
        org_id: context.org_id,
        plugin_id: context.plugin_id.clone(),
        plugin_version: context.plugin_version.clone(),
        user: context.user.as_ref().map(|user| User {
            login: user.login.clone(),
            name: user.name.clone(),
            email: user.email.clone(),
            role: user.role.clone(),
        }),
        api_version: context.api_version.clone(),
        namespace: context.namespace.clone(),
        grafana_version: grafana_version(&context.user_agent).to_owned(),
        feature_toggles: toggles.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect(),
    }
}

/// Returns the version in, for example, `Grafana/12.4.0 (linux; amd64)`. Empty if there is none.
fn grafana_version(user_agent: &str) -> &str {
    user_agent.strip_prefix("Grafana/").and_then(|rest| rest.split(' ').next()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grafanas_version_is_in_the_user_agent() {
        assert_eq!(grafana_version("Grafana/12.4.0 (linux; amd64)"), "12.4.0");
        assert_eq!(grafana_version("curl/8"), "");
    }
}
