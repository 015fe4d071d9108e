//! A plugin's project: where its plugin.json, its crate and its front end are.

mod metadata;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

pub(crate) use self::metadata::{Metadata, is_name};

/// What Grafana loads, within the project.
const DIST: &str = "dist";

pub(crate) struct Project {
    pub(crate) root: PathBuf,
    /// The folder that plugin.json is in, with the front end's sources or files.
    pub(crate) source: PathBuf,
    /// The folder of the crate.
    pub(crate) backend: PathBuf,
    /// The directory that Grafana loads.
    pub(crate) dist: PathBuf,
}

// === impl Project ===

impl Project {
    /// Finds the project in a folder.
    pub(crate) fn find(folder: &Path) -> Result<Self> {
        let root =
            folder.canonicalize().with_context(|| format!("there is no folder {}", folder.display()))?;
        let with = |folders: &[&str], file: &str| {
            folders.iter().map(|folder| root.join(folder)).find(|folder| folder.join(file).is_file())
        };
        let Some(source) = with(&["src", ""], "plugin.json") else {
            bail!(
                "{} has no plugin.json, neither itself nor in src/; `gpx new NAME` makes a project",
                root.display()
            );
        };
        let Some(backend) = with(&["backend", ""], "Cargo.toml") else {
            bail!(
                "{} has no Cargo.toml, neither itself nor in backend/; `gpx add-backend` adds a back end",
                root.display()
            );
        };
        let dist = root.join(DIST);
        Ok(Self { root, source, backend, dist })
    }

    /// Whether something else than gpx makes module.js.
    pub(crate) fn has_frontend_build(&self) -> bool {
        self.source != self.root
    }

    pub(crate) fn metadata(&self) -> Result<Metadata> {
        Metadata::read(&self.source.join("plugin.json"))
    }
}
