//! gpx-sdk's manifest, for use outside of this workspace.

use anyhow::{Context as _, Result};

pub(crate) struct Manifest {
    pub(crate) text: String,
    /// Dependencies that are there only with a feature.
    pub(crate) optional: Vec<String>,
}

/// Writes out what the manifest takes from its workspace, and leaves out what only its own tests need. It reads as much of TOML
/// as these two files are written in: a line for each key.
pub(crate) fn resolved(manifest: &str, workspace: &str) -> Result<Manifest> {
    let (mut text, mut optional, mut section) = (String::new(), Vec::new(), "");
    for line in manifest.lines() {
        if line.starts_with('[') {
            section = line;
        }
        if matches!(section, "[lints]" | "[dev-dependencies]") {
            continue;
        }
        let inherited = line.split_once(".workspace = true");
        let line = match (section, inherited) {
            ("[package]", Some((key, _))) => value(workspace, "[workspace.package]", key)?,
            (_, Some((key, _))) => value(workspace, "[workspace.dependencies]", key)?,
            (_, None) => line,
        };
        if line.contains("optional = true") {
            optional.extend(line.split(' ').next().map(str::to_owned));
        }
        text += line;
        text += "\n";
    }
    Ok(Manifest { text, optional })
}

/// Returns the line of a key.
fn value<'a>(workspace: &'a str, section: &str, key: &str) -> Result<&'a str> {
    let lines = workspace.lines().skip_while(|line| *line != section).skip(1);
    let mut lines = lines.take_while(|line| !line.starts_with('['));
    let of_key = |line: &&str| line.split_once(" = ").is_some_and(|(name, _)| name == key);
    lines.find(of_key).with_context(|| format!("{section} of Cargo.toml has no {key}"))
}
