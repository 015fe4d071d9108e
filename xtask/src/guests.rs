//! Builds the components: the examples and the tests' guests, which are a cargo workspace of their own because a
//! component links for `wasm32-wasip2` only.

mod sysroot;
mod toolchain;

use std::path::PathBuf;

use anyhow::{Context as _, Result};

pub(crate) use self::toolchain::{Std, Toolchain};
use crate::{place, step};

/// Builds all components and returns the folder they are in, with `toolchain.env` beside them: the variables that it
/// takes to build a component on this machine, one per line.
pub(crate) fn guests(std: Std) -> Result<PathBuf> {
    let toolchain = Toolchain::ready(std)?;
    step::step("components", || build(&toolchain))
}

fn build(toolchain: &Toolchain) -> Result<PathBuf> {
    let repository = place::repository()?;
    let built = place::target()?.join("guests-build");
    let mut cargo = toolchain.cargo();
    cargo.arg("build").args(["--release", "--locked", "--target", place::GUEST_TARGET, "--manifest-path"]);
    cargo.arg(repository.join("examples/Cargo.toml")).arg("--target-dir").arg(&built);
    step::run(&mut cargo)?;

    let folder = place::guests()?;
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("toolchain.env"), toolchain.to_string())?;
    let release = built.join(place::GUEST_TARGET).join("release");
    for entry in std::fs::read_dir(&release).with_context(|| format!("{} is missing", release.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "wasm") {
            place::refresh(&path, &folder.join(path.file_name().unwrap_or_default()))?;
        }
    }
    Ok(folder)
}
