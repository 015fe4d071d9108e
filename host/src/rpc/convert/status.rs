//! gRPC's statuses for what goes wrong as a whole. What goes wrong with one query is said in its own answer.

use tonic::Status;

use crate::plugin::{CallError, Export};

pub(crate) fn not_exported(export: Export) -> Status {
    Status::unimplemented(format!("the plugin does not export gpx:plugin/{}", export.interface()))
}

pub(crate) fn stopping() -> Status {
    Status::cancelled("the plugin is being stopped")
}

/// An error that cannot be told in an answer of its own.
pub(crate) fn failed(error: &CallError) -> Status {
    match error {
        CallError::CallerDeadline(_) => Status::deadline_exceeded(error.to_string()),
        _ => Status::unknown(error.to_string()),
    }
}
