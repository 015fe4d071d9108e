//! Asks cargo-deny about all dependencies: may they be used, where are they from, is there one of each, and is a
//! vulnerability known. `deny.toml` has the answers that are accepted.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::{place, profile, step};

const VERSION: &str = "0.20.2";

/// An exception that `deny.toml` makes in vain.
const UNUSED: &[&str] = &["unmatched-skip", "unnecessary-skip", "license-not-encountered"];

/// The part of the lock files that is built, and whether the exceptions are for it.
const WORKSPACES: &[(&str, &str, bool)] =
    &[("Cargo.toml", place::HOST_TARGET, true), ("examples/Cargo.toml", place::GUEST_TARGET, false)];

pub(crate) fn deny() -> Result<()> {
    let tool = tool()?;
    step::step("licences, sources and duplicates of dependencies", || {
        check(&tool, &["licenses", "sources", "bans"])
    })?;
    // In CI, too, this is only said: it takes a server that is not part of any build, and no commit is wrong because that
    // server cannot be reached.
    if step::run(Command::new(&tool).args(["fetch", "db"]).current_dir(place::repository()?)).is_err() {
        step::skipped("known vulnerabilities of dependencies; their database cannot be reached");
        return Ok(());
    }
    step::step("known vulnerabilities of dependencies", || check(&tool, &["advisories"]))
}

fn check(tool: &Path, what: &[&str]) -> Result<()> {
    let repository = place::repository()?;
    for (manifest, target, exceptions) in WORKSPACES {
        let mut deny = Command::new(tool);
        deny.arg("--manifest-path")
            .arg(repository.join(manifest))
            .arg("--config")
            .arg(repository.join("deny.toml"));
        deny.args(["--locked", "--target", target, "check"]);
        for lint in UNUSED {
            deny.args([if *exceptions { "--deny" } else { "--allow" }, lint]);
        }
        step::run(deny.args(what))?;
    }
    Ok(())
}

/// Installs cargo-deny under the target directory, once. Not optimized: it then takes a quarter of the time to build, and
/// three seconds to run.
fn tool() -> Result<PathBuf> {
    let folder = place::target()?.join("tools");
    let tool = folder.join("bin/cargo-deny");
    let version = Command::new(&tool).arg("--version").output().map(|output| output.stdout);
    if version.is_ok_and(|version| version.trim_ascii() == format!("cargo-deny {VERSION}").as_bytes()) {
        return Ok(tool);
    }
    step::step("cargo-deny, once", || {
        let mut cargo = profile::unconfigured_cargo();
        cargo
            .args(["install", "cargo-deny", "--locked", "--debug", "--version", VERSION, "--root"])
            .arg(&folder);
        step::run(cargo.env("CARGO_PROFILE_DEV_DEBUG", "false").env("CARGO_PROFILE_DEV_STRIP", "symbols"))
    })?;
    Ok(tool)
}
