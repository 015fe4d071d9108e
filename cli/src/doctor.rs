//! `gpx doctor`: what gpx needs on this machine, and what the project and its settings lack.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Result, bail};
use serde_json::json;

use crate::build::cargo;
use crate::project::Project;
use crate::terminal::{Output, shown};
use crate::{check, host};

/// Check the toolchain, gpx-host, the project, and the settings in the environment.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The project.
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// Print what was found as JSON.
    #[arg(long)]
    json: bool,
}

/// The oldest compiler that builds gpx-sdk.
const RUST: (u32, u32) = (1, 95);

struct Found {
    what: &'static str,
    /// `None` if nothing depends on it.
    is_fine: Option<bool>,
    text: String,
}

pub(crate) fn doctor(arguments: &Arguments) -> Result<()> {
    let mut found = vec![compiler(), target(arguments), beside()];
    project(arguments, &mut found);
    let problems = found.iter().filter(|found| found.is_fine == Some(false)).count();
    let mut output = Output::new();
    if arguments.json {
        let all: Vec<_> = found
            .iter()
            .map(|found| json!({ "what": found.what, "fine": found.is_fine, "text": found.text }))
            .collect();
        output.line(json!({ "found": all }))?;
    } else {
        let paint = output.paint();
        for Found { what, is_fine, text } in &found {
            let mark = match is_fine {
                Some(true) => paint.green("ok     "),
                Some(false) => paint.red("problem"),
                None => paint.faint("note   "),
            };
            output.line(format_args!("{mark}  {what:<10} {}", shown(text)))?;
        }
    }
    output.flush()?;
    match problems {
        0 => Ok(()),
        1 => bail!("there is a problem"),
        problems => bail!("there are {problems} problems"),
    }
}

fn compiler() -> Found {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("--version").stderr(Stdio::null()).output();
    let version = output.ok().map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    let number = version.as_deref().and_then(|text| {
        let mut parts = text.split(' ').nth(1)?.split('.').map_while(|part| part.parse::<u32>().ok());
        Some((parts.next()?, parts.next()?))
    });
    match (version, number) {
        (Some(text), Some(number)) if number >= RUST => Found::ok("rust", text),
        (Some(text), Some(_)) => {
            Found::problem("rust", format!("{text} is older than 1.95; type `rustup update`"))
        }
        _ => Found::problem("rust", "there is no rustc; install Rust as https://rustup.rs says"),
    }
}

fn target(arguments: &Arguments) -> Found {
    match cargo::missing_target(&arguments.folder) {
        None => Found::ok("target", cargo::TARGET),
        Some(remedy) => Found::problem("target", remedy),
    }
}

fn beside() -> Found {
    let version = host::executable(host::TARGET).and_then(|host| {
        // In a folder without a component it tells its own version.
        host::output(Command::new(&host).arg("--version")).map(|told| told.trim().replace('\n', ", "))
    });
    match version {
        Ok(version) => Found::ok("gpx-host", version),
        Err(error) => Found::problem("gpx-host", format!("{error:#}")),
    }
}

fn project(arguments: &Arguments, found: &mut Vec<Found>) {
    let project = match Project::find(&arguments.folder) {
        Ok(project) => project,
        Err(error) => return found.push(Found::note("project", format!("{error:#}"))),
    };
    match check::findings(&project) {
        Err(error) => return found.push(Found::problem("project", format!("{error:#}"))),
        Ok(findings) if findings.is_empty() => {
            found.push(Found::ok("project", project.root.display().to_string()));
        }
        Ok(findings) => found.extend(findings.iter().map(|finding| match finding.is_error() {
            true => Found::problem("project", finding.to_string()),
            false => Found::note("project", finding.to_string()),
        })),
    }
    let Ok(stem) = project.metadata().and_then(|metadata| metadata.executable().map(str::to_owned)) else {
        return;
    };
    let executable = project.dist.join(format!("{stem}_{}", host::TARGET));
    if executable.is_file() {
        settings(&mut Command::new(executable), found);
    }
}

/// What the plugin itself finds in the environment: settings, and whether the collector takes spans.
fn settings(executable: &mut Command, found: &mut Vec<Found>) {
    let Ok(output) = executable.arg("doctor").stdin(Stdio::null()).output() else { return };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines = text.lines().filter_map(|line| {
        let (name, value) = line.split_once(' ')?;
        let rest = value.trim();
        // Names of two words.
        Some(match rest.strip_prefix("span ") {
            Some(value) if name == "test" => ("test span", value.trim()),
            _ => (name, rest),
        })
    });
    let mut failed = !output.status.success();
    for (name, value) in lines {
        found.push(match name {
            "component" | "plugin" => continue,
            "problem" => Found::problem("settings", value),
            "remedy" => Found::problem("collector", value),
            "tracing" if value.starts_with("off") => {
                failed = false;
                Found::note("tracing", value)
            }
            "test span" if failed => Found::problem("collector", value),
            "test span" => Found::ok("collector", value),
            name => Found::note("tracing", format!("{name} {value}")),
        });
    }
}

// === impl Found ===

impl Found {
    fn ok(what: &'static str, text: impl Into<String>) -> Self {
        Self { what, is_fine: Some(true), text: text.into() }
    }

    fn problem(what: &'static str, text: impl Into<String>) -> Self {
        Self { what, is_fine: Some(false), text: text.into() }
    }

    fn note(what: &'static str, text: impl Into<String>) -> Self {
        Self { what, is_fine: None, text: text.into() }
    }
}
