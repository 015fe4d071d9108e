//! Installs the code of Grafana's frontend that reads frames, from npm.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, ensure};

use crate::{place, step};

/// The files that say what is installed. The lock file names no registry: npm takes the one that is configured.
const FILES: [&str; 2] = ["package.json", "package-lock.json"];

/// Installs it and returns the folder. Returns `None` if Node.js or npm is missing and this is not CI.
pub(crate) fn frontend() -> Result<Option<PathBuf>> {
    if ["node", "npm"].iter().any(|tool| Command::new(tool).arg("--version").output().is_err()) {
        ensure!(
            !step::in_ci(),
            "the tests against Grafana's frontend need Node.js with npm, and CI must not skip them"
        );
        step::skipped("Node.js or npm is missing, so nothing is read by Grafana's frontend");
        return Ok(None);
    }
    let from = place::repository()?.join("tests/frontend");
    let folder = place::target()?.join("frontend");
    // Written last, so that an installation that was interrupted is begun anew.
    let done = folder.join("installed");
    let wanted = std::fs::read(from.join(FILES[1]))?;
    if std::fs::read(&done).is_ok_and(|installed| installed == wanted) {
        return Ok(Some(folder));
    }
    step::step("Grafana's frontend, once", || {
        std::fs::create_dir_all(&folder)?;
        for file in FILES {
            std::fs::copy(from.join(file), folder.join(file))?;
        }
        let mut npm = Command::new("npm");
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
        step::run(npm.current_dir(&folder))?;
        Ok(std::fs::write(&done, &wanted)?)
    })?;
    Ok(Some(folder))
}
