//! What the user should know about a result.

use serde::{Serialize, Serializer};

use super::super::json::is_default;

/// Something that the user should know about a result. It is shown at the corner of the panel.
///
/// ```
/// use gpx_sdk::frame::{Inspect, Notice};
///
/// let notice = Notice::error("shard 3 did not answer").link("https://status.example.com").inspect(Inspect::Stats);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Notice {
    severity: Severity,
    text: String,
    #[serde(skip_serializing_if = "is_default")]
    link: String,
    #[serde(serialize_with = "number_of", skip_serializing_if = "Option::is_none")]
    inspect: Option<Inspect>,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    #[default]
    Info,
    Warning,
    Error,
}

/// The tab of the panel's inspector that says more about a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inspect {
    Meta = 1,
    Error,
    Data,
    Stats,
}

// === impl Notice ===

impl Notice {
    pub fn new(severity: Severity, text: impl Into<String>) -> Self {
        Self { severity, text: text.into(), link: String::new(), inspect: None }
    }

    pub fn info(text: impl Into<String>) -> Self {
        Self::new(Severity::Info, text)
    }

    pub fn warning(text: impl Into<String>) -> Self {
        Self::new(Severity::Warning, text)
    }

    pub fn error(text: impl Into<String>) -> Self {
        Self::new(Severity::Error, text)
    }

    /// Adds a link: a URL, or a path relative to Grafana's.
    pub fn link(mut self, link: impl Into<String>) -> Self {
        self.link = link.into();
        self
    }

    /// Proposes a tab of the panel's inspector.
    pub fn inspect(mut self, inspect: Inspect) -> Self {
        self.inspect = Some(inspect);
        self
    }
}

/// Grafana counts the tabs.
fn number_of<S: Serializer>(inspect: &Option<Inspect>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u8(inspect.map_or(0, |inspect| inspect as u8))
}
