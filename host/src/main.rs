//! The executable's commands. Without a command, it runs as the plugin that Grafana starts.

use std::io::Write as _;
use std::process::ExitCode;

use gpx_host::{Component, Settings, launch};

/// The default target of code that is compiled ahead of time.
const TARGET: &str = "x86_64-unknown-linux-gnu";

const HELP: &str = "\
gpx-host is the backend of a Grafana plugin. Grafana starts it, without arguments.

Commands that you can run yourself:
  gpx-host compile COMPONENT.wasm [--target TRIPLE]
                       compile a component ahead of time to a .cwasm beside it
  gpx-host describe COMPONENT.wasm
                       print what a component says of itself, as JSON
  gpx-host doctor      check the plugin beside the executable, with the settings in the
                       environment, and send a test span to the collector
  gpx-host --version   print the version of the plugin beside the executable, or without one
                       those of gpx-host and of its WebAssembly engine
  gpx-host --buildinfo print what is known about the plugin's build, as JSON
  gpx-host --standalone
                       serve the plugin beside the executable until it is interrupted, for
                       a debugger or a container; Grafana connects to it
  gpx-host settings    print the settings for grafana.ini as Markdown
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        [] => launch::plugin(),
        ["--version" | "-version"] => match launch::build_info() {
            Ok(info) if !info.version.is_empty() => print(&format!("{}\n", info.version)),
            _ => print(&format!(
                "gpx-host {}\nwasmtime {}\n",
                env!("CARGO_PKG_VERSION"),
                wasmtime_environ::VERSION
            )),
        },
        ["--buildinfo" | "-buildinfo"] => match launch::build_info() {
            Ok(info) => print(&format!("{}\n", info.json)),
            Err(error) => {
                eprintln!("{error}");
                ExitCode::FAILURE
            }
        },
        ["--standalone" | "-standalone"] => launch::hold(),
        ["compile", component] => compile(component, TARGET),
        ["compile", component, "--target", target] => compile(component, target),
        ["describe", component] => match launch::describe(component) {
            Ok(json) => print(&format!("{json}\n")),
            Err(error) => {
                eprintln!("{error:#}");
                ExitCode::FAILURE
            }
        },
        ["doctor"] => doctor(),
        ["settings"] => print(&Settings::markdown()),
        ["help" | "--help" | "-h"] => print(HELP),
        _ => {
            eprint!("Unknown command.\n\n{HELP}");
            ExitCode::from(2)
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the commands that people run print to standard output")]
fn print(text: &str) -> ExitCode {
    match std::io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Succeeds if the collector has taken a span.
fn doctor() -> ExitCode {
    let launch::Diagnosis { text, works } = launch::doctor();
    let printed = print(&text);
    if works { printed } else { ExitCode::FAILURE }
}

/// Compiles a component ahead of time.
fn compile(component: &str, target: &str) -> ExitCode {
    match Component::from_file(component).compile_ahead(target) {
        Ok(output) => print(&format!("{}\n", output.display())),
        Err(error) => {
            eprintln!("{:#}", anyhow::Error::from(error));
            ExitCode::FAILURE
        }
    }
}
