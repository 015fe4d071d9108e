//! The life of the process: bind, tell Grafana where, load the component, serve, and save what there is at the end.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tonic::service::Routes;

use crate::capability::scrub::Scrub;
use crate::capability::tracer::key_value;
use crate::config::{self, Config};
use crate::convert::Operator;
use crate::egress::{self, Egress, Patterns};
use crate::handshake;
use crate::log::{Log, Value};
use crate::metrics::Metrics;
use crate::plugin::{self, Component, Files, Identity, Limits, LoadError, Plugin};
use crate::rpc::layer::Layers;
use crate::rpc::layer::observe::ObserveLayer;
use crate::rpc::layer::panic::PanicLayer;
use crate::rpc::{self, Backend, go_plugin};
use crate::serve::parent::Parent;
use crate::serve::{self, Listener, signal};
use crate::shutdown::Shutdown;
use crate::telemetry::{self, Telemetry};

/// Time for sending the last spans. Grafana kills a plugin 2 s after it asked it to stop.
const FLUSH: Duration = Duration::from_millis(1200);

/// Runs as the plugin whose files stand beside `executable`, until Grafana ends it.
pub async fn run(
    config: Config,
    executable: &Path,
    parent: std::io::Result<Option<Parent>>,
    log: Log,
) -> anyhow::Result<()> {
    let shutdown = Shutdown::new();
    signal::handle(&shutdown).context("signals cannot be handled")?;
    let listener = Listener::bind(&config.process)?;
    let address = listener.address()?;
    if !handshake::is_version_offered(&config.process.versions) {
        let versions = Value::from(config.process.versions.clone());
        log.warn("Grafana offers only other protocol versions", &[("versions", versions)]);
    }
    // Before the component is read: Grafana holds back every request to the plugin until it has this line.
    handshake::announce(&address, &config.process)
        .context("the handshake cannot be written to standard output")?;
    follow(parent, &shutdown, &log);

    let (tracing, tracing_problems) = telemetry::Config::parse(telemetry::Settings {
        address: &config.tracing.address,
        propagation: &config.tracing.propagation,
        sampler_type: &config.tracing.sampler_type,
        sampler_param: &config.tracing.sampler_param,
    });
    for problem in &tracing_problems {
        log.error(&problem.to_string(), &[]);
    }
    let (allow_hosts, bad_hosts) = Patterns::parse(config.settings.allow_hosts.iter().map(String::as_str));
    let problems = config.problems.iter().map(|problem| format!("{}: {}", problem.key, problem.text));
    let problems: Vec<_> = problems.chain(bad_hosts.iter().map(ToString::to_string)).collect();
    for problem in &problems {
        log.error(problem, &[]);
    }

    let telemetry = Arc::default();
    let metrics = Metrics::new(Arc::clone(&telemetry), log.clone())?;
    let observe = ObserveLayer::new(Arc::clone(&telemetry), metrics.clone(), &address);
    let layers = Layers { observe, panic: PanicLayer::new(log.clone()) };
    let backend = Backend::new(rpc::Parts {
        telemetry,
        problems,
        call_timeout: config.settings.call_timeout,
        metrics: metrics.clone(),
        log: log.clone(),
        shutdown: shutdown.clone(),
    });
    let mut routes = Routes::builder();
    go_plugin::add_to(&mut routes, &shutdown).await?;
    backend.add_to(&mut routes);
    let files = Files::beside(executable);
    let loading = tokio::spawn(load(config, egress::Config { allow_hosts }, files, tracing, metrics, log));
    let waiting = backend.clone();
    tokio::spawn(async move {
        // Whatever happens, the calls that wait must get an answer.
        let (plugin, telemetry) = loading.await.unwrap_or_else(|panic| {
            (Err(LoadError::Host { reason: panic.to_string() }), Telemetry::default())
        });
        waiting.loaded(plugin, telemetry);
    });
    let drain = async move { backend.drain(FLUSH).await };
    serve::run(listener, routes.routes(), layers, shutdown, drain).await?;
    Ok(())
}

/// Loads the component while calls wait for it. What goes wrong is the answer to each of them.
async fn load(
    config: Config,
    egress: egress::Config,
    files: Files,
    tracing: telemetry::Config,
    metrics: Metrics,
    log: Log,
) -> (Result<Arc<Plugin>, LoadError>, Telemetry) {
    let Config { settings, operator, plugin_version, .. } = config;
    let identity = files.identity().unwrap_or_else(|| {
        let file = Value::from(files.metadata.display().to_string());
        log.error(
            "There is no plugin.json that says the plugin's id; put it beside the executable",
            &[("file", file)],
        );
        Identity::default()
    });
    let limits = limits(&settings);
    let loaded = Component::load(files, settings.precompiled, &limits, &log).await;
    let attributes = match &loaded {
        Ok(component) => {
            // The component has no secret yet.
            let scrub = Scrub::default();
            let attributes = component.manifest.attributes.iter().cloned();
            attributes.map(|attribute| key_value(attribute, &scrub)).collect()
        }
        Err(error) => {
            log.error(
                "The plugin's component cannot be loaded",
                &[("error", Value::from(error.to_string()))],
            );
            Vec::new()
        }
    };
    let version = Some(identity.version).filter(|version| !version.is_empty()).or(plugin_version);
    let service = telemetry::Service { id: identity.id.clone(), version: version.unwrap_or_default() };
    let telemetry = Telemetry::start(&tracing, service, attributes, log.clone());
    let plugin = loaded.map(|component| {
        let egress = Egress::new(egress, &identity.id, telemetry.clone());
        let operator =
            Operator { settings: operator.into_iter().collect(), deny_secrets: settings.deny_secrets };
        let parts = plugin::Parts { limits, operator, egress: Arc::new(egress), metrics, log };
        Arc::new(Plugin::new(component, parts))
    });
    (plugin, telemetry)
}

fn limits(settings: &config::Settings) -> Limits {
    let bytes = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
    Limits {
        call_timeout: settings.call_timeout,
        cpu_timeout: settings.cpu_timeout,
        memory_max: bytes(settings.memory_max),
        memory_total: bytes(settings.memory_total),
        instances_max: settings.instances_max,
    }
}

/// Stops when the parent is gone.
fn follow(parent: std::io::Result<Option<Parent>>, shutdown: &Shutdown, log: &Log) {
    let (shutdown, log) = (shutdown.clone(), log.clone());
    tokio::spawn(async move {
        let exit = match parent {
            Ok(Some(parent)) => parent.exit().await,
            Ok(None) => return,
            Err(error) => Err(error),
        };
        match exit {
            Ok(()) => {
                log.info("Grafana is gone, so its plugin ends too", &[]);
                shutdown.trigger();
            }
            Err(error) => {
                let error = Value::from(error.to_string());
                log.warn("The plugin will not notice if Grafana crashes", &[("error", error)]);
            }
        }
    });
}
