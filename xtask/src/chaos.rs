//! Attacks a plugin with hostile guests, beside healthy data sources under load.

use anyhow::Result;

use crate::artifacts::Artifacts;
use crate::profile::Profile;
use crate::step;

/// Passes its arguments on: `--seconds N` for less than five minutes, `--only ATTACK`, once or more, for some kinds of attack.
pub(crate) fn chaos(options: &[&str]) -> Result<()> {
    let artifacts = Artifacts::build(Profile::Release, &[])?;
    artifacts.precompile()?;
    // Optimized too: the load and the upstream share the machine with what is measured.
    let mut cargo = Profile::Release.cargo("run")?;
    cargo.args(["-p", "gpx-tests", "--bin", "chaos", "--"]).args(options);
    step::run(artifacts.tell(&mut cargo))
}
