//! Puts a plugin's files into the directory that Grafana loads.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

use crate::host;
use crate::project::Project;

/// What a plugin has besides its back end, if there is no build of a front end. Nothing else is shipped, whatever lies around.
const FILES: [&str; 7] =
    ["plugin.json", "module.js", "README.md", "CHANGELOG.md", "LICENSE", "img", "datasource"];

pub(crate) struct Built {
    pub(crate) directory: PathBuf,
    pub(crate) component: PathBuf,
    /// Of the component.
    pub(crate) bytes: u64,
    pub(crate) has_module: bool,
}

/// Puts a component and all that belongs to its plugin into the project's `dist`.
pub(crate) fn assemble(project: &Project, component: &Path) -> Result<Built> {
    let metadata = project.metadata()?;
    let stem = metadata.executable()?;
    let dist = &project.dist;
    std::fs::create_dir_all(dist).with_context(|| format!("cannot make {}", dist.display()))?;
    if project.has_frontend_build() {
        copy(&project.source, dist, "plugin.json")?;
        copy(&project.source, dist, "img")?;
    } else {
        FILES.iter().try_for_each(|name| copy(&project.source, dist, name))?;
    }
    let executable = dist.join(format!("{stem}_{}", host::TARGET));
    put(&host::executable(host::TARGET)?, &executable, 0o755)?;
    let placed = dist.join(format!("{stem}.wasm"));
    put(component, &placed, 0o644)?;
    compile(&executable, &placed)?;
    Ok(Built {
        directory: dist.clone(),
        bytes: placed.metadata()?.len(),
        component: placed,
        has_module: dist.join("module.js").is_file(),
    })
}

/// Puts another component into the project's `dist`, which has been assembled before. The machine code of the last one goes: the
/// host compiles the new one. Returns false if it is the same.
pub(crate) fn replace(project: &Project, component: &Path) -> Result<bool> {
    let metadata = project.metadata()?;
    let placed = project.dist.join(format!("{}.wasm", metadata.executable()?));
    if !placed.is_file() {
        return assemble(project, component).map(|_| true);
    }
    if same(component, &placed) {
        return Ok(false);
    }
    match std::fs::remove_file(placed.with_extension("cwasm")) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(error).context("cannot remove the component's machine code");
        }
        _ => {}
    }
    put(component, &placed, 0o644)?;
    Ok(true)
}

fn same(one: &Path, other: &Path) -> bool {
    matches!((std::fs::read(one), std::fs::read(other)), (Ok(one), Ok(other)) if one == other)
}

/// Compiles the component, unless its code is newer than it and than the host.
fn compile(executable: &Path, component: &Path) -> Result<()> {
    let made = |path: &Path| path.metadata().and_then(|metadata| metadata.modified());
    if let Ok(code) = made(&component.with_extension("cwasm"))
        && code > made(executable)?
        && code > made(component)?
    {
        return Ok(());
    }
    eprintln!("   Compiling the component's machine code");
    host::compile(executable, component).context("the component cannot be compiled")
}

/// Copies a file or a folder of the project, if there is one.
fn copy(source: &Path, dist: &Path, name: &str) -> Result<()> {
    let (from, to) = (source.join(name), dist.join(name));
    let kind = match from.symlink_metadata() {
        Ok(metadata) => metadata.file_type(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", from.display())),
    };
    // It may lead to what was never meant to be published, or in a circle.
    ensure!(
        !kind.is_symlink(),
        "{} is a link; put a copy of the file there, since it is published",
        from.display()
    );
    if !kind.is_dir() {
        ensure!(kind.is_file(), "{} is not a file; remove it", from.display());
        return put(&from, &to, 0o644);
    }
    std::fs::create_dir_all(&to).with_context(|| format!("cannot make {}", to.display()))?;
    for entry in from.read_dir().with_context(|| format!("cannot read {}", from.display()))? {
        let file = entry?.file_name();
        let file = file.to_str().with_context(|| format!("a name in {} is not UTF-8", from.display()))?;
        if !file.starts_with('.') {
            copy(source, dist, &format!("{name}/{file}"))?;
        }
    }
    Ok(())
}

/// Copies a file unless the copy is the same. The copy takes the old one's place at once: that one may be running, and an error
/// leaves it as it was.
fn put(from: &Path, to: &Path, mode: u32) -> Result<()> {
    let bytes = std::fs::read(from).with_context(|| format!("cannot read {}", from.display()))?;
    let written = || format!("cannot write {}", to.display());
    if std::fs::read(to).is_ok_and(|old| old == bytes) {
        return std::fs::set_permissions(to, Permissions::from_mode(mode)).with_context(written);
    }
    let name = to.file_name().context("a file has a name")?.to_string_lossy();
    let new = to.with_file_name(format!(".{name}.new"));
    let made = std::fs::write(&new, bytes)
        .and_then(|()| std::fs::set_permissions(&new, Permissions::from_mode(mode)))
        .and_then(|()| std::fs::rename(&new, to));
    if made.is_err() {
        let _ = std::fs::remove_file(&new);
    }
    made.with_context(written)
}
