//! Packages the example and shows it at work.

use std::process::Command;

use anyhow::Result;

use crate::artifacts::Artifacts;
use crate::profile::Profile;
use crate::step;

pub(crate) fn demo() -> Result<()> {
    let artifacts = Artifacts::build(Profile::Quick, &["demo"])?;
    step::run(artifacts.tell(&mut Command::new(Profile::Quick.executable("demo")?)))
}
