//! `pluginv2.Diagnostics`: the component reports its own health. The metrics are the host's and those that the component has
//! registered.

use tonic::{Request, Response, Status};

use super::{Backend, Begun, Door, convert, fail};
use crate::budget::{MAX_REQUEST, beside_others};
use crate::call::{CallContext, Endpoint, Outcome};
use crate::plugin::Export;
use crate::proto::pluginv2::collect_metrics_response::Payload;
use crate::proto::pluginv2::diagnostics_server::{Diagnostics, DiagnosticsServer};
use crate::proto::pluginv2::{
    CheckHealthRequest, CheckHealthResponse, CollectMetricsRequest, CollectMetricsResponse,
};

const CHECK_HEALTH: Endpoint = Endpoint { name: "checkHealth", span: "sdk.checkHealth" };

pub(super) struct DiagnosticsService(pub(super) Backend);

pub(super) fn server(backend: Backend) -> DiagnosticsServer<DiagnosticsService> {
    DiagnosticsServer::new(DiagnosticsService(backend)).max_decoding_message_size(MAX_REQUEST)
}

// === impl DiagnosticsService ===

#[tonic::async_trait]
impl Diagnostics for DiagnosticsService {
    async fn check_health(
        &self,
        request: Request<CheckHealthRequest>,
    ) -> Result<Response<CheckHealthResponse>, Status> {
        let (door, message) = Door::enter(request);
        let forwarded = convert::forwarded(&message.headers);
        let headers = convert::header_pairs(message.headers);
        let context = convert::context(message.plugin_context, &door.metadata, headers);
        let context = context.map(|context| CallContext { forwarded, ..context });
        let health = self.0.until_shutdown(check(&self.0, door, context)).await?;
        let report = self.0.parts.current.now().and_then(|loaded| loaded.report());
        Ok(Response::new(match report {
            Some(report) => convert::with_report(health, &report),
            None => health,
        }))
    }

    async fn collect_metrics(
        &self,
        _: Request<CollectMetricsRequest>,
    ) -> Result<Response<CollectMetricsResponse>, Status> {
        // With a component's own metrics this can take milliseconds.
        let text = beside_others(|| self.0.parts.metrics.text());
        let text = text.map_err(|error| Status::internal(error.to_string()))?;
        Ok(Response::new(CollectMetricsResponse { metrics: Some(Payload { prometheus: text.into() }) }))
    }
}

async fn check(
    backend: &Backend,
    door: Door,
    context: Option<CallContext>,
) -> Result<CheckHealthResponse, Status> {
    let Begun { unanswered, target } =
        backend.begin(&[Export::Diagnostics], CHECK_HEALTH, door, context).await?;
    // The operator must fix an invalid setting before anything else is worth checking.
    if !backend.parts.problems.is_empty() {
        unanswered.answered(Outcome::OK);
        return Ok(convert::unhealthy(backend.parts.problems.join("; ")));
    }
    let health = match target {
        Ok(target) => target.plugin.check_health(unanswered.call(), &target.owner).await,
        Err(error) => Err(error),
    };
    match health {
        Ok(health) => {
            unanswered.answered(Outcome::OK);
            Ok(convert::health(health))
        }
        Err(error) if error.ends_call() => Err(fail(unanswered, &error)),
        Err(error) => {
            let message = error.to_string();
            unanswered.answered(Outcome::failed(error.source(), message.clone()));
            // Answered as bad health instead of a failed call: only then does Grafana show the reason.
            Ok(convert::unhealthy(message))
        }
    }
}
