//! The component, built by cargo.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::project::Project;

pub(crate) const TARGET: &str = "wasm32-wasip2";

/// How a component is built.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    /// For users: small and fast.
    Release,
    /// As soon as possible after a change.
    Development,
}

/// What the profile for development has otherwise than that of release: crates are compiled in parts, and only those that have
/// changed.
const DEVELOPMENT: [&str; 6] = [
    "inherits=\"release\"",
    "opt-level=1",
    "lto=\"off\"",
    "codegen-units=16",
    "incremental=true",
    "strip=\"debuginfo\"",
];

/// Builds the component of a project, and returns its path. Cargo tells how far it is.
pub(crate) fn component(project: &Project, profile: Profile) -> Result<PathBuf> {
    let manifest = project.backend.join("Cargo.toml");
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--target", TARGET, "--message-format", "json-render-diagnostics"]);
    match profile {
        Profile::Release => _ = cargo.arg("--release"),
        Profile::Development => {
            cargo.args(["--profile", "gpx-dev"]);
            for setting in DEVELOPMENT {
                cargo.arg("--config").arg(format!("profile.gpx-dev.{setting}"));
            }
        }
    }
    cargo.arg("--manifest-path").arg(&manifest);
    // A panic's message names the source file: with the author's own paths, if they were left.
    cargo.arg("--config").arg(format!("target.{TARGET}.rustflags=[{}]", without_paths(project)));
    // As in a shell in that folder: rustup reads rust-toolchain.toml there, and cargo its own configuration.
    cargo.current_dir(&project.backend).stdout(Stdio::piped());
    let output = cargo.spawn().and_then(std::process::Child::wait_with_output).map_err(no_cargo)?;
    if !output.status.success() {
        match missing_target(&project.backend) {
            Some(remedy) => bail!("the component was not built: {remedy}"),
            None => bail!("the component was not built; cargo says why above"),
        }
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let messages = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut components = messages.filter_map(|message| {
        let is_own = message.get("reason")? == "compiler-artifact"
            && Path::new(message.get("manifest_path")?.as_str()?) == manifest
            && message.pointer("/target/kind")?.as_array()?.iter().any(|kind| kind == "cdylib");
        let files = message.get("filenames")?.as_array()?.iter().filter_map(Value::as_str);
        let mut files = files.filter(|file| is_own && file.ends_with(".wasm")).map(PathBuf::from);
        files.next()
    });
    components.next().with_context(|| {
        format!("{} makes no component; add `[lib]` with `crate-type = [\"cdylib\"]`", manifest.display())
    })
}

/// Says how to get the target, if the compiler in use lacks it.
pub(crate) fn missing_target(folder: &Path) -> Option<String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let mut rustc = Command::new(rustc);
    rustc.args(["--print", "target-libdir", "--target", TARGET]).current_dir(folder);
    let output = rustc.stderr(Stdio::null()).output().ok()?;
    let libraries = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    let has_std = libraries.read_dir().is_ok_and(|entries| {
        entries.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with("libstd-"))
    });
    (!has_std).then(|| {
        format!("the compiler has no standard library for {TARGET}; type `rustup target add {TARGET}`")
    })
}

pub(crate) fn no_cargo(error: std::io::Error) -> anyhow::Error {
    match error.kind() {
        std::io::ErrorKind::NotFound => {
            anyhow::anyhow!("there is no cargo; install Rust as https://rustup.rs says")
        }
        _ => anyhow::Error::from(error).context("cannot start cargo"),
    }
}

/// Returns flags, as TOML strings, that leave the machine's paths out of the component.
fn without_paths(project: &Project) -> String {
    let cargo = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let cargo = cargo.or_else(|| Some(std::env::home_dir()?.join(".cargo")));
    let registry = cargo.map(|cargo| (cargo.join("registry/src"), "registry"));
    let flags = [Some((project.backend.clone(), ".")), registry].into_iter().flatten().map(|(path, name)| {
        // JSON's strings are TOML's, too.
        Value::from(format!("--remap-path-prefix={}={name}", path.display())).to_string()
    });
    flags.collect::<Vec<_>>().join(",")
}
