//! The executable that Grafana starts: configuration, socket, handshake, services, end.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread::available_parallelism;
use std::time::Duration;

use anyhow::Context as _;
use gpx_host::config::{self, Config};
use gpx_host::handshake::{self, Refusal};
use gpx_host::log::Log;
use gpx_host::plugin::precompiled;
use gpx_host::process;
use gpx_host::serve::parent::Parent;

/// Time for writing the last log lines.
const LOG_FLUSH: Duration = Duration::from_millis(100);

/// Where code that is compiled ahead runs, if nothing else is said.
const TARGET: &str = "x86_64-unknown-linux-gnu";

const HELP: &str = "\
gpx-host is the back end of a Grafana plugin: Grafana starts it, without arguments.

By hand:
  gpx-host compile COMPONENT.wasm [--target TRIPLE]
                       compile a component ahead of time, into a .cwasm beside it
  gpx-host --version   the versions of gpx-host and of its WebAssembly engine
  gpx-host settings    the settings of grafana.ini, as Markdown
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        [] => plugin(),
        ["--version" | "-version"] => print(&format!(
            "gpx-host {}\nwasmtime {}\n",
            env!("CARGO_PKG_VERSION"),
            wasmtime_environ::VERSION
        )),
        ["compile", component] => compile(component, TARGET),
        ["compile", component, "--target", target] => compile(component, target),
        ["settings"] => print(&config::markdown()),
        ["help" | "--help" | "-h"] => print(HELP),
        _ => {
            eprint!("There is no such command.\n\n{HELP}");
            ExitCode::from(2)
        }
    }
}

fn print(text: &str) -> ExitCode {
    match std::io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Runs as a plugin, until Grafana ends it.
fn plugin() -> ExitCode {
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
        of_panics.error(&format!("gpx-host has a bug: {panic}"), &[])
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
    let config = Config::from_env();
    handshake::accept(&config.process)?;
    // Without /proc the system does not tell; Grafana starts a plugin by its path.
    let executable = std::env::current_exe().ok().or_else(|| std::env::args_os().next().map(PathBuf::from));
    let executable = executable.context("the executable does not know where it is")?;
    let workers = available_parallelism().map_or(2, |cores| cores.get().max(2));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(workers).enable_all().build()?;
    let result = runtime.block_on(process::run(config, &executable, parent, log.clone()));
    // Whatever still runs must not hold up the end.
    runtime.shutdown_background();
    result
}

/// Compiles a component ahead of time.
fn compile(component: &str, target: &str) -> ExitCode {
    match precompiled::compile(Path::new(component), target) {
        Ok(output) => print(&format!("{}\n", output.display())),
        Err(error) => {
            eprintln!("{:#}", anyhow::Error::from(error));
            ExitCode::FAILURE
        }
    }
}
