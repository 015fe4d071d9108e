//! The health of a data source or app.

use crate::capability::bindings::exports::gpx::plugin::diagnostics::{Health, HealthStatus};
use crate::proto::pluginv2::CheckHealthResponse;
use crate::proto::pluginv2::check_health_response::HealthStatus as Status;

/// What the component says.
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

/// What the host says in the component's place.
pub(crate) fn unhealthy(message: String) -> CheckHealthResponse {
    CheckHealthResponse { status: Status::Error.into(), message, ..Default::default() }
}
