//! gRPC statuses for calls that fail as a whole. If a single query fails, its own answer says so.

use tonic::Status;

use crate::plugin::{CallError, Export};

pub(crate) fn not_exported(export: Export) -> Status {
    Status::unimplemented(format!("the plugin does not export gpx:plugin/{}", export.interface()))
}

pub(crate) fn stopping() -> Status {
    Status::cancelled("the plugin is being stopped")
}

/// Returns the status for an error that cannot be reported in an answer.
pub(crate) fn failed(error: &CallError) -> Status {
    match error {
        CallError::CallerDeadline(_) => Status::deadline_exceeded(error.to_string()),
        _ => Status::unknown(error.to_string()),
    }
}
