//! What the previous version of the contract has otherwise than the current one, for components that were built for it.

use wasmtime::Result;

use self::gpx::plugin::call::{Host, PluginContext};
use super::bindings::gpx::plugin::call::Host as Current;
use super::bindings::gpx::plugin::types::{Header, User};
use super::call::CallView;
use crate::call::CallContext;

wasmtime::component::bindgen!({
    path: "../wit/previous",
    world: "previous",
    imports: { default: trappable },
    with: { "gpx:plugin/types": super::bindings::gpx::plugin::types },
    require_store_data_send: true,
});

impl Host for CallView<'_> {
    fn context(&mut self) -> Result<PluginContext> {
        Ok(match self.call {
            Some(call) => context(&call.context, Current::context(self)?.user),
            None => context(&CallContext::default(), None),
        })
    }

    fn headers(&mut self) -> Result<Vec<Header>> {
        Current::headers(self)
    }

    fn time_left(&mut self) -> Result<Option<u64>> {
        Current::time_left(self)
    }

    fn cancelled(&mut self) -> Result<bool> {
        Current::cancelled(self)
    }
}

fn context(context: &CallContext, user: Option<User>) -> PluginContext {
    let toggles = context.grafana_config.get("GF_INSTANCE_FEATURE_TOGGLES_ENABLE").map_or("", String::as_str);
    PluginContext {
        org_id: context.org_id,
        plugin_id: context.plugin_id.clone(),
        plugin_version: context.plugin_version.clone(),
        user,
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
    fn what_grafana_does_not_send_is_empty() {
        let context = context(&CallContext::default(), None);
        assert_eq!((context.plugin_version.as_str(), context.feature_toggles.len()), ("", 0));
        assert_eq!(grafana_version("Grafana/12.4.0 (linux; amd64)"), "12.4.0");
        assert_eq!(grafana_version("curl/8"), "");
    }
}
