//! Grafana's stand-alone mode: somebody holds the plugin's process, for example in a debugger or a container, and Grafana connects
//! to it. The process that Grafana itself starts then only says where the other one listens.
//!
//! The names of files and variables, and what they mean, are those of the Go SDK.

use std::fs;
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use crate::config::Process;

/// Has the address of the process that is held, in the plugin's directory.
const ADDRESS: &str = "standalone.txt";

/// Has its process id.
const PID: &str = "pid.txt";

/// Why an address that was left behind is not used.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unusable {
    #[error("{file} cannot be read ({error}); let the user that runs Grafana read it, or delete it")]
    Unreadable { file: &'static str, error: io::Error },
    #[error("{ADDRESS} or its variable has no address such as localhost:3005; correct or delete it")]
    NoAddress,
    #[error("{PID} has no process id; delete it and {ADDRESS}")]
    NoPid,
    #[error("{ADDRESS} is of a process that is gone; delete it and {PID}")]
    Gone,
}

/// What tells Grafana's processes about this one. The files are removed with it.
#[derive(Debug)]
pub(super) struct Announced(Vec<PathBuf>);

/// Returns the address of a process that is held in place of the plugin's own. It is in a variable for the plugin's id, or in a
/// file.
pub(super) fn find(directory: &Path, id: &str, process: &Process) -> Result<Option<String>, Unusable> {
    let address = match process.held_at(id) {
        Some(address) => address.to_owned(),
        None => match read(directory, ADDRESS)? {
            Some(address) => address,
            None => return Ok(None),
        },
    };
    // It becomes a field of the handshake's line.
    if !address.contains(':') || address.contains(|sign: char| sign == '|' || sign.is_whitespace()) {
        return Err(Unusable::NoAddress);
    }
    match read(directory, PID)? {
        Some(pid) if !is_running(pid.parse().map_err(|_| Unusable::NoPid)?) => Err(Unusable::Gone),
        _ => Ok(Some(address)),
    }
}

/// Returns the text of a file, if it exists and is not empty.
fn read(directory: &Path, file: &'static str) -> Result<Option<String>, Unusable> {
    match fs::read_to_string(directory.join(file)) {
        Ok(text) => Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Unusable::Unreadable { file, error }),
    }
}

#[cfg(unix)]
fn is_running(pid: i32) -> bool {
    rustix::process::Pid::from_raw(pid).is_some_and(|pid| rustix::process::test_kill_process(pid).is_ok())
}

#[cfg(not(unix))]
fn is_running(_: i32) -> bool {
    true
}

/// Ends the other processes of this executable, so that Grafana starts its own again and finds out what is held now. Where the
/// system does not list processes, Grafana must be restarted.
#[cfg(target_os = "linux")]
pub(super) fn restart_others(executable: &Path) {
    use rustix::process::{Pid, Signal, getpid, kill_process};

    let Ok(entries) = fs::read_dir("/proc") else { return };
    for entry in entries.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let Some(pid) = Pid::from_raw(pid).filter(|pid| *pid != getpid()) else { continue };
        // By the path, not by a pattern: another plugin may have a similar name, or be a link to the same file.
        if fs::read_link(entry.path().join("exe")).is_ok_and(|path| path == executable) {
            let _ = kill_process(pid, Signal::TERM);
        }
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) fn restart_others(_: &Path) {}

// === impl Announced ===

impl Announced {
    /// Writes where this process listens, for its own user only.
    ///
    /// Fails if another process is held already.
    pub(super) fn write(directory: &Path, address: &str) -> io::Result<Self> {
        if let Ok(Some(pid)) = read(directory, PID)
            && pid.parse().is_ok_and(is_running)
        {
            let text = format!("process {pid} is held already ({PID}); end it first");
            return Err(io::Error::new(ErrorKind::AlreadyExists, text));
        }
        let mut announced = Self(Vec::new());
        for (file, text) in [(ADDRESS, address), (PID, &std::process::id().to_string())] {
            let path = directory.join(file);
            // An older one may have other permissions.
            let _ = fs::remove_file(&path);
            let mut options = fs::OpenOptions::new();
            options.write(true).create_new(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let written = options.open(&path).and_then(|mut file| file.write_all(text.as_bytes()));
            written.map_err(|error| {
                io::Error::new(error.kind(), format!("cannot write {}: {error}", path.display()))
            })?;
            announced.0.push(path);
        }
        Ok(announced)
    }
}

impl Drop for Announced {
    fn drop(&mut self) {
        for path in &self.0 {
            let _ = fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;

    fn directory(files: &[(&str, &str)]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(directory.path().join(name), text).unwrap();
        }
        directory
    }

    fn found(files: &[(&str, &str)], variables: &[(&str, &str)]) -> Result<Option<String>, String> {
        let settings: Settings = variables.iter().copied().collect();
        find(directory(files).path(), "gpx-test-datasource", &settings.process)
            .map_err(|error| error.to_string())
    }

    /// A process id that no process has: it is beyond what Linux gives away.
    const NOBODY: &str = "2147483647";

    #[test]
    fn an_address_is_in_the_variable_or_in_the_file() {
        let own = std::process::id().to_string();
        let here = |address: &str| Ok(Some(address.to_owned()));
        let variable = [("GF_PLUGIN_GRPC_ADDRESS_GPX_TEST_DATASOURCE", "plugin:3005")];
        let another = [("GF_PLUGIN_GRPC_ADDRESS_GPX_TEST", "plugin:3005")];
        assert_eq!(found(&[], &[]), Ok(None));
        assert_eq!(found(&[("standalone.txt", " \n")], &another), Ok(None));
        assert_eq!(found(&[("standalone.txt", "localhost:1\n")], &[]), here("localhost:1"));
        assert_eq!(found(&[("standalone.txt", ":1"), ("pid.txt", &own)], &variable), here("plugin:3005"));
        assert_eq!(found(&[("standalone.txt", ":1"), ("pid.txt", "")], &another), here(":1"));
    }

    #[test]
    fn what_was_left_behind_is_not_used() {
        let address = ("standalone.txt", ":1");
        let gone = "standalone.txt is of a process that is gone; delete it and pid.txt";
        assert_eq!(found(&[address, ("pid.txt", NOBODY)], &[]), Err(gone.to_owned()));
        for pid in ["x", "-"] {
            let error = found(&[address, ("pid.txt", pid)], &[]).unwrap_err();
            assert_eq!(error, "pid.txt has no process id; delete it and standalone.txt");
        }
        for text in ["localhost", "a:1|grpc", "a:1\nb:2"] {
            let error = found(&[("standalone.txt", text)], &[]).unwrap_err();
            assert!(error.starts_with("standalone.txt or its variable has no address"), "{text}: {error}");
        }
    }

    #[test]
    fn one_process_is_held_at_a_time_and_leaves_nothing_behind() {
        let directory = directory(&[("standalone.txt", "old"), ("pid.txt", NOBODY)]);
        let announced = Announced::write(directory.path(), "127.0.0.1:1").unwrap();
        let process = Process::default();
        assert_eq!(find(directory.path(), "", &process).unwrap().as_deref(), Some("127.0.0.1:1"));
        assert!(
            Announced::write(directory.path(), ":2").unwrap_err().to_string().contains("is held already")
        );
        drop(announced);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
