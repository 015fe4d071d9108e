//! `pluginv2.Diagnostics`: health is the component's to tell, metrics are the host's own.

use tonic::{Request, Response, Status};

use super::{Backend, Head};
use crate::call::{Endpoint, Outcome};
use crate::convert;
use crate::plugin::{self, Error};
use crate::proto::pluginv2::check_health_response::HealthStatus;
use crate::proto::pluginv2::collect_metrics_response::Payload;
use crate::proto::pluginv2::diagnostics_server::Diagnostics;
use crate::proto::pluginv2::{
    CheckHealthRequest, CheckHealthResponse, CollectMetricsRequest, CollectMetricsResponse,
};

pub struct Service(pub(super) Backend);

#[tonic::async_trait]
impl Diagnostics for Service {
    async fn check_health(
        &self,
        request: Request<CheckHealthRequest>,
    ) -> Result<Response<CheckHealthResponse>, Status> {
        let (metadata, extensions, message) = request.into_parts();
        let head = Head::new(metadata, extensions, message.plugin_context, message.headers);
        self.0.until_shutdown(check(&self.0, head)).await.map(Response::new)
    }

    async fn collect_metrics(
        &self,
        _: Request<CollectMetricsRequest>,
    ) -> Result<Response<CollectMetricsResponse>, Status> {
        let text = self.0.0.parts.metrics.text().map_err(|error| Status::internal(error.to_string()))?;
        Ok(Response::new(CollectMetricsResponse { metrics: Some(Payload { prometheus: text.into() }) }))
    }
}

async fn check(backend: &Backend, head: Head) -> Result<CheckHealthResponse, Status> {
    let plugin = backend.plugin(plugin::Service::Diagnostics).await?;
    let unanswered = backend.begin(Endpoint::CheckHealth, head).await;
    // A wrong setting is the operator's to mend before anything else is worth looking at.
    if !backend.0.parts.problems.is_empty() {
        unanswered.answered(Outcome::OK);
        return Ok(unhealthy(backend.0.parts.problems.join("; ")));
    }
    let health = match plugin {
        Err(error) => Err(Error::Load(error)),
        Ok(plugin) => {
            let health = plugin.call(unanswered.call(), |store, exports| {
                Box::pin(async move {
                    let gone = || wasmtime::Error::msg("gpx:plugin/diagnostics is gone");
                    exports.diagnostics.as_ref().ok_or_else(gone)?.call_check_health(store).await
                })
            });
            health.await
        }
    };
    match health {
        Ok(health) => {
            unanswered.answered(Outcome::OK);
            Ok(convert::health(health))
        }
        // Not being able to tell is a bad health, not a failed call: only so does its reason reach a person.
        Err(error) => {
            let message = error.to_string();
            unanswered.answered(Outcome::failed(error.source(), message.clone()));
            Ok(unhealthy(message))
        }
    }
}

fn unhealthy(message: String) -> CheckHealthResponse {
    CheckHealthResponse { status: HealthStatus::Error.into(), message, ..Default::default() }
}
