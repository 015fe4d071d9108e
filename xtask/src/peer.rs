//! Builds the Go peer: go-plugin's client, the Go SDK's own code, and the example's twin on that SDK.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, ensure};

use crate::{place, step};

const MODULE: &str = "tests/peer";

/// What Grafana's tool for building plugins writes into them. With it, they say who they are in `User-Agent`. Without a version,
/// that of a trace is the one that a test wants.
const BUILD_INFO: &str = "-X github.com/grafana/grafana-plugin-sdk-go/build/buildinfo.buildInfoJSON=\
    {\"pluginID\":\"gpx-test-datasource\"}";

/// Builds the peer and returns the folder with its commands. Returns `None` if Go is missing and this is not CI.
pub(crate) fn peer() -> Result<Option<PathBuf>> {
    if Command::new("go").arg("version").output().is_err() {
        ensure!(!step::in_ci(), "the tests against the Go SDK need Go, and CI must not skip them");
        step::skipped(
            "Go is missing, so nothing is compared with the Go SDK, and no trace is sent to the OpenTelemetry Collector",
        );
        return Ok(None);
    }
    step::step("the Go peer", build).map(Some)
}

/// Tests the peer's own code.
pub(crate) fn test() -> Result<()> {
    step::step("tests of the Go peer", || step::run(go(MODULE)?.args(["test", "./..."])))
}

fn build() -> Result<PathBuf> {
    let folder = place::target()?.join("peer");
    std::fs::create_dir_all(&folder)?;
    // With the trailing slash, each command goes into this folder under its own name.
    step::run(go(MODULE)?.args(["build", "-ldflags", BUILD_INFO, "-o"]).arg(folder.join("")).arg("./..."))?;
    Ok(folder)
}

/// Go in the folder of one of the repository's modules. What it builds is static.
pub(crate) fn go(module: &str) -> Result<Command> {
    let mut go = Command::new("go");
    go.current_dir(place::repository()?.join(module)).env("CGO_ENABLED", "0");
    Ok(go)
}
