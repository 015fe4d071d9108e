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

/// What tells Grafana's processes about this one: the files in this directory, which are removed with it.
#[derive(Debug)]
pub(super) struct Announced(PathBuf);

/// A process that is held in place of the plugin's own.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Elsewhere {
    pub address: String,
    /// `None` if it is not known, for example since it is in another container.
    pub pid: Option<u32>,
}

/// Returns the process that is held. Its address is in a variable for the plugin's id, or in a file.
pub(super) fn find(directory: &Path, id: &str, process: &Process) -> Result<Option<Elsewhere>, Unusable> {
    let address = match process.held_at(id) {
        Some(address) => address.to_owned(),
        None => match read(directory, ADDRESS)? {
            Some(address) => address,
            None => return Ok(None),
        },
    };
    if !is_address(&address) {
        return Err(Unusable::NoAddress);
    }
    let pid = match read(directory, PID)? {
        Some(pid) => Some(pid.parse().map_err(|_| Unusable::NoPid)?),
        None => None,
    };
    match pid {
        Some(pid) if !is_another(pid) => Err(Unusable::Gone),
        pid => Ok(Some(Elsewhere { address, pid })),
    }
}

/// Returns whether Go can connect to it. It becomes a field of the handshake's line.
fn is_address(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else { return false };
    let is_bracketed = host.starts_with('[') && host.ends_with(']');
    let is_odd = |sign: char| matches!(sign, '|' | '/') || sign.is_whitespace() || sign.is_control();
    let is_host = !host.contains(is_odd) && (is_bracketed || !host.contains(':'));
    is_host && port.parse::<u16>().is_ok_and(|port| port > 0)
}

/// Returns the text of a file, if it exists and is not empty.
fn read(directory: &Path, file: &'static str) -> Result<Option<String>, Unusable> {
    match fs::read_to_string(directory.join(file)) {
        Ok(text) => Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Unusable::Unreadable { file, error }),
    }
}

/// Returns whether this is a process that runs, and not this one: a container that starts again gives away the same ids.
#[cfg(unix)]
fn is_another(pid: u32) -> bool {
    use rustix::process::{Pid, getpid, test_kill_process};

    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| pid != getpid() && test_kill_process(pid).is_ok())
}

#[cfg(not(unix))]
fn is_another(pid: u32) -> bool {
    pid != std::process::id()
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
        // The id goes first: whoever has written it may write the address.
        let mut file = match create(directory, PID) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                if let Ok(Some(pid)) = read(directory, PID)
                    && pid.parse().is_ok_and(is_another)
                {
                    let text = format!("process {pid} is held already ({PID}); end it first");
                    return Err(io::Error::new(ErrorKind::AlreadyExists, text));
                }
                replace(directory, PID)
            }
            created => created,
        }
        .map_err(|error| cannot_write(directory, PID, &error))?;
        let announced = Self(directory.to_owned());
        let written = file.write_all(std::process::id().to_string().as_bytes());
        written.map_err(|error| cannot_write(directory, PID, &error))?;
        let written = replace(directory, ADDRESS).and_then(|mut file| file.write_all(address.as_bytes()));
        written.map_err(|error| cannot_write(directory, ADDRESS, &error))?;
        Ok(announced)
    }
}

/// Creates a file in the place of an older one, which may have other permissions.
fn replace(directory: &Path, file: &str) -> io::Result<fs::File> {
    match fs::remove_file(directory.join(file)) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => create(directory, file),
    }
}

/// Follows no link: whatever has the name already stays as it is.
fn create(directory: &Path, file: &str) -> io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(directory.join(file))
}

fn cannot_write(directory: &Path, file: &str, error: &io::Error) -> io::Error {
    io::Error::other(format!("cannot write {}: {error}", directory.join(file).display()))
}

impl Drop for Announced {
    fn drop(&mut self) {
        for file in [ADDRESS, PID] {
            let _ = fs::remove_file(self.0.join(file));
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
        let found = find(directory(files).path(), "gpx-test-datasource", &settings.process);
        found.map(|held| held.map(|held| held.address)).map_err(|error| error.to_string())
    }

    /// A process id that no process has: it is beyond what Linux gives away.
    const NOBODY: &str = "2147483647";

    #[test]
    fn an_address_is_in_the_variable_or_in_the_file() {
        // Cargo or a shell.
        let other = std::os::unix::process::parent_id().to_string();
        let here = |address: &str| Ok(Some(address.to_owned()));
        let variable = [("GF_PLUGIN_GRPC_ADDRESS_GPX_TEST_DATASOURCE", "plugin:3005")];
        let another = [("GF_PLUGIN_GRPC_ADDRESS_GPX_TEST", "plugin:3005")];
        assert_eq!(found(&[], &[]), Ok(None));
        assert_eq!(found(&[("standalone.txt", " \n")], &another), Ok(None));
        assert_eq!(found(&[("standalone.txt", "localhost:1\n")], &[]), here("localhost:1"));
        assert_eq!(found(&[("standalone.txt", ":1"), ("pid.txt", &other)], &variable), here("plugin:3005"));
        assert_eq!(found(&[("standalone.txt", ":1"), ("pid.txt", "")], &another), here(":1"));
    }

    #[test]
    fn what_was_left_behind_is_not_used() {
        let address = ("standalone.txt", ":1");
        let gone = "standalone.txt is of a process that is gone; delete it and pid.txt";
        for pid in [NOBODY, "0", "4294967295", &std::process::id().to_string()] {
            assert_eq!(found(&[address, ("pid.txt", pid)], &[]), Err(gone.to_owned()), "{pid}");
        }
        // To the system, -1 is every process.
        for pid in ["x", "-", "-1"] {
            let error = found(&[address, ("pid.txt", pid)], &[]).unwrap_err();
            assert_eq!(error, "pid.txt has no process id; delete it and standalone.txt");
        }
        for text in [
            "localhost",
            "a:1|grpc",
            "a:1\nb:2",
            "a:",
            "a:0",
            "a:65536",
            "a:b",
            "http://a:1",
            "::1:1",
            "a\u{1b}:1",
        ] {
            let error = found(&[("standalone.txt", text)], &[]).unwrap_err();
            assert!(error.starts_with("standalone.txt or its variable has no address"), "{text}: {error}");
        }
        assert_eq!(found(&[("standalone.txt", "[::1]:65535")], &[]), Ok(Some("[::1]:65535".to_owned())));
    }

    #[test]
    fn one_process_is_held_at_a_time_and_leaves_nothing_behind() {
        let directory = directory(&[("standalone.txt", "old"), ("pid.txt", NOBODY)]);
        let files = || fs::read_dir(directory.path()).unwrap().count();
        let announced = Announced::write(directory.path(), "127.0.0.1:1").unwrap();
        let text = |file: &str| fs::read_to_string(directory.path().join(file)).unwrap();
        assert_eq!(
            (text("standalone.txt"), text("pid.txt")),
            ("127.0.0.1:1".to_owned(), std::process::id().to_string())
        );
        drop(announced);
        assert_eq!(files(), 0);
        let other = std::os::unix::process::parent_id().to_string();
        fs::write(directory.path().join("pid.txt"), &other).unwrap();
        let error = Announced::write(directory.path(), ":2").unwrap_err();
        assert!(
            error.kind() == ErrorKind::AlreadyExists && error.to_string().contains("is held already"),
            "{error}"
        );
        assert_eq!((files(), text("pid.txt")), (1, other), "they are the other's");
    }

    #[test]
    fn what_cannot_be_announced_leaves_nothing_behind() {
        let directory = directory(&[]);
        fs::create_dir(directory.path().join("standalone.txt")).unwrap();
        let error = Announced::write(directory.path(), ":1").unwrap_err().to_string();
        assert!(error.starts_with("cannot write ") && error.contains("standalone.txt: "), "{error}");
        assert!(!directory.path().join("pid.txt").exists());
    }

    #[test]
    fn a_link_is_replaced_and_not_followed() {
        let directory = directory(&[("precious", "kept")]);
        for file in ["standalone.txt", "pid.txt"] {
            std::os::unix::fs::symlink("precious", directory.path().join(file)).unwrap();
        }
        drop(Announced::write(directory.path(), ":1").unwrap());
        assert_eq!(fs::read_to_string(directory.path().join("precious")).unwrap(), "kept");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }
}
