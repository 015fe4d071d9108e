//! `gpx:plugin/call`: what a component may know about the call that it answers.

mod grafana;

use std::collections::HashMap;

use wasmtime::Result;
use wasmtime::component::HasData;

use super::bindings::gpx::plugin::call::{GrafanaConfig, Host, PluginContext};
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

    fn config(&mut self) -> Result<GrafanaConfig> {
        let Some(call) = self.call else { return Ok(grafana::config(&HashMap::new()).0) };
        let (config, unreadable) = grafana::config(&call.context.grafana_config);
        for problem in unreadable {
            call.log.warn(&problem.to_string(), &[]);
        }
        Ok(config)
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
        grafana: grafana::named(&context.user_agent),
        feature_toggles: grafana::toggles(&context.grafana_config),
    }
}
