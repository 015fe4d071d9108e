//! The data source's HTTP client: which hosts may be reached, over which connection, with which credentials, and what
//! the trace says about it.
//!
//! Imports go one way: this file → `exchange` → `dial`, `credentials` → `policy`, `trace` → `error` → `settings`,
//! `origin`. No file in the folder imports this one. A request takes the same way: `exchange` has it from the guest's
//! call to the end of the response's body, and asks `dial` for a connection if none is idle.

mod credentials;
mod dial;
mod error;
mod exchange;
mod origin;
mod policy;
mod settings;
#[cfg(test)]
mod tests;
mod trace;

use std::sync::Arc;

use self::dial::{Dialer, TrustedRoots};
pub(crate) use self::error::{RequestError, RequestErrorKind};
pub(crate) use self::exchange::Client;
use self::policy::Grants;
pub(crate) use self::policy::Patterns;
pub(crate) use self::settings::{DataSourceFields, DataSourceHttp};
use self::trace::RequestTracing;
use crate::net::Resolver;
use crate::telemetry::Telemetry;

/// What the clients of all data sources share.
pub(crate) struct Egress {
    allow_hosts: Patterns,
    plugin_id: Arc<str>,
    resolver: Arc<Resolver>,
    roots: Arc<TrustedRoots>,
    tracing: RequestTracing,
}

// === impl Egress ===

impl Egress {
    /// `allow_hosts` is what the operator lets all data sources reach.
    pub(crate) fn new(allow_hosts: Patterns, plugin_id: &str, telemetry: Telemetry) -> Self {
        Self {
            allow_hosts,
            plugin_id: plugin_id.into(),
            resolver: Arc::default(),
            roots: Arc::default(),
            tracing: RequestTracing::new(telemetry),
        }
    }

    /// Returns a client with connections of its own, for one version of one data source.
    pub(crate) fn client(&self, settings: DataSourceHttp) -> Client {
        let grants = Grants::new(&settings.url, self.allow_hosts.clone(), self.plugin_id.clone());
        let grants = Arc::new(grants);
        let (resolver, roots) = (self.resolver.clone(), self.roots.clone());
        let dialer = Dialer::new(grants.clone(), resolver, roots, settings.tls.clone());
        Client::new(settings, grants, dialer, self.tracing.clone())
    }
}
