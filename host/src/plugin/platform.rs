//! What a plugin runs on: shared by all the components that one process runs, one after another.

use std::sync::Arc;

use super::component::code::CodeSources;
use super::idle::IdleInstances;
use super::queueing::Queueing;
use crate::budget::{Governor, Limits, Machine, MemoryAccount, MemoryKind};
use crate::config::{AwsEnvironment, Strings};
use crate::log::Log;
use crate::metrics::{Metrics, MetricsError};
use crate::tape::Tape;

/// What a plugin runs on.
pub(crate) struct Platform {
    pub limits: Limits,
    pub operator: OperatorSettings,
    pub code: CodeSources,
    pub governor: Governor,
    pub memory: Arc<MemoryAccount>,
    pub idle: Arc<IdleInstances>,
    pub queueing: Queueing,
    /// The machine's limits, and what the process used before there was any component.
    pub machine: Machine,
    /// Every pool of instances has a clone of it.
    pub pools: Arc<()>,
    pub metrics: Metrics,
    pub log: Log,
    /// What is recorded or played back, if anything is.
    pub tape: Option<Tape>,
}

/// The operator's settings for the plugin, from Grafana's configuration.
#[derive(Clone, Debug, Default)]
pub(crate) struct OperatorSettings {
    /// The settings that are not the host's own: keys in lower case, and their values.
    pub settings: Vec<(String, String)>,
    /// Secrets that no component gets, even if its manifest names them.
    pub deny_secrets: Vec<String>,
    /// Headers that the component sees besides those that its manifest names.
    pub allow_headers: Vec<String>,
    /// What the environment says about AWS.
    pub aws: AwsEnvironment,
    /// What the environment says of Grafana's secure SOCKS proxy.
    pub secure_socks: Strings,
}

// === impl Platform ===

impl Platform {
    pub(crate) fn new(
        limits: Limits,
        operator: OperatorSettings,
        code: CodeSources,
        metrics: Metrics,
        log: Log,
    ) -> Self {
        let (governor, memory) = (Governor::new(limits.cpu_timeout), MemoryAccount::new(limits.memory_total));
        let idle = Arc::<IdleInstances>::default();
        let oldest = Arc::downgrade(&idle);
        memory.reclaim_by(move || oldest.upgrade().is_some_and(|idle| idle.drop_oldest()));
        let queueing = Queueing::new(log.clone());
        let (machine, pools) = (Machine::read(), Arc::default());
        let tape = None;
        Self { limits, operator, code, governor, memory, idle, queueing, machine, pools, metrics, log, tape }
    }

    /// Shows the account of memory among the metrics.
    pub(crate) fn measure(&self) -> Result<(), MetricsError> {
        let Self { memory, idle, metrics, .. } = self;
        let account = memory.clone();
        let kinds = move || MemoryKind::ALL.map(|kind| (kind.name(), account.used(kind))).to_vec();
        metrics.gauges(
            "gpx_memory_bytes",
            "Memory that components cost, by what it is for",
            "kind",
            kinds,
        )?;
        let account = memory.clone();
        metrics
            .gauge("gpx_memory_total_bytes", "Memory that components may cost", move || account.total())?;
        let account = memory.clone();
        metrics.gauge("gpx_memory_waiting", "Calls that wait for memory", move || account.waiting())?;
        let idle = idle.clone();
        metrics.gauge("gpx_instances_idle", "Instances that no call uses", move || idle.count())
    }
}
