//! Builds the example in JavaScript: a component that is made of the contract alone.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::{npm, place, step};

const EXAMPLE: &str = "examples/javascript";

/// Builds it and returns the component, if there is npm.
pub(crate) fn javascript() -> Result<Option<PathBuf>> {
    let skipped = "no component is made of the contract alone";
    let Some(folder) = npm::install(EXAMPLE, "javascript", skipped)? else { return Ok(None) };
    let component = folder.join("gpx_javascript.wasm");
    step::step("the component in JavaScript", || {
        let example = place::repository()?.join(EXAMPLE);
        // As the script `build` in its package.json, which is for people who work in that folder.
        let mut tool = Command::new("node");
        tool.arg(folder.join("node_modules/@bytecodealliance/componentize-js/src/cli.js"));
        tool.arg(example.join("plugin.js")).arg("--wit").arg(example.join("wit"));
        tool.args(["--world-name", "plugin", "--disable", "fetch-event", "--out"]).arg(&component);
        step::run(&mut tool)
    })?;
    Ok(Some(component))
}
