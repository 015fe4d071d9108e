//! Measures the plugin beside its twin on the Go SDK, in one run on one machine, and prints ratios.

use anyhow::{Context as _, Result};

use crate::{host, package, peer, step, test};

/// Words behind `cargo xtask bench` go to the benchmark: `--quick` for a first look.
pub(crate) fn bench(options: &[&str]) -> Result<()> {
    package::package("http-backend")?;
    let peer = peer::peer()?.context("the benchmark needs Go")?;
    let mut cargo = host::cargo("run")?;
    cargo.args(["-p", "gpx-tests", "--bin", "bench", "--"]).args(options);
    step::run(test::artifacts(&mut cargo)?.env("GPX_PEER", peer))
}
