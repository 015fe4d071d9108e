//! What `gpx-host doctor` finds: the plugin's files, the settings, and whether the collector takes a span.

use std::fmt::Write as _;
use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

use super::executable;
use super::files::{Files, Identity};
use crate::config::Settings;
use crate::host::problems;
use crate::log::Log;
use crate::telemetry::{Fact, Probed, ServiceIdentity, TracingConfig, probe};

/// What a component begins with.
const WASM: &[u8] = b"\0asm";

/// What was found.
#[derive(Clone, Debug)]
pub struct Diagnosis {
    /// For people, in several lines.
    pub text: String,
    /// Whether the collector has taken the test span.
    pub works: bool,
}

/// Checks the plugin whose files are beside the executable, with the settings in the environment, as Grafana would start
/// it.
///
/// Reports where tracing is configured, sends a test span to the collector, and says what to do if it does not arrive. Waits
/// for the collector's answer, by default up to 11 s.
///
/// Call it from `main`, before there is another thread: it removes OpenTelemetry's variables from the environment.
///
/// gpx-host's `main` calls it for the command `doctor`. So can the executable of a plugin that adds its own commands.
pub fn doctor() -> Diagnosis {
    let mut text = String::new();
    let settings = Settings::take_env();
    let identity = files(&mut text);
    let (config, of_tracing) = TracingConfig::parse(&settings.tracing);
    for problem in problems(&settings).into_iter().chain(of_tracing.iter().map(ToString::to_string)) {
        line(&mut text, "problem", &problem);
    }
    let facts = match config.facts() {
        Ok(facts) => facts,
        Err(off) => {
            line(&mut text, "tracing", &format!("off: {off}"));
            return Diagnosis { text, works: false };
        }
    };
    for Fact { name, value, origin } in facts {
        line(&mut text, name, &format!("{value} ({origin})"));
    }
    let probed =
        trace(&config, identity).unwrap_or_else(|error| Probed::Impossible { error: error.to_string() });
    let works = match probed {
        Probed::Taken(trace) => {
            line(&mut text, "test span", &format!("the collector has taken it, as trace {trace}"));
            true
        }
        Probed::Refused { error } => {
            line(&mut text, "test span", &format!("the collector does not take it: {error}"));
            line(&mut text, "remedy", "check the collector's log and limits");
            false
        }
        Probed::Failed { cause, error } => {
            line(&mut text, "test span", &format!("failed ({}): {error}", cause.name()));
            line(&mut text, "remedy", cause.remedy());
            false
        }
        Probed::Impossible { error } => {
            line(&mut text, "test span", &format!("cannot be sent: {error}"));
            false
        }
    };
    Diagnosis { text, works }
}

fn files(text: &mut String) -> Identity {
    let executable = match executable() {
        Ok(executable) => executable,
        Err(error) => {
            line(text, "problem", &error.to_string());
            return Identity::default();
        }
    };
    let files = Files::beside(&executable);
    match begins_with(&files.component, WASM) {
        Ok(true) => line(text, "component", &files.component.display().to_string()),
        Ok(false) => {
            line(text, "problem", &format!("{} is not a WebAssembly component", files.component.display()));
        }
        Err(error) => {
            line(
                text,
                "problem",
                &format!("cannot read the component {}: {error}", files.component.display()),
            );
        }
    }
    files.identity().inspect(|identity| line(text, "plugin", &identity.id)).unwrap_or_else(|error| {
        line(text, "problem", &error.to_string());
        Identity::default()
    })
}

fn begins_with(file: &Path, magic: &[u8]) -> std::io::Result<bool> {
    let mut beginning = Vec::new();
    std::fs::File::open(file)?.take(magic.len() as u64).read_to_end(&mut beginning)?;
    Ok(beginning == magic)
}

fn trace(config: &TracingConfig, identity: Identity) -> std::io::Result<Probed> {
    let Identity { id, version, .. } = identity;
    let id = if id.is_empty() { "gpx-host".to_owned() } else { id };
    // What would be logged is in the answer.
    let log = Log::to(std::io::sink())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let probed = runtime.block_on(probe(config, ServiceIdentity { id, version }, &log));
    runtime.shutdown_timeout(Duration::ZERO);
    Ok(probed)
}

fn line(text: &mut String, name: &str, value: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{name:<18} {value}");
}
