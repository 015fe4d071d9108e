//! Makes a host from a component and the operator's settings.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::{Mutex, watch};

use super::problems::problems;
use super::{Error, Host, Inner};
use crate::budget::Limits;
use crate::call::bears_credentials;
use crate::config::{Origin, Section, Settings};
use crate::egress::{
    AllConnections, AllowedPaths, OperatorPolicy, Patterns, ProcessHttp, Proxies, response_limit,
};
use crate::log::Log;
use crate::metrics::Metrics;
use crate::net::{RootPaths, files};
use crate::plugin::code::{CodeSources, Compiler};
use crate::plugin::{self, Component, Current, OperatorSettings, Platform};
use crate::rpc::{Backend, BackendParts};
use crate::serve::OpenSpans;
use crate::shutdown::Shutdown;
use crate::tape::Tape;
use crate::telemetry::{ServiceIdentity, Telemetry, TracingConfig};

/// Configures and makes a [`Host`].
///
/// [`Host::builder`] returns one. Both the executable and a program that embeds a plugin make their host with it.
pub struct Builder {
    component: Component,
    settings: Settings,
    id: String,
    version: String,
    compiler: Compiler,
    log: Option<Log>,
    shutdown: Shutdown,
}

// === impl Host ===

impl Host {
    /// Returns a builder for a host that runs `component`. Without further calls, it has no identity and the default
    /// settings.
    pub fn builder(component: Component) -> Builder {
        Builder::new(component)
    }
}

// === impl Builder ===

impl Builder {
    fn new(component: Component) -> Self {
        let (settings, id, version) = (Settings::default(), String::new(), String::new());
        let (compiler, shutdown) = (Compiler::default(), Shutdown::new());
        Self { component, settings, id, version, compiler, log: None, shutdown }
    }

    /// Sets the plugin's id and version, as in its plugin.json. They identify the service in traces. The id also
    /// appears in messages for the operator, as the section of grafana.ini.
    ///
    /// Both are empty by default. If the version is empty, `GF_PLUGIN_VERSION` of the settings is used.
    #[must_use]
    pub fn identity(mut self, id: impl Into<String>, version: impl Into<String>) -> Self {
        (self.id, self.version) = (id.into(), version.into());
        self
    }

    /// Sets the operator's settings. By default, all settings have their default values: the plugin may then reach only
    /// the origin of the data source's own URL, and tracing is off.
    #[must_use]
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// Names an executable of this version of gpx-host, or another whose `main` calls
    /// [`launch::plugin`](crate::launch::plugin). A component that must be compiled is then compiled in a process of that
    /// executable, with limits on its time and its memory.
    ///
    /// By default, components are compiled in this process, without limits. Name an executable if your program loads
    /// components of others: some are made to keep a compiler busy for hours, or to use up memory.
    #[must_use]
    pub fn compiler(mut self, executable: impl Into<PathBuf>) -> Self {
        self.compiler = Compiler::Process(executable.into());
        self
    }

    /// Has only code used that was compiled ahead of time.
    pub(crate) fn without_compiler(mut self) -> Self {
        self.compiler = Compiler::Nobody;
        self
    }

    pub(crate) fn log(mut self, log: Log) -> Self {
        self.log = Some(log);
        self
    }

    /// Sets the signal that ends the service.
    pub(crate) fn shutdown(mut self, shutdown: Shutdown) -> Self {
        self.shutdown = shutdown;
        self
    }

    /// Makes the host and returns at once. The component is loaded in the background.
    ///
    /// Invalid settings are not errors: the log and the health check report them. Log lines are written to standard
    /// error, as JSON in the form that Grafana reads.
    ///
    /// Must be called in a multi-threaded tokio runtime with I/O and time enabled, and panics outside of a runtime. All
    /// of the host's work is done in that runtime, except for long work of components, which has threads of its own: in a
    /// test, do not pause tokio's clock, since it runs ahead while they work and all time limits are over at once.
    ///
    /// Fails with [`Error::Setup`] if the log's thread cannot be started or the metrics cannot be registered.
    pub fn build(self) -> Result<Host, Error> {
        let Self { component, settings, id, version, compiler, log, shutdown } = self;
        let runtime = Handle::try_current().map_err(Error::setup)?;
        let log = log.map_or_else(|| Log::stderr().map_err(Error::setup), Ok)?;
        let problems = problems(&settings);
        let Settings { tracing, upstreams, section, operator, aws, proxies, plugin_version, app_url, .. } =
            settings;
        let (tracing, tracing_problems) = TracingConfig::parse(&tracing);
        // What is wrong with Grafana's own configuration is not for the health checks of one plugin.
        let (of_plugin, of_grafana): (Vec<_>, Vec<_>) =
            tracing_problems.iter().partition(|problem| matches!(problem.origin(), Origin::Plugin(_)));
        for problem in of_grafana {
            log.error(&problem.to_string(), &[]);
        }
        let problems: Vec<_> =
            problems.into_iter().chain(of_plugin.iter().map(ToString::to_string)).collect();
        let (tape, of_tape) = Tape::open(section.record.as_deref(), section.replay.as_deref(), &log);
        let problems: Vec<_> = problems.into_iter().chain(of_tape).collect();
        for problem in &problems {
            log.error(problem, &[]);
        }
        // It may refer to the lines above.
        tracing.announce(&log);

        let (hosts, _) = Patterns::parse(section.allow_hosts.iter().map(String::as_str));
        let (paths, _) = AllowedPaths::parse(section.allow_paths.iter().map(String::as_str));
        let credentials: Vec<_> =
            section.allow_headers.iter().filter(|name| bears_credentials(name)).cloned().collect();
        if !credentials.is_empty() {
            let message = "gpx_allow_headers names headers that bear credentials, which no component gets; remove them from it";
            log.warn(message, &[("headers", credentials.into())]);
        }

        let http = ProcessHttp {
            connections_max: section.connections_max,
            response_limit: response_limit(&upstreams.response_limit),
            roots: RootPaths { more: section.ca_file.clone(), ..RootPaths::of_environment() },
        };
        let (loading, current) = plugin::loading();
        let connections = AllConnections::new(files::limit(), log.clone());
        let metrics = metrics(current.clone(), log.clone(), &connections).map_err(Error::setup)?;
        let operator = OperatorSettings {
            settings: operator.into_iter().collect(),
            deny_secrets: section.deny_secrets.clone(),
            allow_headers: section.allow_headers.clone(),
            aws,
            secure_socks: proxies.secure_socks.clone(),
        };
        let backend = Backend::new(BackendParts {
            current: current.clone(),
            problems,
            call_timeout: section.call_timeout,
            app_url,
            metrics: metrics.clone(),
            log: log.clone(),
            shutdown: shutdown.clone(),
        });
        let code = CodeSources {
            precompiled: section.precompiled,
            cache_dir: section.cache_dir.clone(),
            compiler,
            watched: section.watch,
        };
        let platform = Platform { tape, ..Platform::new(limits(&section), operator, code, metrics, log) };
        platform.measure().map_err(Error::setup)?;
        let version = Some(version).filter(|version| !version.is_empty()).or(plugin_version);
        let host = Host(Arc::new(Inner {
            platform: Arc::new(platform),
            operator: OperatorPolicy {
                hosts,
                paths,
                deny_private: section.deny_private,
                proxies: Arc::new(Proxies::parse(&proxies).0),
            },
            http,
            connections,
            tracing,
            spans: Arc::new(section.spans),
            identity: ServiceIdentity { id, version: version.unwrap_or_default() },
            loading,
            current,
            backend,
            open: OpenSpans::default(),
            shutdown,
            serving: watch::Sender::new(0),
            replacing: Mutex::default(),
        }));
        let (inner, waiting) = (host.0.clone(), host.0.clone());
        let loading = runtime.spawn(async move { inner.load(component).await });
        runtime.spawn(async move {
            if let Err(panic) = loading.await {
                waiting.failed(panic.to_string());
            }
        });
        Ok(host)
    }
}

fn metrics(
    current: Current,
    log: Log,
    connections: &Arc<AllConnections>,
) -> Result<Metrics, crate::metrics::MetricsError> {
    let metrics = Metrics::new()?;
    let help = "Log lines dropped because the reader of stderr was too slow";
    metrics.counter("gpx_log_lines_dropped_total", help, move || log.dropped())?;
    let (open, waiting) = (connections.clone(), connections.clone());
    metrics.gauge("gpx_connections", "Open connections to upstreams", move || open.open())?;
    let help = "Requests that wait until they may have a connection";
    metrics.gauge("gpx_connections_waiting", help, move || waiting.waiting())?;
    of_spans(&metrics, &current)?;
    Ok(metrics)
}

/// What becomes of spans.
fn of_spans(metrics: &Metrics, current: &Current) -> Result<(), crate::metrics::MetricsError> {
    let help = "Spans that the collector has taken";
    metrics.counter("gpx_spans_exported_total", help, of(current, Telemetry::exported))?;
    let help = "Ended spans that did not reach the collector, by reason";
    let lost = of(current, |telemetry| telemetry.losses().by_reason().to_vec());
    metrics.counters("gpx_spans_dropped_total", help, "reason", lost)?;
    let help = "Requests to the collector, by result";
    let attempts = of(current, Telemetry::export_attempts);
    metrics.counters("gpx_export_requests_total", help, "result", attempts)?;
    let help = "Requests to the collector that were sent again";
    metrics.counter("gpx_export_retries_total", help, of(current, Telemetry::export_retries))?;
    let help = "1 while spans cannot be exported, by cause";
    metrics.gauges("gpx_export_failing", help, "cause", of(current, Telemetry::export_failing))?;
    let help = "Memory of ended spans that wait for the collector, beside what components cost";
    metrics.gauge("gpx_spans_waiting_bytes", help, of(current, Telemetry::bytes))
}

/// Returns what reads a value of the tracing of whatever component is loaded then. Before one is, nothing is recorded.
fn of<T>(current: &Current, read: fn(&Telemetry) -> T) -> impl Fn() -> T + Send + Sync + use<T> {
    let current = current.clone();
    move || match current.now() {
        Some(loaded) => read(&loaded.telemetry),
        None => read(&Telemetry::default()),
    }
}

fn limits(section: &Section) -> Limits {
    let bytes = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
    Limits {
        call_timeout: section.call_timeout,
        cpu_timeout: section.cpu_timeout,
        memory_max: bytes(section.memory_max),
        memory_total: bytes(section.memory_total),
        instances_max: section.instances_max,
        streams_max: section.streams_max,
    }
}
