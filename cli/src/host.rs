//! gpx-host, which becomes part of every plugin, and which knows what only a host can find out.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

/// The name of the executable for the system that gpx-host is for. Grafana starts `<executable>_<system>_<processor>`.
pub(crate) const TARGET: &str = "linux_amd64";

/// Returns the gpx-host that is beside this program, for a target as Grafana names it.
pub(crate) fn executable(target: &str) -> Result<PathBuf> {
    let gpx = std::env::current_exe().context("cannot find the path of gpx")?;
    let named = if target == TARGET { "gpx-host".to_owned() } else { format!("gpx-host_{target}") };
    let host = gpx.with_file_name(named);
    if !host.is_file() {
        bail!(
            "there is no {}, which becomes the plugin's executable; put it there from the release that gpx is from",
            host.display()
        );
    }
    Ok(host)
}

/// Compiles a component ahead of time, to a `.cwasm` beside it.
pub(crate) fn compile(host: &Path, component: &Path) -> Result<()> {
    output(Command::new(host).arg("compile").arg(component)).map(drop)
}

/// Runs the host, and returns what it prints.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output();
    let output = output.with_context(|| format!("cannot start {}", command.get_program().display()))?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr).trim_end());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
