//! The answer to "Save & test".

use serde::Serialize;

use crate::{Fault, Result};

pub use crate::bindings::diagnostics::exports::gpx::plugin::diagnostics::{Health, HealthStatus};

// === impl Health ===

impl Health {
    pub fn ok(message: impl ToString) -> Self {
        Self::new(HealthStatus::Ok, message)
    }

    pub fn error(message: impl ToString) -> Self {
        Self::new(HealthStatus::Error, message)
    }

    pub fn new(status: HealthStatus, message: impl ToString) -> Self {
        Self { status, message: message.to_string(), details: None }
    }

    /// Adds details, which are shown on request: anything that serializes to a JSON object.
    pub fn details(mut self, details: &impl Serialize) -> Result<Self> {
        self.details = Some(
            serde_json::to_string(details)
                .map_err(|_| Fault::plugin("the details cannot be written as JSON"))?,
        );
        Ok(self)
    }
}
