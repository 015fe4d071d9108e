//! The call that is being answered.

use std::cell::OnceCell;
use std::time::Duration;

use crate::host::call;

pub use crate::bindings::base::gpx::plugin::call::{
    FlagAttribute, Grafana, GrafanaConfig, OpenFeature, PluginContext, SqlConfig,
};
pub use crate::bindings::base::gpx::plugin::types::{Header, User};

/// Who asks, on what terms, and for how long. Nothing is fetched from the host until it is asked for.
#[derive(Debug, Default)]
pub struct Context {
    plugin: OnceCell<PluginContext>,
    config: OnceCell<GrafanaConfig>,
    headers: OnceCell<Vec<Header>>,
}

// === impl Context ===

impl Context {
    /// The organisation, the plugin, the user, Grafana's version and its feature toggles. What Grafana does not send is
    /// `None`.
    pub fn plugin(&self) -> &PluginContext {
        self.plugin.get_or_init(call::context)
    }

    /// What Grafana says of its own configuration, such as its URL, the defaults of SQL data sources, and where feature flags
    /// are evaluated. What it does not send is `None`; older versions send less.
    pub fn config(&self) -> &GrafanaConfig {
        self.config.get_or_init(call::config)
    }

    /// Whether a feature toggle of Grafana's is enabled.
    pub fn is_enabled(&self, toggle: &str) -> bool {
        self.plugin().feature_toggles.iter().any(|name| name == toggle)
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

// === impl OpenFeature ===

impl OpenFeature {
    /// How long to keep what was evaluated. `None` if Grafana gives no advice.
    pub fn keep_for(&self) -> Option<Duration> {
        self.cache_ttl.map(Duration::from_nanos)
    }

    /// An attribute that belongs to the context of an evaluation.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|attribute| attribute.name == name);
        found.map(|attribute| attribute.value.as_str())
    }
}
