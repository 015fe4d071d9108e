//! Formatting, clippy with warnings denied, and the dependencies, for the host's workspace and for the components'.

use std::process::Command;

use anyhow::Result;

use crate::profile::Profile;
use crate::{deny, place, step};

pub(crate) fn lint() -> Result<()> {
    let repository = place::repository()?;
    let components = repository.join("examples/Cargo.toml");
    step::step("formatting", || {
        step::run(Command::new("cargo").current_dir(&repository).args(["fmt", "--all", "--check"]))?;
        let mut cargo = Command::new("cargo");
        cargo.args(["fmt", "--all", "--check", "--manifest-path"]).arg(&components);
        step::run(&mut cargo)
    })?;
    step::step("clippy", || {
        step::run(Profile::Quick.cargo("clippy")?.args([
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ]))
    })?;
    step::step("clippy of the host without the compiler", || {
        let mut cargo = Profile::Quick.cargo("clippy")?;
        // All packages, so that what they share has the features that it always has.
        cargo.args(["--workspace", "--lib", "--bins", "--no-default-features", "--", "-D", "warnings"]);
        step::run(&mut cargo)
    })?;
    // Natively, where a component has no exports: not every toolchain that builds components can run clippy for them.
    step::step("clippy of the components", || {
        let mut cargo = Command::new("cargo");
        cargo.args(["clippy", "--manifest-path"]).arg(&components).args(["--workspace", "--target-dir"]);
        cargo.arg(place::target()?.join("guests-lint")).args(["--", "-D", "warnings"]);
        step::run(&mut cargo)
    })?;
    deny::deny()
}
