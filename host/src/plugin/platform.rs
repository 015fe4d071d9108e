//! What a plugin runs on: shared by all the components that one process runs, one after another.

use std::sync::Arc;

use crate::budget::{Governor, Limits, MemoryBudget};
use crate::log::Log;
use crate::metrics::Metrics;

/// What a plugin runs on.
pub(crate) struct Platform {
    pub limits: Limits,
    pub operator: OperatorSettings,
    /// Whether code that was compiled ahead of time may be used.
    pub precompiled: bool,
    pub governor: Governor,
    pub memory: Arc<MemoryBudget>,
    pub metrics: Metrics,
    pub log: Log,
}

/// The operator's settings for the plugin, from Grafana's configuration.
#[derive(Clone, Debug, Default)]
pub(crate) struct OperatorSettings {
    /// The settings that are not the host's own: keys in lower case, and their values.
    pub settings: Vec<(String, String)>,
    /// Secrets that no component gets, even if its manifest names them.
    pub deny_secrets: Vec<String>,
}

// === impl Platform ===

impl Platform {
    pub(crate) fn new(
        limits: Limits,
        operator: OperatorSettings,
        precompiled: bool,
        metrics: Metrics,
        log: Log,
    ) -> Self {
        let (governor, memory) = (Governor::new(limits.cpu_timeout), MemoryBudget::new(limits.memory_total));
        Self { limits, operator, precompiled, governor, memory, metrics, log }
    }
}
