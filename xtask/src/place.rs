//! Where things are: the repository, cargo's target directory, and what the tasks put into it.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// The platform that packages are made for, and the tests run on.
pub(crate) const HOST_TARGET: &str = "x86_64-unknown-linux-gnu";

/// The platform that components are built for.
pub(crate) const GUEST_TARGET: &str = "wasm32-wasip2";

pub(crate) fn repository() -> Result<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().map(Path::to_owned).context("xtask/ is not inside a repository")
}

pub(crate) fn target() -> Result<PathBuf> {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => std::path::absolute(folder).context("CARGO_TARGET_DIR is not a path"),
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

/// Flags that keep this machine's paths out of the compiler's output: panics name source files. The repository's path is
/// not among them, because cargo names the files of a workspace relative to it. So a target directory that several
/// clones share stays the same.
pub(crate) fn without_places() -> Result<Vec<String>> {
    let home = match std::env::var_os("CARGO_HOME") {
        Some(folder) => std::path::absolute(folder).context("CARGO_HOME is not a path")?,
        None => std::env::home_dir().context("there is no home directory; set CARGO_HOME")?.join(".cargo"),
    };
    Ok(vec![without(&home.join("registry/src"), "registry"), without(&target()?, "target")])
}

/// The flag that makes the compiler write `name` in place of a folder's path.
pub(crate) fn without(folder: &Path, name: &str) -> String {
    format!("--remap-path-prefix={}={name}", folder.display())
}

/// The compiler's flags as the variable that cargo reads first. Unlike `RUSTFLAGS` it takes paths with spaces.
pub(crate) fn flags(flags: &[String]) -> (&'static str, String) {
    ("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"))
}

/// Copies a file unless the copy exists and is not older. An old copy is removed first: it may be running, or a running
/// test may have hard-linked it.
pub(crate) fn refresh(from: &Path, to: &Path) -> Result<()> {
    let source = from.metadata().with_context(|| format!("{} is missing", from.display()))?;
    if let Ok(copy) = to.metadata()
        && copy.len() == source.len()
        && copy.modified()? >= source.modified()?
    {
        return Ok(());
    }
    if let Some(folder) = to.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    }
    let _ = std::fs::remove_file(to);
    std::fs::copy(from, to).with_context(|| format!("cannot write {}", to.display()))?;
    Ok(())
}
