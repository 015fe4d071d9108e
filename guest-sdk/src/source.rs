//! Who is to blame for a failure.

/// Who is to blame: Grafana keeps the two apart in its statistics and alerts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The plugin's own code, or what it was asked to do.
    Plugin,
    /// The system that the plugin asked.
    Downstream,
}
