//! The call that is being answered.

use std::cell::OnceCell;
use std::time::Duration;

use crate::bindings::base::gpx::plugin::call;
use crate::grafana::GrafanaConfig;

pub use crate::bindings::base::gpx::plugin::call::{Grafana, PluginContext};
pub use crate::bindings::base::gpx::plugin::types::{Header, User};

/// Who asks, on what terms, and for how long. Nothing is fetched from the host until it is asked for.
#[derive(Debug, Default)]
pub struct Context {
    plugin: OnceCell<PluginContext>,
    headers: OnceCell<Vec<Header>>,
    config: OnceCell<GrafanaConfig>,
}

// === impl Context ===

impl Context {
    /// The organisation, the plugin, Grafana's version and feature toggles.
    pub fn plugin(&self) -> &PluginContext {
        self.plugin.get_or_init(call::context)
    }

    /// What Grafana says of its configuration: feature toggles, limits, and where feature flags are evaluated.
    pub fn grafana(&self) -> &GrafanaConfig {
        self.config.get_or_init(|| {
            GrafanaConfig::new(call::config().into_iter().map(|entry| (entry.key, entry.value)))
        })
    }

    /// The user who asks. `None` if Grafana asks on its own behalf, for example for an alert rule.
    pub fn user(&self) -> Option<&User> {
        self.plugin().user.as_ref()
    }

    /// The headers of the call: those that every component sees, those that `plugin!` names among its `headers`, and those
    /// that the operator allows. None bears credentials.
    pub fn headers(&self) -> &[Header] {
        self.headers.get_or_init(call::headers)
    }

    /// The first header with that name, ignoring case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers().iter().find(|header| header.name.eq_ignore_ascii_case(name));
        found.map(|header| header.value.as_str())
    }

    /// How much time is left before the caller stops waiting or the operator's limit is reached. `None` means no limit.
    pub fn time_left(&self) -> Option<Duration> {
        call::time_left().map(Duration::from_nanos)
    }

    /// Whether the caller is gone. The host drops the instance shortly after, so stop working.
    pub fn cancelled(&self) -> bool {
        call::cancelled()
    }
}
