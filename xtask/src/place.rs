//! Where things lie: the repository, cargo's target directory, and what the tasks put into it.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// The platform that packages are made for, and the tests run on.
pub(crate) const HOST_TARGET: &str = "x86_64-unknown-linux-gnu";

pub(crate) fn repository() -> Result<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().map(Path::to_owned).context("xtask/ lies in the repository")
}

pub(crate) fn target() -> Result<PathBuf> {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => std::path::absolute(folder).context("CARGO_TARGET_DIR is no path"),
        None => Ok(repository()?.join("target")),
    }
}

/// The built components.
pub(crate) fn guests() -> Result<PathBuf> {
    Ok(target()?.join("guests"))
}

/// The packaged plugins.
pub(crate) fn plugins() -> Result<PathBuf> {
    Ok(target()?.join("plugins"))
}

/// The host's executable, once built.
pub(crate) fn host() -> Result<PathBuf> {
    Ok(target()?.join(HOST_TARGET).join("release/gpx-host"))
}

/// Copies a file unless the copy is there and not older. The old one is removed first: it may be running, or be
/// hard-linked by a test that is.
pub(crate) fn refresh(from: &Path, to: &Path) -> Result<bool> {
    let source = from.metadata().with_context(|| format!("{} is missing", from.display()))?;
    if let Ok(copy) = to.metadata()
        && copy.len() == source.len()
        && copy.modified()? >= source.modified()?
    {
        return Ok(false);
    }
    if let Some(folder) = to.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    let _ = std::fs::remove_file(to);
    std::fs::copy(from, to).with_context(|| format!("cannot write {}", to.display()))?;
    Ok(true)
}
