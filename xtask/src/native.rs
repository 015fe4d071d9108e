//! The example as a native plugin in Rust, for the benchmark.

use std::path::PathBuf;

use anyhow::Result;

use crate::profile::unconfigured_cargo;
use crate::{place, step};

/// Builds it and returns the path of its executable.
pub(crate) fn native() -> Result<PathBuf> {
    let built = place::target()?.join("native");
    step::step("the example as a native plugin", || {
        let mut cargo = unconfigured_cargo();
        cargo.args(["build", "--release", "--locked", "--manifest-path"]);
        cargo.arg(place::repository()?.join("tests/native/Cargo.toml")).arg("--target-dir").arg(&built);
        step::run(&mut cargo)
    })?;
    Ok(built.join("release/native"))
}
