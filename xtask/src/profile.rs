//! The two profiles for building what runs on this machine.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::place;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    /// Not optimized, built in minutes: the demo, and the tests' own code.
    Quick,
    /// What users run.
    Release,
}

// === impl Profile ===

impl Profile {
    /// Cargo for the packages that run on this machine. All of them are built with the same flags, so that what they
    /// share is built once. The flags apply to this target only: build scripts and macros are built without them.
    pub(crate) fn cargo(self, task: &str) -> Result<Command> {
        let mut flags = place::without_places()?;
        // A static executable cannot look up `getrandom` at run time and would read /dev/urandom instead, which may be
        // missing.
        flags.extend(
            ["-Ctarget-feature=+crt-static", r#"--cfg=getrandom_backend="linux_getrandom""#]
                .map(str::to_owned),
        );
        let mut cargo = Command::new("cargo");
        cargo.current_dir(place::repository()?).arg(task);
        cargo.args(["--profile", self.name(), "--target", place::HOST_TARGET]);
        cargo.envs([place::flags(&flags)]);
        cargo.env("CARGO_TARGET_DIR", place::target()?);
        Ok(cargo)
    }

    /// The path of an executable, once it is built.
    pub(crate) fn executable(self, name: &str) -> Result<PathBuf> {
        Ok(place::target()?.join(place::HOST_TARGET).join(self.name()).join(name))
    }

    fn name(self) -> &'static str {
        match self {
            Self::Quick => "quick",
            Self::Release => "release",
        }
    }
}

/// Cargo for what is not built with a profile: flags and folders that the environment has for the host do not reach it.
pub(crate) fn unconfigured_cargo() -> Command {
    let mut cargo = Command::new("cargo");
    for variable in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_TARGET", "CARGO_TARGET_DIR"] {
        cargo.env_remove(variable);
    }
    cargo
}
