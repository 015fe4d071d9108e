//! The health of a data source or app.

use crate::capability::bindings::exports::gpx::plugin::diagnostics::{Health, HealthStatus};
use crate::proto::pluginv2::CheckHealthResponse;
use crate::proto::pluginv2::check_health_response::HealthStatus as Status;

/// Converts the component's own answer.
pub(crate) fn health(health: Health) -> CheckHealthResponse {
    let status = match health.status {
        HealthStatus::Unknown => Status::Unknown,
        HealthStatus::Ok => Status::Ok,
        HealthStatus::Error => Status::Error,
    };
    CheckHealthResponse {
        status: status.into(),
        message: health.message,
        json_details: health.details.unwrap_or_default().into(),
    }
}

/// Makes the host's answer, which is sent in place of the component's.
pub(crate) fn unhealthy(message: String) -> CheckHealthResponse {
    CheckHealthResponse { status: Status::Error.into(), message, ..Default::default() }
}
