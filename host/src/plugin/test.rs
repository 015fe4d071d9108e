//! A plugin in the test's own process: a small component, loaded as the host loads it, and a caller.

mod guest;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use opentelemetry::Context;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::code::CodeSources;
use super::{
    Answered, CallError, Component, LoadError, LoadedComponent, OperatorSettings, Owner, Platform, Plugin,
};
use crate::budget::{Limits, Machine};
use crate::call::{
    Arrival, Call, CallContext, CallerDeadline, DataSourceSettings, Deadline, Endpoint, Outcome, Subject,
    Unanswered,
};
use crate::capability::bindings::exports::gpx::plugin::plugin::Settings;
use crate::capability::bindings::gpx::plugin::queries::Query;
use crate::capability::bindings::gpx::plugin::types::TimeRange;
use crate::egress::{AllConnections, Egress, OperatorPolicy, ProcessHttp};
use crate::frame::Format;
use crate::log::Log;
use crate::log::memory::Lines;
use crate::metrics::Metrics;
use crate::telemetry::Telemetry;
use crate::telemetry::test::{Ended, recording};

pub(crate) use guest::{Guest, compile, compiled};

/// Limits that no test reaches by accident.
pub(crate) const LIMITS: Limits = Limits {
    call_timeout: Duration::from_secs(300),
    cpu_timeout: Duration::from_secs(300),
    memory_max: 64 << 20,
    memory_total: 256 << 20,
    instances_max: None,
    streams_max: 100,
};

/// The size of a page, in bytes: a guest starts with one page of memory and needs more in pages.
pub(crate) const PAGE: usize = 64 << 10;

/// What an instance of the guest costs while it does little: a page, a stack, what is kept for it, and a few handles.
pub(crate) const INSTANCE: usize = PAGE + (800 << 10);

/// Names of data sources for which the host panics: while it makes the owner, and when an instance is to be called.
pub(crate) const PANIC_IN_OWNER: &str = "panic in owner";
pub(crate) const PANIC_IN_CALL: &str = "panic in call";

/// A loaded plugin, and what it leaves for tests to check. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Loaded {
    pub(crate) plugin: Arc<Plugin>,
    pub(crate) metrics: Metrics,
    pub(crate) telemetry: Telemetry,
    /// Spans that have ended.
    pub(crate) ended: Ended,
    pub(crate) log: Log,
    pub(crate) lines: Arc<Lines>,
}

/// A caller with one query.
#[derive(Clone, Default)]
pub(crate) struct Asker {
    pub(crate) context: CallContext,
    /// What the guest does for the answer. For an empty script, it answers how many calls its instance has had.
    pub(crate) script: String,
    /// How long the caller waits. `None` means the operator's limit.
    pub(crate) patience: Option<Duration>,
}

/// Panics if a data source has this name.
pub(crate) fn panic_if_named(name: &str, settings: &Settings) {
    assert_ne!(settings.name, name, "a bug");
}

/// Makes a plugin's directory with the component's file in it, and nothing precompiled.
pub(crate) fn directory(component: &[u8]) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("gpx_test.wasm");
    std::fs::write(&file, component).unwrap();
    (directory, file)
}

// === impl Loaded ===

impl Loaded {
    pub(crate) async fn new() -> Self {
        Self::with(&LIMITS).await
    }

    pub(crate) async fn with(limits: &Limits) -> Self {
        let (_directory, file) = compiled();
        Self::from_file(&file, true, limits).await.0.unwrap_or_else(|error| panic!("{error}"))
    }

    pub(crate) async fn of(guest: Guest) -> Self {
        let (_directory, file) = directory(&guest.bytes());
        Self::from_file(&file, true, &LIMITS).await.0.unwrap_or_else(|error| panic!("{error}"))
    }

    /// Loads the component in a plugin's directory. Also returns what was logged meanwhile.
    pub(crate) async fn from_file(
        file: &Path,
        use_precompiled: bool,
        limits: &Limits,
    ) -> (Result<Self, LoadError>, Arc<Lines>) {
        Self::on_machine(file, use_precompiled, limits, Machine::default()).await
    }

    /// Like [`Loaded::from_file`], on a machine with such limits.
    pub(crate) async fn on_machine(
        file: &Path,
        use_precompiled: bool,
        limits: &Limits,
        machine: Machine,
    ) -> (Result<Self, LoadError>, Arc<Lines>) {
        let code = CodeSources { precompiled: use_precompiled, ..CodeSources::default() };
        Self::with_code(file, code, limits, machine).await
    }

    /// Like [`Loaded::on_machine`], with code from these sources.
    pub(crate) async fn with_code(
        file: &Path,
        code: CodeSources,
        limits: &Limits,
        machine: Machine,
    ) -> (Result<Self, LoadError>, Arc<Lines>) {
        let ((log, lines), (telemetry, ended)) = (Log::memory(), recording());
        let (lines, metrics) = (Arc::new(lines), Metrics::unattached());
        let operator = OperatorSettings::default();
        let platform = Platform::new(limits.clone(), operator, code, metrics.clone(), log.clone());
        let platform = Arc::new(Platform { machine, ..platform });
        let loaded = LoadedComponent::load(Component::from_file(file), &platform).await.map(|component| {
            let egress = Arc::new(Egress::new(
                OperatorPolicy::default(),
                "test",
                telemetry.clone(),
                ProcessHttp { connections_max: 1000, ..ProcessHttp::default() },
                AllConnections::new(None, log.clone()),
                metrics.upstream.clone(),
            ));
            let plugin = Arc::new(Plugin::new(component, platform, egress));
            Self { plugin, metrics, telemetry, ended, log, lines: lines.clone() }
        });
        (loaded, lines)
    }

    /// Returns the guest's answer: the name of its frame.
    pub(crate) async fn ask(&self, asker: &Asker) -> Result<String, CallError> {
        let endpoint = Endpoint { name: "queryData", span: "sdk.queryData" };
        let (unanswered, owner) = self.begin(endpoint, asker, self.deadline(asker)).await;
        let query = Query {
            ref_id: "A".to_owned(),
            query_type: String::new(),
            max_data_points: 0,
            interval_ms: 0,
            time_range: TimeRange { start: 0, end: 0 },
            json: asker.script.clone().into(),
            index: 0,
            count: 1,
        };
        let answers = self.plugin.query(unanswered.call(), &owner, query, Format::Json).await?;
        let [Answered { frames, outcome, .. }] = answers.as_slice() else {
            panic!("{} answers", answers.len())
        };
        outcome.clone()?;
        unanswered.answered(Outcome::OK);
        let name = |frame: &bytes::Bytes| {
            let frame: serde_json::Value = serde_json::from_slice(frame).unwrap();
            frame["schema"]["name"].as_str().unwrap_or_default().to_owned()
        };
        Ok(frames.iter().map(name).collect())
    }

    /// Begins a call to run a stream.
    pub(crate) async fn begin_stream(&self, asker: &Asker) -> (Unanswered, Arc<Owner>) {
        let endpoint = Endpoint { name: "runStream", span: "sdk.runStream" };
        self.begin(endpoint, asker, self.deadline(asker).lasting()).await
    }

    fn deadline(&self, asker: &Asker) -> Deadline {
        let caller = asker.patience.map(|patience| CallerDeadline(Instant::now() + patience));
        Deadline::new(caller, self.plugin.platform.limits.call_timeout)
    }

    async fn begin(&self, endpoint: Endpoint, asker: &Asker, deadline: Deadline) -> (Unanswered, Arc<Owner>) {
        let context = asker.context.clone();
        let arrival = Arrival { endpoint, context, deadline, parent: Context::new() };
        let mut unanswered = Call::begin(arrival, self.telemetry.clone(), self.metrics.clone(), &self.log);
        let owner = self.plugin.owner(&unanswered.call().context).await;
        unanswered.started(Some(&owner.log));
        (unanswered, owner)
    }

    /// Asks in a separate task.
    pub(crate) fn start(&self, asker: &Asker) -> JoinHandle<Result<String, CallError>> {
        let (loaded, asker) = (self.clone(), asker.clone());
        tokio::spawn(async move { loaded.ask(&asker).await })
    }

    /// Returns the value of a metric, which is named with its labels.
    pub(crate) fn metric(&self, name: &str) -> String {
        let text = self.metrics.text().unwrap();
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.unwrap_or("none").to_owned()
    }

    /// Returns the log lines with this message.
    pub(crate) fn logged(&self, message: &str) -> Vec<serde_json::Value> {
        self.lines.json().into_iter().filter(|line| line["@message"] == message).collect()
    }
}

// === impl Asker ===

impl Asker {
    /// Makes a caller for the data source with this uid.
    pub(crate) fn of(uid: &str) -> Self {
        let settings = DataSourceSettings { uid: uid.to_owned(), ..Default::default() };
        let context = CallContext { subject: Subject::DataSource(settings), ..Default::default() };
        Self { context, ..Self::default() }
    }

    /// Returns the same caller with another script.
    pub(crate) fn to(&self, script: &str) -> Self {
        Self { script: script.to_owned(), ..self.clone() }
    }

    /// Returns the same caller, waiting no longer than this.
    pub(crate) fn within(&self, patience: Duration) -> Self {
        Self { patience: Some(patience), ..self.clone() }
    }

    pub(crate) fn settings(&mut self) -> &mut DataSourceSettings {
        let Subject::DataSource(settings) = &mut self.context.subject else { panic!("it is an app's") };
        settings
    }
}
