//! The executable that Grafana starts: it makes go-plugin's handshake, and then runs a host on the socket that the
//! handshake names, until Grafana ends it.

mod allocator;
mod describe;
mod doctor;
mod files;
#[cfg(any(test, feature = "fuzz"))]
pub(crate) mod fuzz;
mod handshake;
mod held;
mod info;
mod parent;
#[cfg(target_os = "linux")]
mod readable;
mod signal;
mod standalone;
mod watch;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread::available_parallelism;
use std::time::Duration;

use anyhow::Context as _;

pub use self::describe::describe;
pub use self::doctor::{Diagnosis, doctor};
use self::files::{Files, Identity};
use self::handshake::Refusal;
pub use self::held::hold;
pub use self::info::{BuildInfo, build_info};
use self::parent::Watched;
use self::standalone::Elsewhere;
use self::watch::Watch;
use crate::config::{Process, Settings};
use crate::host::Host;
use crate::log::{Log, Value};
use crate::net::files as open_files;
use crate::plugin::{Component, code};
use crate::serve::{Address, Listener};
use crate::shutdown::Shutdown;

/// How long the last log lines may take to be written.
const LOG_FLUSH: Duration = Duration::from_millis(100);

/// Runs the process as the plugin whose files are beside the executable, until Grafana ends it.
///
/// Everything comes from the environment, as Grafana sets it, and from the executable's directory: plugin.json, and the
/// component, which is `gpx_prices.wasm` for the executable `gpx_prices_linux_amd64`. The handshake is written to
/// standard output, and log lines to standard error.
///
/// Call it from `main`, before anything else: it watches for the parent's death, and a parent that died before could
/// not be distinguished from the process that took its place. It starts its own tokio runtime and sets the panic hook.
///
/// Returns success once Grafana has asked the plugin to stop or has died. Returns failure if Grafana did not start the
/// process or the plugin cannot be served; the reason is then on standard error. It is not a failure if the component
/// cannot be loaded: calls are then answered with the reason.
///
/// gpx-host's `main` calls it when there is no command. So can the executable of a plugin that adds its own commands.
/// If the component must be compiled, that executable is started a second time, without arguments, and this function
/// compiles: see [`Builder::compiler`](crate::Builder::compiler).
pub fn plugin() -> ExitCode {
    // Before this process opens anything.
    if std::env::args_os().next().is_some_and(|name| name == code::COMPILER) {
        allocator::share_heaps();
        return code::compile_for_parent();
    }
    // Before there is another thread.
    let settings = Settings::take_env();
    let parent = Watched::parent();
    start(settings, |settings, log| {
        handshake::accept(&settings.process)?;
        block_on(run(settings, parent, log.clone()))
    })
}

/// Prepares the process, and has it serve.
fn start(settings: Settings, serve: impl FnOnce(Settings, &Log) -> anyhow::Result<()>) -> ExitCode {
    allocator::return_large_blocks();
    allocator::merge_at_once();
    open_files::raise_limit();
    allocator::save_address_space();
    let log = match Log::stderr() {
        Ok(log) => log,
        Err(error) => {
            eprintln!("Cannot start the log's thread: {error}");
            return ExitCode::FAILURE;
        }
    };
    let of_panics = log.clone();
    std::panic::set_hook(Box::new(move |panic| {
        of_panics.error(&format!("gpx-host has a bug: {panic}"), &[]);
    }));
    let code = match serve(settings, &log) {
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

fn block_on(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let workers = available_parallelism().map_or(2, |cores| cores.get().max(2));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(workers).enable_all().build()?;
    let result = runtime.block_on(work);
    // Work that is still running must not delay the end.
    runtime.shutdown_background();
    result
}

async fn run(settings: Settings, parent: std::io::Result<Option<Watched>>, log: Log) -> anyhow::Result<()> {
    let shutdown = Shutdown::new();
    signal::handle(&shutdown).context("cannot handle signals")?;
    let executable = executable()?;
    let files = Files::beside(&executable);
    let identity = files.identity().unwrap_or_else(|error| {
        let file = Value::from(files.metadata.display().to_string());
        log.error(&error.to_string(), &[("file", file)]);
        Identity::default()
    });
    if let Some(Elsewhere { address, pid }) = held_elsewhere(&executable, &identity, &settings.process, &log)
    {
        let held = pid.and_then(|pid| Watched::with_id(pid).ok().flatten());
        handshake::announce(&Address { network: "tcp", address }, &settings.process)
            .context("cannot write the handshake to standard output")?;
        follow(parent, &shutdown, &log);
        tokio::select! {
            () = shutdown.triggered() => {}
            () = gone(held) => {
                log.info("The process that was held is gone, so Grafana has to start the plugin again", &[]);
            }
        }
        return Ok(());
    }
    let listener = Listener::bind(&settings.process)?;
    let address = listener.address()?;
    if !handshake::is_version_offered(&settings.process.versions) {
        let versions = Value::from(settings.process.versions.clone());
        log.warn("Grafana offers only other protocol versions", &[("versions", versions)]);
    }
    // Before the component is read: Grafana delays every request to the plugin until it has this line.
    handshake::announce(&address, &settings.process)
        .context("cannot write the handshake to standard output")?;
    follow(parent, &shutdown, &log);

    let host = host(settings, files, identity, log, shutdown, executable)?;
    Ok(host.serve(listener).await?)
}

/// Returns the process that somebody holds in place of this one.
fn held_elsewhere(executable: &Path, identity: &Identity, process: &Process, log: &Log) -> Option<Elsewhere> {
    let directory = executable.parent()?;
    match standalone::find(directory, &identity.id, process) {
        Ok(held) => {
            let held = held?;
            let text = Value::from(held.address.clone());
            log.info(
                "The plugin is held by somebody: Grafana connects to that process",
                &[("address", text)],
            );
            Some(held)
        }
        Err(error) => {
            let place = Value::from(directory.display().to_string());
            log.warn(&error.to_string(), &[("directory", place)]);
            None
        }
    }
}

/// Returns once the process is gone, if it can be watched.
async fn gone(process: Option<Watched>) {
    let exit = match process {
        Some(process) => process.exit().await.ok(),
        None => None,
    };
    if exit.is_none() {
        std::future::pending().await
    }
}

fn host(
    settings: Settings,
    files: Files,
    Identity { id, version, .. }: Identity,
    log: Log,
    shutdown: Shutdown,
    executable: PathBuf,
) -> anyhow::Result<Host> {
    let component = Component::from_file(files.component);
    let (component, watch) =
        if settings.section.watch { Watch::begin(component, &log) } else { (component, None) };
    let host = Host::builder(component).identity(id, version).settings(settings);
    let host = host.log(log.clone()).shutdown(shutdown);
    let host = if code::HAS_COMPILER { host.compiler(myself(executable)) } else { host.without_compiler() };
    let host = host.build()?;
    if let Some(watch) = watch {
        tokio::spawn(watch.follow(host.clone(), log));
    }
    Ok(host)
}

/// Returns what starts this very program again. By its path, that would be another program once a newer one has taken
/// its place.
fn myself(executable: PathBuf) -> PathBuf {
    let running = Path::new("/proc/self/exe");
    if running.exists() { running.to_owned() } else { executable }
}

fn executable() -> anyhow::Result<PathBuf> {
    // Without /proc, the system does not know the path, but Grafana starts a plugin by its path.
    #[expect(clippy::disallowed_methods, reason = "a failure is handled here")]
    let executable = std::env::current_exe().ok().or_else(|| std::env::args_os().next().map(PathBuf::from));
    executable.context("cannot find the path of the executable")
}

/// Triggers the shutdown when the parent is gone.
fn follow(parent: std::io::Result<Option<Watched>>, shutdown: &Shutdown, log: &Log) {
    let (shutdown, log) = (shutdown.clone(), log.clone());
    tokio::spawn(async move {
        let exit = match parent {
            Ok(Some(parent)) => parent.exit().await,
            Ok(None) => return,
            Err(error) => Err(error),
        };
        match exit {
            Ok(()) => {
                log.info("Grafana is gone, so its plugin exits too", &[]);
                shutdown.trigger();
            }
            Err(error) => {
                let error = Value::from(error.to_string());
                log.warn("The plugin will not notice if Grafana crashes", &[("error", error)]);
            }
        }
    });
}
