//! Builds the host: one static executable that needs nothing from the system it runs on.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Result;

use crate::profile::Profile;
use crate::{place, step};

/// Builds the host and, in the same run of cargo, other executables of the workspace. Returns the path of the host.
pub(crate) fn host(profile: Profile, commands: &[&str]) -> Result<PathBuf> {
    step::step("gpx-host", || {
        let mut cargo = profile.cargo("build")?;
        match profile {
            // The packages that are named decide the features of their dependencies. The tests are built with the same
            // ones, so no dependency is built twice.
            Profile::Quick => cargo.arg("--workspace"),
            // The executable that users run has no feature that only tests need.
            Profile::Release => cargo.args(["-p", "gpx-host"]),
        };
        for command in ["gpx-host"].iter().chain(commands) {
            cargo.args(["--bin", command]);
        }
        step::run(&mut cargo)?;
        profile.executable("gpx-host")
    })
}

/// Builds the host without the compiler, for tests: not optimized, and with the features that everything else has, so that
/// little more than the engine is built for it.
pub(crate) fn without_compiler() -> Result<PathBuf> {
    step::step("gpx-host without the compiler", || {
        let mut cargo = Profile::Quick.cargo("build")?;
        step::run(cargo.args(["--workspace", "--no-default-features", "--bin", "gpx-host"]))?;
        // The next build puts the one with the compiler there again.
        let kept = place::target()?.join("without-compiler/gpx-host");
        place::refresh(&Profile::Quick.executable("gpx-host")?, &kept)?;
        Ok(kept)
    })
}

/// Has the host compile a component ahead of time, unless its code is newer than the component and the host.
pub(crate) fn compile(host: &Path, component: &Path) -> Result<()> {
    let made = |path: &Path| path.metadata().and_then(|metadata| metadata.modified());
    if let Ok(code) = made(&component.with_extension("cwasm"))
        && code >= made(host)?
        && code >= made(component)?
    {
        return Ok(());
    }
    step::run(Command::new(host).arg("compile").arg(component).stdout(Stdio::null()))
}
