//! The unix socket: a file that only Grafana can open or, if no file can be written, an abstract name that accepts only
//! Grafana's user.

use std::fs::{self, Permissions};
use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};

use futures_util::{Stream, stream};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketType, bind, listen, socket};
use tokio::net::{UnixListener, UnixStream};

use super::accept::accepted;
use super::error::BindError;
use crate::config::Process;

/// How many connections may wait to be accepted. Grafana opens one.
const BACKLOG: i32 = 128;

#[derive(Debug)]
pub(super) struct UnixSocket {
    listener: UnixListener,
    /// As Go writes it: an abstract name starts with `@`.
    name: String,
    access: Access,
}

/// Who may connect.
#[derive(Debug)]
enum Access {
    /// The file's permissions decide.
    File(SocketFile),
    /// The program that bound the socket has decided.
    HandedOver,
    /// Only the user that started us, which is our own. An abstract name has no permissions: every user on the machine
    /// can connect to it.
    OwnUser,
}

/// Removes the file when dropped.
#[derive(Debug)]
struct SocketFile(PathBuf);

// === impl UnixSocket ===

impl UnixSocket {
    /// Binds in the directory that the client names, otherwise in the temp directory, otherwise without a file.
    pub(super) fn bind(process: &Process) -> Result<Self, BindError> {
        let group = process.socket_group.as_deref();
        let gid = group
            .map(|group| resolve(group).map_err(|cause| BindError::Group { group: group.to_owned(), cause }));
        let gid = gid.transpose()?;
        let file_name = format!("plugin{:016x}", random());
        let mut failure = None;
        for directory in process.socket_dir.iter().chain([&process.temp_dir]) {
            match Self::bind_file(&directory.join(&file_name)) {
                Ok(socket) => {
                    if let (Some(gid), Some(group)) = (gid, group) {
                        socket
                            .share_with(gid)
                            .map_err(|cause| BindError::Group { group: group.to_owned(), cause })?;
                    }
                    return Ok(socket);
                }
                Err(error) => failure = Some(error),
            }
        }
        Self::bind_abstract(&file_name).map_err(|error| BindError::Unix(failure.unwrap_or(error)))
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn incoming(self) -> impl Stream<Item = io::Result<UnixStream>> {
        stream::unfold(self, |socket| async {
            let accepted = accepted(socket.listener.accept().await).await;
            let admitted = accepted.and_then(|(stream, _)| socket.admit(stream));
            Some((admitted, socket))
        })
    }

    pub(super) fn handed_over(listener: UnixListener) -> Self {
        let path = listener.local_addr().ok().and_then(|address| address.as_pathname().map(Path::to_owned));
        let name = path.map(|path| path.to_string_lossy().into_owned()).unwrap_or_default();
        Self { listener, name, access: Access::HandedOver }
    }

    fn bind_file(path: &Path) -> io::Result<Self> {
        // The handshake line cannot contain other paths.
        let name = path.to_str().filter(|name| !name.starts_with('@') && !name.contains(['|', '\n', '\r']));
        let name = name.ok_or(io::ErrorKind::InvalidFilename)?.to_owned();
        let fd = socket(AddressFamily::UNIX, SocketType::STREAM, None)?;
        bind(&fd, &SocketAddrUnix::new(path)?)?;
        let file = SocketFile(path.to_owned());
        // Before `listen`, so that nobody else can ever connect.
        fs::set_permissions(path, Permissions::from_mode(0o600))?;
        Ok(Self { listener: start(fd)?, name, access: Access::File(file) })
    }

    #[cfg(target_os = "linux")]
    fn bind_abstract(name: &str) -> io::Result<Self> {
        let fd = socket(AddressFamily::UNIX, SocketType::STREAM, None)?;
        bind(&fd, &SocketAddrUnix::new_abstract_name(name.as_bytes())?)?;
        Ok(Self { listener: start(fd)?, name: format!("@{name}"), access: Access::OwnUser })
    }

    #[cfg(not(target_os = "linux"))]
    fn bind_abstract(_name: &str) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn share_with(&self, gid: u32) -> io::Result<()> {
        let Access::File(SocketFile(path)) = &self.access else { return Ok(()) };
        chown(path, None, Some(gid))?;
        fs::set_permissions(path, Permissions::from_mode(0o660))
    }

    fn admit(&self, stream: UnixStream) -> io::Result<UnixStream> {
        match self.access {
            Access::File(_) | Access::HandedOver => Ok(stream),
            Access::OwnUser if stream.peer_cred()?.uid() == rustix::process::getuid().as_raw() => Ok(stream),
            Access::OwnUser => Err(io::ErrorKind::PermissionDenied.into()),
        }
    }
}

// === impl SocketFile ===

impl Drop for SocketFile {
    fn drop(&mut self) {
        // It may already be gone, with its directory.
        let _ = fs::remove_file(&self.0);
    }
}

fn start(fd: OwnedFd) -> io::Result<UnixListener> {
    listen(&fd, BACKLOG)?;
    let listener = std::os::unix::net::UnixListener::from(fd);
    listener.set_nonblocking(true)?;
    UnixListener::from_std(listener)
}

/// Returns an unpredictable number: nobody can guess it, nor the next one after seeing this one.
fn random() -> u64 {
    RandomState::new().hash_one(std::process::id())
}

/// Returns a group's id, given the id itself or the group's name.
fn resolve(group: &str) -> io::Result<u32> {
    match group.parse() {
        Ok(gid) => Ok(gid),
        Err(_) => find(group, &fs::read_to_string("/etc/group")?)
            .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no such group in /etc/group")),
    }
}

/// group(5): `name:password:gid:members`.
fn find(group: &str, table: &str) -> Option<u32> {
    table.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(group)).then(|| fields.nth(1))??.parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Creates a directory for the test of that name in this process.
    #[expect(clippy::disallowed_methods, reason = "the test's own files")]
    fn directory(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("gpx-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        path
    }

    #[tokio::test]
    async fn the_file_is_private_and_removed_with_the_socket() {
        let temp_dir = directory("private");
        let socket = UnixSocket::bind(&Process { temp_dir: temp_dir.clone(), ..Process::default() }).unwrap();
        let path = PathBuf::from(socket.name());
        assert_eq!(path.parent(), Some(temp_dir.as_path()));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        drop(socket);
        assert!(!path.exists());
        fs::remove_dir(temp_dir).unwrap();
    }

    #[tokio::test]
    async fn a_group_can_be_given_access() {
        let temp_dir = directory("group");
        let gid = rustix::process::getgid().as_raw().to_string();
        let process = Process { temp_dir: temp_dir.clone(), socket_group: Some(gid), ..Process::default() };
        let socket = UnixSocket::bind(&process).unwrap();
        assert_eq!(fs::metadata(socket.name()).unwrap().permissions().mode() & 0o777, 0o660);
        drop(socket);
        fs::remove_dir(temp_dir).unwrap();
    }

    #[tokio::test]
    async fn without_a_writable_directory_the_socket_is_abstract_and_accepts_our_user() {
        let missing = PathBuf::from("/nowhere/to/be/found");
        let process = Process { socket_dir: Some(missing.clone()), temp_dir: missing, ..Process::default() };
        let socket = UnixSocket::bind(&process).unwrap();
        let name = socket.name().strip_prefix('@').unwrap().to_owned();
        let fd = rustix::net::socket(AddressFamily::UNIX, SocketType::STREAM, None).unwrap();
        rustix::net::connect(&fd, &SocketAddrUnix::new_abstract_name(name.as_bytes()).unwrap()).unwrap();
        let (stream, _) = socket.listener.accept().await.unwrap();
        assert!(socket.admit(stream).is_ok());
    }

    #[tokio::test]
    async fn a_path_that_is_too_long_for_a_socket_address_is_skipped() {
        let temp_dir = directory("short");
        let process = Process {
            socket_dir: Some(PathBuf::from("/".to_owned() + &"x".repeat(200))),
            temp_dir: temp_dir.clone(),
            ..Process::default()
        };
        let socket = UnixSocket::bind(&process).unwrap();
        assert!(Path::new(socket.name()).starts_with(&temp_dir), "{}", socket.name());
        drop(socket);
        fs::remove_dir(temp_dir).unwrap();
    }

    #[tokio::test]
    async fn a_path_that_would_break_the_handshake_line_is_refused() {
        assert!(UnixSocket::bind_file(Path::new("/tmp/a|b")).is_err());
    }

    #[test]
    fn groups_are_found_by_name_or_number() {
        let table = "root:x:0:\ngrafana:x:472:a,b\nbroken\n";
        assert_eq!(find("grafana", table), Some(472));
        assert_eq!(find("472", table), None);
        assert_eq!(find("broken", table), None);
        assert_eq!(resolve("472").unwrap(), 472);
    }
}
