//! The health of a data source or app.

use std::collections::HashMap;

use serde::de::IgnoredAny;
use serde_json::Value;

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

/// The host's own key in a health check's details.
const HOST: &str = "gpx";

/// Adds what the host has to say. Each byte of the component's details stays as it is, and if they have the host's key, it is
/// the component's.
pub(crate) fn with_report(mut response: CheckHealthResponse, report: &Value) -> CheckHealthResponse {
    if let Some(details) = added(&response.json_details, report) {
        response.json_details = details.into();
    }
    response
}

/// Returns `None` if nothing can be added.
fn added(details: &[u8], report: &Value) -> Option<String> {
    let details = std::str::from_utf8(details).ok()?.trim_ascii();
    if details.is_empty() {
        return Some(format!("{{\"{HOST}\":{report}}}"));
    }
    let keys: HashMap<String, IgnoredAny> = serde_json::from_str(details).ok()?;
    let open = details.strip_suffix('}').filter(|_| !keys.contains_key(HOST))?;
    let comma = if keys.is_empty() { "" } else { "," };
    Some(format!("{open}{comma}\"{HOST}\":{report}}}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_hosts_report_stands_beside_the_components_details() {
        let report = json!({ "tracing": {} });
        let added = |details: &str| added(details.as_bytes(), &report);
        let alone = r#"{"gpx":{"tracing":{}}}"#;
        assert_eq!(added("").as_deref(), Some(alone));
        assert_eq!(added(" {} ").as_deref(), Some(alone));
        let theirs = r#"{ "b": 1.50, "a": [{}], "b": "}" }"#;
        assert_eq!(added(theirs).unwrap(), r#"{ "b": 1.50, "a": [{}], "b": "}" ,"gpx":{"tracing":{}}}"#);
        for details in [r#"{"gpx":1}"#, r#"{"\u0067px":1}"#, "[1]", "null", "{"] {
            assert_eq!(added(details), None, "{details}");
        }
    }
}
