//! Builds what is under test and runs all tests: unit, documentation, end to end, and against the Go peer.

use std::process::Command;

use anyhow::Result;

use crate::{host, package, peer, place, step};

/// Words behind `cargo xtask test` go to the tests' own command line: names to select, `--nocapture` and so on.
pub(crate) fn test(filter: &[&str]) -> Result<()> {
    package::package("http-backend")?;
    let peer = peer::peer()?;
    step::step("tests", || {
        let mut cargo = host::cargo("test")?;
        cargo.arg("--workspace");
        if !filter.is_empty() {
            cargo.arg("--").args(filter);
        }
        step::run(artifacts(&mut cargo)?.env("GPX_PEER", peer.unwrap_or_default()))
    })
}

/// Tells the tests where the things under test are.
pub(crate) fn artifacts(command: &mut Command) -> Result<&mut Command> {
    command.env("GPX_HOST_EXE", place::host()?);
    command.env("GPX_GUESTS", place::guests()?);
    command.env("GPX_PLUGINS", place::plugins()?);
    Ok(command)
}
