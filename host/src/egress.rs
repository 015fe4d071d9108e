//! The data source's HTTP client: who may be reached, over which connection, as whom, and what the trace tells of it.

mod body;
mod client;
mod connection;
mod connector;
mod credentials;
mod decode;
mod error;
mod events;
mod origin;
mod policy;
mod pool;
mod settings;
mod span;
#[cfg(test)]
mod tests;
mod tls;
mod wire;

use std::sync::Arc;

use crate::net::Resolver;
use crate::telemetry::{Telemetry, Tracer};

pub use body::ResponseBody;
pub use client::Client;
pub use error::Error;
pub use policy::{BadPattern, Patterns};
pub use settings::{Settings, Source};
pub use tls::BadPem;

/// What the operator says about requests that leave the process.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// From `gpx_allow_hosts`.
    pub allow_hosts: Patterns,
}

/// What the clients of all data sources share.
pub struct Egress {
    operator: Patterns,
    plugin_id: Arc<str>,
    resolver: Resolver,
    roots: tls::Roots,
    telemetry: Telemetry,
    tracer: Tracer,
}

// === impl Egress ===

impl Egress {
    pub fn new(config: Config, plugin_id: &str, telemetry: Telemetry) -> Self {
        Self {
            operator: config.allow_hosts,
            plugin_id: plugin_id.into(),
            resolver: Resolver::default(),
            roots: tls::Roots::default(),
            tracer: telemetry.plugin(),
            telemetry,
        }
    }

    /// A client with connections of its own, for one version of one data source.
    pub fn client(self: &Arc<Self>, settings: Settings) -> Client {
        Client::new(self.clone(), settings)
    }
}
