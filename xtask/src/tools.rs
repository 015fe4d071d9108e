//! The author's tool, with the host beside it.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::profile::Profile;
use crate::{host, place, step};

/// Builds both, and prints where they are.
pub(crate) fn tools(profile: Profile) -> Result<()> {
    let host = host::host(profile, &[])?;
    println!("{}", tool(profile, &host)?.display());
    Ok(())
}

/// Builds `gpx` and puts it where it finds the host beside itself. It only starts what others built, so it is never
/// optimized.
pub(crate) fn tool(profile: Profile, host: &Path) -> Result<PathBuf> {
    let folder = place::target()?.join(match profile {
        Profile::Quick => "tools-quick",
        Profile::Release => "tools",
    });
    let tool = folder.join("gpx");
    step::step("gpx", || {
        step::run(Profile::Quick.cargo("build")?.args(["--workspace", "--bin", "gpx"]))?;
        place::refresh(&Profile::Quick.executable("gpx")?, &tool)?;
        place::refresh(host, &folder.join("gpx-host"))
    })?;
    Ok(tool)
}
