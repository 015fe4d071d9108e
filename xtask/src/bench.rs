//! Measures the plugin against its twin on the Go SDK and a native one in Rust, in one run on one machine, and prints ratios.

use anyhow::{Context as _, Result};

use crate::artifacts::Artifacts;
use crate::profile::Profile;
use crate::{native, peer, servers, step};

/// Passes its arguments on to the benchmark: `--quick` for a first look.
pub(crate) fn bench(options: &[&str]) -> Result<()> {
    let peer = peer::peer()?.context("the benchmark needs Go")?;
    let artifacts = Artifacts::build(Profile::Release, &[])?;
    // Optimized too: the collector of the plugin's spans runs inside it, next to what is measured.
    let mut cargo = Profile::Release.cargo("run")?;
    cargo.args(["-p", "gpx-tests", "--bin", "bench", "--"]).args(options);
    let bench = artifacts.tell(&mut cargo).env("GPX_PEER", peer).env("GPX_SERVERS", servers::servers()?);
    // What `--growth` draws has no such line.
    if !options.contains(&"--growth") {
        bench.env("GPX_NATIVE", native::native()?);
    }
    step::run(bench)
}
