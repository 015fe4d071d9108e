//! The directory of a plugin, as Grafana loads it.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use crate::terminal::shown;

pub(crate) struct Folder {
    pub(crate) path: PathBuf,
    pub(crate) id: String,
    /// "datasource" or "app".
    pub(crate) kind: String,
    pub(crate) name: String,
    /// Empty if unknown.
    pub(crate) version: String,
    /// Where Grafana looks for the executable.
    pub(crate) executable: PathBuf,
}

#[derive(Deserialize)]
struct Metadata {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    executable: Option<String>,
    #[serde(default)]
    info: Info,
}

#[derive(Default, Deserialize)]
struct Info {
    #[serde(default)]
    version: String,
}

// === impl Folder ===

impl Folder {
    /// Finds the plugin in a directory, or the one that was built last in the project there.
    pub(crate) fn find(directory: &Path) -> Result<Self> {
        let shown = || shown(&directory.to_string_lossy());
        let is_project = || {
            ["src/plugin.json", "Cargo.toml", "backend/Cargo.toml"]
                .iter()
                .any(|file| directory.join(file).is_file())
        };
        if !directory.is_dir() {
            bail!("there is no directory {}", shown());
        }
        // Where `gpx build` and create-plugin put what they build.
        let built = directory.join("dist");
        if built.join("plugin.json").is_file() {
            return Self::read(&built);
        }
        if is_project() {
            bail!("the plugin in {} has not been built; type `gpx build`", shown());
        }
        if !directory.join("plugin.json").is_file() {
            bail!(
                "{} is neither a plugin's directory, which has a plugin.json, nor a project; \
                 `gpx new NAME` makes a project",
                shown()
            );
        }
        Self::read(directory)
    }

    fn read(directory: &Path) -> Result<Self> {
        // The process is started in the root directory, as Grafana's are.
        let path =
            directory.canonicalize().with_context(|| format!("cannot find {}", directory.display()))?;
        let file = path.join("plugin.json");
        let text = std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let Metadata { id, kind, name, executable, info } =
            serde_json::from_slice(&text).with_context(|| format!("cannot understand {}", file.display()))?;
        let Some(executable) = executable.filter(|name| !name.is_empty()) else {
            bail!("{} names no `executable`, so the plugin has no back end; add the key", file.display());
        };
        let executable = path.join(format!("{executable}_{}", target()));
        // Grafana treats the placeholders of an unbuilt plugin.json as empty.
        let version = if info.version.contains('%') { String::new() } else { info.version };
        Ok(Self { path, id, kind, name, version, executable })
    }

    pub(crate) fn is_app(&self) -> bool {
        self.kind == "app"
    }

    /// Returns what starts the plugin: its executable or, if there is none, a copy of the directory with the `gpx-host`
    /// that is beside this tool.
    pub(crate) fn startable(&self) -> Result<Startable> {
        if self.executable.is_file() {
            return Ok(Startable { executable: self.executable.clone(), _copy: None });
        }
        let missing = || format!("there is no {} and no gpx-host beside gpx", self.executable.display());
        let host = std::env::current_exe()?.with_file_name("gpx-host");
        if !host.is_file() {
            bail!("{}; `gpx build` makes the one, and an installation of gpx has the other", missing());
        }
        let copy =
            tempfile::Builder::new().prefix("gpx-run-").tempdir().context("cannot make a directory")?;
        for entry in std::fs::read_dir(&self.path)? {
            let entry = entry?;
            std::os::unix::fs::symlink(entry.path(), copy.path().join(entry.file_name()))?;
        }
        let name = self.executable.file_name().context("an executable has a name")?;
        let executable = copy.path().join(name);
        match std::fs::remove_file(&executable) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        std::fs::hard_link(&host, &executable)
            .or_else(|_| std::fs::copy(&host, &executable).map(drop))
            .with_context(|| format!("cannot copy {}", host.display()))?;
        Ok(Startable { executable, _copy: Some(copy) })
    }
}

pub(crate) struct Startable {
    pub(crate) executable: PathBuf,
    /// Removed once the plugin has ended.
    _copy: Option<tempfile::TempDir>,
}

/// Go's words for the system and the processor, which end an executable's name.
fn target() -> String {
    let system = match std::env::consts::OS {
        "macos" => "darwin",
        other => other,
    };
    let processor = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    format!("{system}_{processor}")
}
