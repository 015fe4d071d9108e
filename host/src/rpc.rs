//! Grafana's services, a module each, and what they share. gRPC's statuses are made here and nowhere else.

pub mod data;
pub mod diagnostics;
pub mod go_plugin;
pub mod layer;
pub mod resource;
mod running;
mod status;
#[cfg(test)]
mod test;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::SetOnce;
use tokio::time::Instant;
use tonic::metadata::MetadataMap;
use tonic::service::RoutesBuilder;
use tonic::{Extensions, Status};

use crate::call::{Arrival, Call, Endpoint, Unanswered};
use crate::log::Log;
use crate::metrics::Metrics;
use crate::plugin::{LoadError, Plugin, Service};
use crate::proto::pluginv2::PluginContext;
use crate::proto::pluginv2::data_server::DataServer;
use crate::proto::pluginv2::diagnostics_server::DiagnosticsServer;
use crate::proto::pluginv2::resource_server::ResourceServer;
use crate::shutdown::Shutdown;
use crate::telemetry::Telemetry;
use layer::deadline::Deadline;
use layer::observe::ServerContext;
use layer::size::MAX_REQUEST;
use running::Running;

/// What all services share. Cheap to clone.
#[derive(Clone)]
pub struct Backend(Arc<Inner>);

struct Inner {
    /// Set when the component was loaded, or could not be.
    plugin: SetOnce<Result<Arc<Plugin>, LoadError>>,
    running: Running,
    parts: Parts,
}

/// What a backend is made of.
pub struct Parts {
    /// Set just before the plugin is: spans carry attributes that the component names.
    pub telemetry: Arc<SetOnce<Telemetry>>,
    /// What is wrong with the operator's settings, for the health check.
    pub problems: Vec<String>,
    pub call_timeout: Duration,
    pub metrics: Metrics,
    pub log: Log,
    pub shutdown: Shutdown,
}

// === impl Backend ===

impl Backend {
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(Inner { plugin: SetOnce::new(), running: Running::default(), parts }))
    }

    /// Registers the services that a component may export. What is not registered answers `Unimplemented`.
    pub fn add_to(&self, routes: &mut RoutesBuilder) {
        let data = DataServer::new(data::Service(self.clone()));
        let diagnostics = DiagnosticsServer::new(diagnostics::Service(self.clone()));
        let resource = ResourceServer::new(resource::Service(self.clone()));
        routes
            .add_service(data.max_decoding_message_size(MAX_REQUEST).max_encoding_message_size(usize::MAX))
            .add_service(diagnostics.max_decoding_message_size(MAX_REQUEST))
            .add_service(
                resource.max_decoding_message_size(MAX_REQUEST).max_encoding_message_size(usize::MAX),
            );
    }

    /// Lets the calls go on that wait for the component.
    pub fn loaded(&self, plugin: Result<Arc<Plugin>, LoadError>, telemetry: Telemetry) {
        // Both are set here only, once; telemetry first, as whoever has the plugin may use it.
        let _ = self.0.parts.telemetry.set(telemetry);
        let _ = self.0.plugin.set(plugin);
    }

    /// For the end of the process: waits until the cancelled calls have ended their spans, and sends these.
    pub async fn drain(&self, within: Duration) {
        let until = Instant::now() + within;
        let _ = tokio::time::timeout_at(until, self.0.running.ended()).await;
        if let Some(telemetry) = self.0.parts.telemetry.get() {
            telemetry.flush(until.saturating_duration_since(Instant::now())).await;
        }
    }

    /// The plugin, once it is loaded, if the component exports `service`.
    async fn plugin(&self, service: Service) -> Result<Result<Arc<Plugin>, LoadError>, Status> {
        match self.0.plugin.wait().await {
            Ok(plugin) if plugin.exports(service) => Ok(Ok(plugin.clone())),
            Ok(_) => Err(status::not_exported(service)),
            Err(error) => Ok(Err(error.clone())),
        }
    }

    async fn begin(&self, endpoint: Endpoint, request: Head) -> Unanswered {
        let Head { metadata, extensions, context, headers } = request;
        let telemetry = self.0.parts.telemetry.wait().await.clone();
        let own = Instant::now() + self.0.parts.call_timeout;
        let deadline = extensions.get::<Deadline>().map_or(own, |deadline| own.min(deadline.0));
        let parent = extensions.get::<ServerContext>().map(|context| context.0.clone()).unwrap_or_default();
        let tenant = metadata.get("tenantid").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let tenant = tenant.to_owned();
        let context = context.unwrap_or_default();
        let arrival = Arrival { endpoint, context, headers, tenant, deadline, parent };
        Call::begin(arrival, telemetry, self.0.parts.metrics.clone(), &self.0.parts.log)
    }

    /// Runs `work` unless the process ends meanwhile.
    async fn until_shutdown<T>(&self, work: impl Future<Output = Result<T, Status>>) -> Result<T, Status> {
        let _running = self.0.running.begin();
        tokio::select! {
            biased;
            result = work => result,
            () = self.0.parts.shutdown.triggered() => Err(status::stopping()),
        }
    }
}

/// A request without the part that only its own service understands.
struct Head {
    metadata: MetadataMap,
    extensions: Extensions,
    context: Option<PluginContext>,
    headers: Vec<(String, String)>,
}

// === impl Head ===

impl Head {
    fn new(
        metadata: MetadataMap,
        extensions: Extensions,
        context: Option<PluginContext>,
        headers: HashMap<String, String>,
    ) -> Self {
        Self { metadata, extensions, context, headers: crate::convert::call_headers(headers) }
    }
}
