//! Installs the code of Grafana's frontend that reads frames.

use std::path::PathBuf;

use anyhow::Result;

use crate::npm;

/// Installs it and returns the folder, if there is npm.
pub(crate) fn frontend() -> Result<Option<PathBuf>> {
    npm::install("tests/frontend", "frontend", "nothing is read by Grafana's frontend")
}
