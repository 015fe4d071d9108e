//! Whole files: one is read within a bound, and replaced at once, so that nobody ever reads a part of it.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, openat, renameat, unlinkat};
use rustix::io::Errno;
use rustix::process::{Resource, getrlimit};

/// The most that a file with machine code may have, in bytes: 512 MiB. The code of a component takes about three times
/// its own size, and components that contain an interpreter have some tens of megabytes.
pub(super) const MAX_FILE: usize = 512 << 20;

/// How the name of a file ends that is being written.
pub(super) const UNFINISHED: &str = ".tmp";

/// How many names are tried for a file that is being written. Those that are taken were left by processes that were
/// killed.
const TRIES: usize = 1000;

/// Opens a file in a directory for reading. `more` are flags such as `NOFOLLOW`.
pub(in crate::plugin::component) fn open(
    directory: impl AsFd,
    name: impl AsRef<Path>,
    more: OFlags,
) -> io::Result<File> {
    // Opening a pipe must not wait for its other end.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | more;
    let file = openat(directory, name.as_ref(), flags, Mode::empty())?;
    Ok(File::from(file))
}

/// Opens the directory that a file is in.
pub(super) fn directory_of(path: &Path) -> io::Result<OwnedFd> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::DIRECTORY;
    Ok(openat(CWD, directory.unwrap_or(Path::new(".")), flags, Mode::empty())?)
}

/// Reads all of a regular file, if it is no longer than [`MAX_FILE`].
pub(in crate::plugin::component) fn read(file: File) -> io::Result<Vec<u8>> {
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let too_long = || io::Error::other(format!("it is longer than {} MiB", MAX_FILE >> 20));
    let length = usize::try_from(metadata.len()).ok().filter(|length| *length <= MAX_FILE);
    let mut content = Vec::new();
    content.try_reserve_exact(length.ok_or_else(too_long)?)?;
    // It may grow while it is read.
    file.take(MAX_FILE as u64 + 1).read_to_end(&mut content)?;
    if content.len() > MAX_FILE { Err(too_long()) } else { Ok(content) }
}

/// Puts a file with this content in the place of another, if there is one. Whoever has the old one open keeps it as it
/// was. On an error, the old one stays and nothing is left behind.
pub(super) fn replace(
    directory: impl AsFd,
    name: impl AsRef<OsStr>,
    content: &[u8],
    mode: Mode,
) -> io::Result<()> {
    // Writing beyond this limit would end the process by SIGXFSZ.
    if let Some(limit) = getrlimit(Resource::Fsize).current
        && content.len() as u64 > limit
    {
        let needed = content.len();
        return Err(io::Error::other(format!(
            "it needs {needed} bytes, and the limit on the size of files (ulimit -f, LimitFSIZE=) is {limit}"
        )));
    }
    let (directory, name) = (directory.as_fd(), name.as_ref());
    let (mut file, unfinished) = create(directory, name, mode)?;
    let written = file.write_all(content);
    let placed =
        written.and_then(|()| renameat(directory, &unfinished, directory, name).map_err(io::Error::from));
    if placed.is_err() {
        let _ = unlinkat(directory, &unfinished, AtFlags::empty());
    }
    placed
}

/// Creates a file with a name that nobody else uses.
fn create(directory: impl AsFd, name: &OsStr, mode: Mode) -> io::Result<(File, OsString)> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    for _ in 0..TRIES {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let mut unfinished = OsString::from(".");
        unfinished.push(name);
        unfinished.push(format!(".{}-{number}{UNFINISHED}", std::process::id()));
        match openat(directory.as_fd(), &unfinished, flags, mode) {
            Ok(file) => return Ok((File::from(file), unfinished)),
            Err(Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Errno::EXIST.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    /// The names in a directory.
    fn names(directory: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(directory).unwrap().map(Result::unwrap);
        entries.map(|entry| entry.file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_reader_keeps_the_file_that_it_has_opened() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("it");
        let directory = directory_of(&path).unwrap();
        replace(&directory, "it", b"old", Mode::RUSR).unwrap();
        let old = open(&directory, "it", OFlags::empty()).unwrap();
        replace(&directory, "it", b"new", Mode::RUSR).unwrap();
        assert_eq!(read(old).unwrap(), b"old");
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        assert_eq!(names(folder.path()), ["it"]);
    }

    #[test]
    fn a_symbolic_link_is_replaced_and_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("target");
        std::fs::write(&target, "other").unwrap();
        symlink(&target, folder.path().join("it")).unwrap();
        replace(directory_of(&target).unwrap(), "it", b"new", Mode::RUSR).unwrap();
        assert_eq!(std::fs::read(&target).unwrap(), b"other");
        assert_eq!(std::fs::read(folder.path().join("it")).unwrap(), b"new");
    }

    #[test]
    fn what_cannot_take_the_place_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        // A directory with that name cannot be replaced by a file.
        std::fs::create_dir(folder.path().join("it")).unwrap();
        replace(directory_of(&folder.path().join("it")).unwrap(), "it", b"new", Mode::RUSR).unwrap_err();
        assert_eq!(names(folder.path()), ["it"]);
    }

    #[test]
    fn only_a_regular_file_of_a_bounded_length_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("it");
        let told = |path: &Path| read(open(CWD, path, OFlags::empty()).unwrap()).unwrap_err().to_string();
        assert_eq!(told(folder.path()), "it is not a regular file");
        assert_eq!(told(Path::new("/dev/zero")), "it is not a regular file");
        File::create(&path).unwrap().set_len(MAX_FILE as u64 + 1).unwrap();
        assert_eq!(told(&path), "it is longer than 512 MiB");
    }
}
