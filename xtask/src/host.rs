//! Builds the host: one static executable that needs nothing of the system it runs on.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::{place, step};

pub(crate) fn host() -> Result<PathBuf> {
    step::step("gpx-host", || {
        step::run(cargo("build")?.args(["-p", "gpx-host"]))?;
        place::host()
    })
}

/// Cargo for the packages that run on this machine. All of them are built with the same flags, so that what they
/// share is built once. The flags are for this target only: build scripts and macros are not built with them.
pub(crate) fn cargo(task: &str) -> Result<Command> {
    const VARIABLE: &str = "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS";
    // A static executable cannot look the function up at run time, and would read /dev/urandom, which need not be there.
    const FLAGS: &str = r#"-C target-feature=+crt-static --cfg getrandom_backend="linux_getrandom""#;
    let mut cargo = Command::new("cargo");
    cargo.current_dir(place::repository()?).arg(task).args(["--release", "--target", place::HOST_TARGET]);
    cargo.env(VARIABLE, FLAGS).env("CARGO_TARGET_DIR", place::target()?);
    Ok(cargo)
}
