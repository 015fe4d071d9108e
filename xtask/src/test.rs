//! Builds what is under test and runs all tests: unit, documentation, end to end, and against the Go peer.

use anyhow::Result;

use crate::artifacts::Artifacts;
use crate::profile::Profile;
use crate::{collector, frontend, host, javascript, peer, place, servers, step};

/// Runs the tests. In the whole lane the end-to-end tests run against the packaged executable that users run. In the
/// quick lane that executable is built like the tests themselves, which saves minutes.
///
/// All other arguments go to the tests' own command line: names to select, `--nocapture` and so on.
pub(crate) fn test(words: &[&str]) -> Result<()> {
    let quick = words.contains(&"--quick");
    let filter: Vec<_> = words.iter().filter(|word| **word != "--quick").collect();
    // First, so that a missing tool is reported at once.
    let peer = peer::peer()?;
    let artifacts = Artifacts::build(if quick { Profile::Quick } else { Profile::Release }, &[])?;
    artifacts.precompile()?;
    let has_go = peer.is_some();
    if has_go && filter.is_empty() {
        peer::test()?;
    }
    // An empty value means that there is no peer; `peer` has already said so.
    let peer = peer.unwrap_or_default();
    let cargo = |targets: &[&str]| {
        let mut cargo = Profile::Quick.cargo("test")?;
        cargo.arg("--workspace").args(targets);
        if !filter.is_empty() {
            cargo.arg("--").args(&filter);
        }
        artifacts.tell(&mut cargo).env("GPX_PEER", &peer);
        anyhow::Ok(cargo)
    };
    step::step("tests", || step::run(&mut cargo(&[])?))?;
    // After these, which have built nearly all that they need.
    step::step("tests of the examples", || examples(&filter))?;
    if quick {
        step::skipped(
            "the executable that users run, the host without the compiler, real servers, the OpenTelemetry Collector, \
             Grafana's frontend, and the component in JavaScript; `cargo xtask test` tests them",
        );
    } else {
        let host = host::without_compiler()?;
        step::step("tests of the host without the compiler", || {
            step::run(cargo(&["--test", "without_compiler"])?.env("GPX_HOST_WITHOUT_COMPILER", host))
        })?;
        let servers = servers::servers()?;
        step::step("tests with real servers", || {
            step::run(cargo(&["--test", "servers"])?.env("GPX_SERVERS", servers))
        })?;
        if has_go {
            let executable = collector::collector()?;
            step::step("tests with the OpenTelemetry Collector", || {
                step::run(cargo(&["--test", "collector"])?.env("GPX_COLLECTOR", executable))
            })?;
        }
        if let Some(folder) = frontend::frontend()? {
            step::step("tests of Grafana's frontend", || {
                step::run(cargo(&["--test", "frontend"])?.env("GPX_FRONTEND", folder))
            })?;
        }
        if let Some(component) = javascript::javascript()? {
            step::step("tests of the component in JavaScript", || {
                artifacts.compile(&component)?;
                step::run(cargo(&["--test", "javascript"])?.env("GPX_JAVASCRIPT", &component))
            })?;
        }
    }
    Ok(())
}

/// Runs the examples' own tests natively, with the SDK's fake host, as authors run theirs. The tests' components have none.
fn examples(filter: &[&&str]) -> Result<()> {
    let mut cargo = Profile::Quick.cargo("test")?;
    cargo.args(["--locked", "--lib", "--workspace", "--manifest-path"]);
    cargo.arg(place::repository()?.join("examples/Cargo.toml"));
    for component in ["minimal", "objects", "placing", "probe", "released", "together"] {
        cargo.args(["--exclude", component]);
    }
    if !filter.is_empty() {
        cargo.arg("--").args(filter);
    }
    step::run(&mut cargo)
}
