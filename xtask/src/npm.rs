//! Installs from npm what some of the tests need. Those are skipped if Node.js or npm is missing.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, ensure};

use crate::{place, step};

/// The files that say what is installed. The lock file names no registry: npm takes the one that is configured.
const FILES: [&str; 2] = ["package.json", "package-lock.json"];

/// Installs what the files in a folder of the repository name, into a folder in cargo's target directory, and returns that.
/// Returns `None` if Node.js or npm is missing and this is not CI; `skipped` is what is left out then.
pub(crate) fn install(from: &str, name: &str, skipped: &str) -> Result<Option<PathBuf>> {
    if ["node", "npm"].iter().any(|tool| Command::new(tool).arg("--version").output().is_err()) {
        ensure!(!step::in_ci(), "Node.js or npm is missing, and CI must not skip this: {skipped}");
        step::skipped(&format!("Node.js or npm is missing, so {skipped}"));
        return Ok(None);
    }
    let from = place::repository()?.join(from);
    let folder = place::target()?.join(name);
    // Written last, so that an installation that was interrupted is begun anew.
    let done = folder.join("installed");
    let wanted = std::fs::read(from.join(FILES[1]))?;
    if std::fs::read(&done).is_ok_and(|installed| installed == wanted) {
        return Ok(Some(folder));
    }
    step::step(&format!("{name} from npm, once"), || {
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
