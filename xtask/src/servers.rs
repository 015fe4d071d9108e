//! Finds the servers that the whole test run talks to: on this system, or else unpacked from Debian's packages into
//! `target/servers`, which changes nothing about the system.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use crate::{place, step};

/// Each server's executable, and the package that has it.
const SERVERS: [(&str, &str); 5] = [
    ("nginx", "nginx"),
    ("squid", "squid"),
    ("danted", "dante-server"),
    ("microsocks", "microsocks"),
    ("stunnel4", "stunnel4"),
];

/// Where a system and a package have executables, and libraries. Servers are not on everybody's PATH.
const EXECUTABLES: [&str; 4] = ["usr/sbin", "usr/bin", "sbin", "bin"];
const LIBRARIES: [&str; 4] = ["usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu", "usr/lib", "lib"];

/// Returns a folder that has a command for each server that there is, under its name. What is missing has been said, and the
/// tests that need it will be skipped; in CI it is an error.
pub(crate) fn servers() -> Result<PathBuf> {
    let folder = place::target()?.join("servers");
    std::fs::create_dir_all(&folder)?;
    for (name, package) in SERVERS {
        let unpacked = folder.join("packages").join(name);
        let found = find(name, Path::new("/")).or_else(|| find(name, &unpacked));
        let found = match found {
            None => step::step(&format!("{name} from Debian's packages, once"), || {
                unpack(package, &unpacked).map(|()| find(name, &unpacked))
            }),
            found => Ok(found),
        };
        let command = folder.join(name);
        match found.and_then(|found| found.context("the package has no such executable")) {
            Ok(executable) => write_command(&command, &executable, &unpacked)?,
            Err(error) => {
                ensure!(
                    !step::in_ci(),
                    "the tests against {name} need it, and CI must not skip them: {error:#}"
                );
                let _ = std::fs::remove_file(&command);
                step::skipped(&format!("{name} is missing, so nothing is tested against it ({error:#})"));
            }
        }
    }
    Ok(folder)
}

fn find(name: &str, root: &Path) -> Option<PathBuf> {
    EXECUTABLES.iter().map(|folder| root.join(folder).join(name)).find(|executable| executable.is_file())
}

/// Writes a script that becomes the server. It is told to end if whoever started it does.
fn write_command(command: &Path, executable: &Path, unpacked: &Path) -> Result<()> {
    let mut script = "#!/bin/sh\n".to_owned();
    if executable.starts_with(unpacked) {
        let libraries = LIBRARIES.map(|folder| unpacked.join(folder).display().to_string()).join(":");
        script.push_str(&format!("export LD_LIBRARY_PATH='{libraries}'\n"));
    }
    script.push_str(&format!("exec setpriv --pdeathsig TERM '{}' \"$@\"\n", executable.display()));
    std::fs::write(command, script)?;
    Ok(std::fs::set_permissions(command, std::fs::Permissions::from_mode(0o755))?)
}

/// Unpacks a package with all that it depends on and this system lacks.
fn unpack(package: &str, root: &Path) -> Result<()> {
    let downloads = root.with_extension("download");
    let _ = std::fs::remove_dir_all(&downloads);
    std::fs::create_dir_all(&downloads)?;
    // With the system's lists of packages, or with lists of our own if it has none.
    let state = format!("-oDir::State::lists={}", downloads.join("lists").display());
    let cache = format!("-oDir::Cache={}", downloads.join("cache").display());
    let packages = match needed(package, &[]) {
        Ok(packages) => download(&packages, &downloads, &[]).map(|()| packages),
        Err(error) => Err(error),
    };
    if packages.is_err() {
        std::fs::create_dir_all(downloads.join("lists/partial"))?;
        std::fs::create_dir_all(downloads.join("cache/archives/partial"))?;
        let own = [state.as_str(), cache.as_str()];
        quiet(Command::new("apt-get").args(own).args(["-q", "update"]))?;
        download(&needed(package, &own)?, &downloads, &own)?;
    }
    for entry in downloads.read_dir()? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "deb") {
            quiet(Command::new("dpkg").arg("-x").arg(&path).arg(downloads.join("root")))?;
        }
    }
    // At the end, so that what was interrupted is begun anew.
    let _ = std::fs::remove_dir_all(root);
    std::fs::rename(downloads.join("root"), root)?;
    Ok(std::fs::remove_dir_all(&downloads)?)
}

/// Returns the packages that apt would install. It is only asked, so nobody need be root.
fn needed(package: &str, options: &[&str]) -> Result<Vec<String>> {
    let mut apt = Command::new("apt-get");
    apt.args(options).args(["--simulate", "--no-install-recommends", "install", package]);
    let plan = quiet(&mut apt)?;
    let mut packages = Vec::new();
    for line in plan.lines() {
        if let Some(words) = line.strip_prefix("Inst ")
            && let Some((name, rest)) = words.split_once(' ')
            // In brackets is the version of what is installed already, and would only become newer.
            && !rest.starts_with('[')
        {
            packages.push(name.to_owned());
        }
    }
    Ok(packages)
}

fn download(packages: &[String], folder: &Path, options: &[&str]) -> Result<()> {
    let mut apt = Command::new("apt-get");
    quiet(apt.current_dir(folder).args(options).arg("download").args(packages)).map(drop)
}

/// Runs a command and returns what it prints, or its complaint as an error.
fn quiet(command: &mut Command) -> Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.env("LC_ALL", "C").stdin(Stdio::null()).output();
    let output = output.with_context(|| format!("cannot start {program}"))?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    let last = complaint.lines().rev().find(|line| line.starts_with('E')).unwrap_or_default();
    ensure!(output.status.success(), "{program} failed: {last}");
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
