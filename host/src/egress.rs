//! The data source's HTTP client: which hosts may be reached, over which connection, with which credentials, and what
//! the trace says about it.
//!
//! Imports go one way: this file → `exchange` → `dial`, `credentials`, `sigv4` → `policy`, `trace`, `wishes` → `error` → the errors
//! of `sigv4`, `settings`, `proxy`, `origin`, `framing`, `limits`, `caller` → `identity`, `redirects`. No file in the folder imports
//! this one. A request takes the same way: `exchange` has it from the guest's call to the end of the response's body, and asks
//! `dial` for a connection if none is idle.

mod caller;
mod credentials;
mod dial;
mod error;
mod exchange;
mod framing;
#[cfg(any(test, feature = "fuzz"))]
pub(crate) mod fuzz;
mod identity;
pub(crate) mod limits;
mod origin;
mod policy;
mod proxy;
mod redirects;
mod settings;
mod sigv4;
#[cfg(test)]
mod tests;
mod trace;
mod wishes;

use std::sync::Arc;

pub(crate) use self::caller::{Caller, user_agent};
use self::dial::Dialer;
pub(crate) use self::error::{RequestError, RequestErrorKind};
use self::exchange::Connections;
pub(crate) use self::exchange::{AllConnections, Client};
pub(crate) use self::framing::is_forbidden;
pub(crate) use self::identity::PassedOn;
use self::policy::Grants;
pub(crate) use self::policy::{AllowedPaths, OperatorPolicy, Patterns};
pub(crate) use self::proxy::Proxies;
pub(crate) use self::settings::{
    DataSourceFields, DataSourceHttp, Forwarding, SecretHeader, SigV4Fields, WantedHeaders, response_limit,
};
use self::trace::RequestTracing;
pub(crate) use self::trace::{RequestDescription, RequestParent};
pub(crate) use self::wishes::VainWishes;
use self::wishes::Wishes;
use crate::budget::OwnerMemory;
use crate::metrics::UpstreamRequests;
use crate::net::{Resolver, RootPaths, TrustedRoots};
use crate::telemetry::Telemetry;
use crate::text::Scrub;

/// What the process says about the requests of all data sources.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ProcessHttp {
    /// How many connections a data source may have.
    pub connections_max: usize,
    /// How many bytes of a response's body are read, if Grafana's configuration does not say. Not 0.
    pub response_limit: Option<u64>,
    pub roots: RootPaths,
}

/// What the clients of all data sources share.
pub(crate) struct Egress {
    operator: OperatorPolicy,
    plugin_id: Arc<str>,
    resolver: Arc<Resolver>,
    roots: Arc<TrustedRoots>,
    tracing: RequestTracing,
    connections_max: usize,
    response_limit: Option<u64>,
    all: Arc<AllConnections>,
    wishes: Arc<Wishes>,
    requests: UpstreamRequests,
}

// === impl Egress ===

impl Egress {
    /// `operator` and `process` are for all data sources.
    pub(crate) fn new(
        operator: OperatorPolicy,
        plugin_id: &str,
        telemetry: Telemetry,
        process: ProcessHttp,
        all: Arc<AllConnections>,
        requests: UpstreamRequests,
    ) -> Self {
        Self {
            operator,
            plugin_id: plugin_id.into(),
            resolver: Arc::default(),
            roots: Arc::new(TrustedRoots::new(process.roots)),
            tracing: RequestTracing::new(telemetry),
            connections_max: process.connections_max,
            response_limit: process.response_limit,
            all,
            wishes: Arc::default(),
            requests,
        }
    }

    /// Returns the same for a component that asks for these origins. It grants nothing.
    #[must_use]
    pub(crate) fn wishing(self, origins: &[String]) -> Self {
        Self { wishes: Arc::new(Wishes::new(origins)), ..self }
    }

    /// Returns which origins the component asks for that the operator has not granted.
    pub(crate) fn vain_wishes(&self) -> VainWishes {
        self.wishes.vain(&self.operator.hosts)
    }

    /// Returns what the environment says of proxies that must not be printed.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = String> {
        self.operator.proxies.secrets()
    }

    pub(crate) fn plugin_id(&self) -> &str {
        &self.plugin_id
    }

    /// Returns a client with connections of its own, for one version of one data source.
    /// Spans of its requests show no secret that `scrub` knows, and `memory` pays for what is kept of them.
    pub(crate) fn client(&self, mut settings: DataSourceHttp, scrub: Scrub, memory: &OwnerMemory) -> Client {
        // As in Go, Grafana's configuration counts more than the environment.
        settings.grafana.response_limit = settings.grafana.response_limit.or(self.response_limit);
        let plugin_id = match settings.plugin_id.as_str() {
            "" => self.plugin_id.clone(),
            named => named.into(),
        };
        let grants = Arc::new(Grants::new(&settings.url, self.operator.clone(), plugin_id.clone()));
        let (resolver, roots) = (self.resolver.clone(), self.roots.clone());
        let proxies = self.operator.proxies.clone();
        let dialer = Dialer::new(&settings, grants.clone(), resolver, roots, proxies, self.requests.clone());
        let connections = self.connections(&settings, dialer, &plugin_id);
        let tracing = self.tracing.without_secrets(scrub);
        let (wishes, requests) = (self.wishes.clone(), self.requests.clone());
        Client::new(settings, grants, connections, tracing, wishes, requests, memory)
    }

    fn connections(&self, settings: &DataSourceHttp, dialer: Dialer, plugin: &str) -> Connections {
        let max = self.connections_max;
        let words = format!(
            "the data source has {max}, which is what gpx_connections_max = {max} under [plugin.{plugin}] allows; raise it"
        );
        let log = self.all.log().with(settings.log_fields());
        Connections::new(dialer, max, words, settings.pooling, log, self.all.clone())
    }
}
