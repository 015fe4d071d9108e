//! Why something is refused.

use std::fmt::Display;

use crate::Fault;
use crate::bindings::admission::gpx::plugin::objects as wit;

/// Why an object is refused, for the user and for programs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// An HTTP status, 400 to 599. Anything else is treated as 400.
    pub status: u16,
    /// What is wrong and what to do. Never put a secret into it.
    pub message: String,
    /// One of Kubernetes' words, such as `Invalid` or `Forbidden`, or empty.
    pub reason: String,
}

// === impl Denial ===

impl Denial {
    pub fn new(status: u16, message: impl Display) -> Self {
        Self { status, message: message.to_string(), reason: String::new() }
    }

    /// Adds a word for programs.
    pub fn reason(mut self, reason: &str) -> Self {
        reason.clone_into(&mut self.reason);
        self
    }
}

/// Refuses with the fault's status and message.
impl From<Fault> for Denial {
    fn from(fault: Fault) -> Self {
        Self::new(fault.status, fault.message)
    }
}

impl From<Denial> for wit::Denial {
    fn from(Denial { status, message, reason }: Denial) -> Self {
        Self { status, message, reason }
    }
}
