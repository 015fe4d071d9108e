//! Builds the OpenTelemetry Collector that the whole test run sends traces to, from its Go modules.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, ensure};

use crate::{place, step};

/// Builds it and returns the executable. Returns `None` if Go is missing and this is not CI.
pub(crate) fn collector() -> Result<Option<PathBuf>> {
    if Command::new("go").arg("version").output().is_err() {
        ensure!(
            !step::in_ci(),
            "the tests against the OpenTelemetry Collector need Go, and CI must not skip them"
        );
        step::skipped("Go is missing, so no trace is sent to the OpenTelemetry Collector");
        return Ok(None);
    }
    let executable = place::target()?.join("collector");
    step::step("the OpenTelemetry Collector", || {
        let mut go = Command::new("go");
        go.current_dir(place::repository()?.join("tests/collector")).env("CGO_ENABLED", "0");
        step::run(go.args(["build", "-o"]).arg(&executable).arg("."))
    })?;
    Ok(Some(executable))
}
