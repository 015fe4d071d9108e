//! The executable that Grafana starts: go-plugin's handshake, then a host on the socket that it names, until Grafana ends
//! it.

mod files;
mod handshake;
mod parent;
mod signal;

use std::path::PathBuf;
use std::process::ExitCode;
use std::thread::available_parallelism;
use std::time::Duration;

use anyhow::Context as _;

use self::files::{Files, Identity};
use self::handshake::Refusal;
use self::parent::Parent;
use crate::config::Settings;
use crate::host::Host;
use crate::log::{Log, Value};
use crate::plugin::Component;
use crate::serve::Listener;
use crate::shutdown::Shutdown;

/// Time for writing the last log lines.
const LOG_FLUSH: Duration = Duration::from_millis(100);

/// Runs as the plugin whose files are beside the executable, until Grafana ends it. To be called from `main`, before
/// anything else: a parent that dies first could not be told from another process.
pub fn plugin() -> ExitCode {
    let parent = Parent::find();
    let log = match Log::stderr() {
        Ok(log) => log,
        Err(error) => {
            eprintln!("The log's thread cannot be started: {error}");
            return ExitCode::FAILURE;
        }
    };
    let of_panics = log.clone();
    std::panic::set_hook(Box::new(move |panic| {
        of_panics.error(&format!("gpx-host has a bug: {panic}"), &[]);
    }));
    let code = match serve(parent, &log) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            match error.downcast_ref() {
                Some(refusal @ Refusal::NotStartedByGrafana) => eprintln!("{refusal}"),
                _ => log.error(&format!("The plugin cannot run: {error:#}"), &[]),
            }
            ExitCode::FAILURE
        }
    };
    log.flush(LOG_FLUSH);
    code
}

fn serve(parent: std::io::Result<Option<Parent>>, log: &Log) -> anyhow::Result<()> {
    let settings = Settings::from_env();
    handshake::accept(&settings.process)?;
    let workers = available_parallelism().map_or(2, |cores| cores.get().max(2));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(workers).enable_all().build()?;
    let result = runtime.block_on(run(settings, parent, log.clone()));
    // Whatever still runs must not hold up the end.
    runtime.shutdown_background();
    result
}

async fn run(settings: Settings, parent: std::io::Result<Option<Parent>>, log: Log) -> anyhow::Result<()> {
    let shutdown = Shutdown::new();
    signal::handle(&shutdown).context("signals cannot be handled")?;
    let listener = Listener::bind(&settings.process)?;
    let address = listener.address()?;
    if !handshake::is_version_offered(&settings.process.versions) {
        let versions = Value::from(settings.process.versions.clone());
        log.warn("Grafana offers only other protocol versions", &[("versions", versions)]);
    }
    // Before the component is read: Grafana holds back every request to the plugin until it has this line.
    handshake::announce(&address, &settings.process)
        .context("the handshake cannot be written to standard output")?;
    follow(parent, &shutdown, &log);

    let files = Files::beside(&executable()?);
    let Identity { id, version } = files.identity().unwrap_or_else(|| {
        let file = Value::from(files.metadata.display().to_string());
        log.error(
            "There is no plugin.json that says the plugin's id; put it beside the executable",
            &[("file", file)],
        );
        Identity::default()
    });
    let component = Component::from_file(files.component);
    let host = Host::builder(component).identity(id, version).settings(settings).log(log).shutdown(shutdown);
    Ok(host.build()?.serve(listener).await?)
}

fn executable() -> anyhow::Result<PathBuf> {
    // Without /proc the system does not say; Grafana starts a plugin by its path.
    #[expect(clippy::disallowed_methods, reason = "it may fail here")]
    let executable = std::env::current_exe().ok().or_else(|| std::env::args_os().next().map(PathBuf::from));
    executable.context("the executable does not know where it is")
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
