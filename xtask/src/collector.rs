//! Builds the OpenTelemetry Collector that the whole test run sends traces to, from its Go modules.

use std::path::PathBuf;

use anyhow::Result;

use crate::{peer, place, step};

/// Builds it with Go, which is there, and returns the executable.
pub(crate) fn collector() -> Result<PathBuf> {
    let executable = place::target()?.join("collector");
    step::step("the OpenTelemetry Collector", || {
        step::run(peer::go("tests/collector")?.args(["build", "-o"]).arg(&executable).arg("."))
    })?;
    Ok(executable)
}
