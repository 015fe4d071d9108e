//! Errors as the panel's user, and Grafana's statistics, see them.

use std::fmt::{self, Display};

use crate::bindings::base::gpx::plugin::types;

/// A result whose error is a [`Fault`]: what the functions that a plugin implements return.
pub type Result<T, E = Fault> = std::result::Result<T, E>;

/// An error with an HTTP status, a message for the panel's user, and who is to blame.
///
/// Never put a secret into the message. `?` turns a [`crate::http::Error`] into a fault.
///
/// ```
/// use gpx_sdk::Fault;
///
/// let fault = Fault::bad_request("the query names no table: choose one");
/// assert_eq!((fault.status, fault.to_string()), (400, "the query names no table: choose one".into()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// An HTTP status, 100 to 599. Anything else is treated as 500.
    pub status: u16,
    pub message: String,
    pub source: Source,
}

/// Who is to blame: Grafana keeps the two apart in its statistics and alerts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The plugin's own code, or what it was asked to do.
    Plugin,
    /// The system that the plugin asked.
    Downstream,
}

// === impl Fault ===

impl Fault {
    pub fn new(status: u16, message: impl Display) -> Self {
        Self { status, message: message.to_string(), source: Source::Plugin }
    }

    /// The plugin failed: 500.
    pub fn plugin(message: impl Display) -> Self {
        Self::new(500, message)
    }

    /// The plugin was asked for something it cannot do: 400.
    pub fn bad_request(message: impl Display) -> Self {
        Self::new(400, message)
    }

    /// The system that the plugin asked failed.
    pub fn downstream(status: u16, message: impl Display) -> Self {
        Self { source: Source::Downstream, ..Self::new(status, message) }
    }
}

impl Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Fault {}

impl From<Fault> for types::Fault {
    fn from(fault: Fault) -> Self {
        let source = match fault.source {
            Source::Plugin => types::FaultSource::Plugin,
            Source::Downstream => types::FaultSource::Downstream,
        };
        Self { status: fault.status, message: fault.message, source }
    }
}
