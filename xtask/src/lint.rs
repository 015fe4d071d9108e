//! Formatting and clippy with warnings denied for the workspaces of the host, the components and the fuzz targets, and the
//! dependencies of the first two.

use std::process::Command;

use anyhow::Result;

use crate::profile::Profile;
use crate::{deny, place, step};

pub(crate) fn lint() -> Result<()> {
    let repository = place::repository()?;
    let components = repository.join("examples/Cargo.toml");
    let targets = repository.join("fuzz/Cargo.toml");
    step::step("formatting", || {
        step::run(Command::new("cargo").current_dir(&repository).args(["fmt", "--all", "--check"]))?;
        for workspace in [&components, &targets] {
            let mut cargo = Command::new("cargo");
            cargo.args(["fmt", "--all", "--check", "--manifest-path"]).arg(workspace);
            step::run(&mut cargo)?;
        }
        Ok(())
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
    // What holds of them is in the host and the SDK, and was checked with their tests.
    step::step("clippy of the fuzz targets", || {
        // As above, so that most of what it depends on has been checked.
        let mut cargo = Profile::Quick.cargo("clippy")?;
        cargo.arg("--manifest-path").arg(&targets).args(["--", "-D", "warnings"]);
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
