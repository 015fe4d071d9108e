//! Packages the example and shows it at work.

use anyhow::Result;

use crate::{host, package, step, test};

pub(crate) fn demo() -> Result<()> {
    package::package("http-backend")?;
    let mut cargo = host::cargo("run")?;
    cargo.args(["--quiet", "-p", "gpx-tests", "--bin", "demo"]);
    step::run(test::artifacts(&mut cargo)?)
}
