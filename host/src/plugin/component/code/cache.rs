//! A directory of code that was compiled before, so that a component is compiled once and not at each start.
//!
//! What is in it is executed. So it belongs to the plugin's own user, and nobody else may write or read it.

use std::ffi::OsStr;
use std::fs::DirBuilder;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{
    AtFlags, CWD, Dir, Mode, OFlags, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT, fstat, futimens, openat,
    statat, unlinkat,
};
use rustix::io::Errno;
use rustix::process::geteuid;
use thiserror::Error;

use super::artifact::{Artifact, Unusable};
use super::file::{self, UNFINISHED};

/// How many files it keeps, and how many bytes they may have: 1 GiB. Those that were used longest ago go first. One
/// directory may serve all plugins of a Grafana, and each has some versions.
const KEPT: (usize, u64) = (64, 1 << 30);

/// The permissions that all others must not have.
const OTHERS: u32 = 0o077;

/// How the names of its files end.
const EXTENSION: &str = ".cwasm";

/// Why the directory is not used.
#[derive(Debug, Error)]
pub(crate) enum CacheError {
    #[error("cannot use gpx_cache_dir = {0}: {1}")]
    Io(PathBuf, io::Error),
    #[error("gpx_cache_dir = {0} is a symbolic link; name the directory itself")]
    Link(PathBuf),
    #[error(
        "gpx_cache_dir = {path} belongs to user {owner}, but the plugin runs as user {user}; give it one of its own"
    )]
    Owner { path: PathBuf, owner: u32, user: u32 },
    #[error("gpx_cache_dir = {path} is open to other users (mode {mode:04o}); make it private (chmod 700)")]
    Open { path: PathBuf, mode: u32 },
}

/// The directory, once it is known to be ours alone.
pub(super) struct Cache {
    path: PathBuf,
    directory: OwnedFd,
}

/// A file in it.
struct CachedFile {
    name: Vec<u8>,
    used: (i64, u64),
    bytes: u64,
}

// === impl Cache ===

impl Cache {
    /// Opens the directory, and makes it if it does not exist.
    pub(super) fn open(path: &Path) -> Result<Self, CacheError> {
        let failed = |error: io::Error| CacheError::Io(path.to_owned(), error);
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed)?;
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::DIRECTORY | OFlags::NOFOLLOW;
        let directory = match openat(CWD, path, flags, Mode::empty()) {
            Ok(directory) => directory,
            Err(Errno::LOOP | Errno::NOTDIR) => return Err(CacheError::Link(path.to_owned())),
            Err(error) => return Err(failed(error.into())),
        };
        // Of what was opened: nobody can exchange it any more.
        let (stat, user) = (fstat(&directory).map_err(|error| failed(error.into()))?, geteuid().as_raw());
        if stat.st_uid != user {
            return Err(CacheError::Owner { path: path.to_owned(), owner: stat.st_uid, user });
        }
        let mode = stat.st_mode & 0o7777;
        if mode & OTHERS != 0 {
            return Err(CacheError::Open { path: path.to_owned(), mode });
        }
        Ok(Self { path: path.to_owned(), directory })
    }

    /// Returns the file for a component with this digest and an engine with this fingerprint.
    pub(super) fn name(component: &str, settings: &str) -> String {
        let settings = settings.get(..32).unwrap_or(settings);
        format!("{component}-{settings}{EXTENSION}")
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Returns what a file contains, if there is one.
    pub(super) fn get(&self, name: &str) -> Option<Result<Artifact, Unusable>> {
        match file::open(&self.directory, name, OFlags::NOFOLLOW) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) if Errno::from_io_error(&error) == Some(Errno::LOOP) => {
                Some(Err(Unusable::Foreign("it is a symbolic link".to_owned())))
            }
            Err(error) => Some(Err(error.into())),
            Ok(file) => Some(Self::read(file)),
        }
    }

    fn read(file: std::fs::File) -> Result<Artifact, Unusable> {
        let metadata = file.metadata()?;
        if metadata.uid() != geteuid().as_raw() {
            return Err(Unusable::Foreign(format!("it belongs to user {}", metadata.uid())));
        }
        if metadata.mode() & OTHERS != 0 {
            return Err(Unusable::Foreign(format!("its mode is {:04o}", metadata.mode() & 0o7777)));
        }
        let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
        let same = Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT };
        // If it fails, it only looks as if it had not been used.
        let _ = futimens(&file, &Timestamps { last_access: same, last_modification: now });
        Artifact::new(file::read(file)?)
    }

    /// Keeps a file, and drops those that were used longest ago if there are too many.
    pub(super) fn put(&self, name: &str, content: &[u8]) -> Result<(), CacheError> {
        let failed = |error| CacheError::Io(self.path(name), error);
        file::replace(&self.directory, name, content, Mode::RUSR | Mode::WUSR).map_err(failed)?;
        // What cannot be removed now is removed another time.
        let _ = self.shrink(KEPT.0, KEPT.1);
        Ok(())
    }

    /// Files that were left unfinished count, too.
    fn shrink(&self, most: usize, bytes: u64) -> rustix::io::Result<()> {
        let mut all = Vec::new();
        for entry in Dir::read_from(&self.directory)? {
            let name = entry?.file_name().to_bytes().to_vec();
            if !name.ends_with(EXTENSION.as_bytes()) && !name.ends_with(UNFINISHED.as_bytes()) {
                continue;
            }
            // Another plugin may have just removed it.
            if let Ok(stat) = statat(&self.directory, name.as_slice(), AtFlags::SYMLINK_NOFOLLOW) {
                let bytes = u64::try_from(stat.st_size).unwrap_or_default();
                all.push(CachedFile { name, used: (stat.st_mtime, stat.st_mtime_nsec), bytes });
            }
        }
        all.sort_by_key(|kept| std::cmp::Reverse(kept.used));
        let (mut count, mut sum) = (0, 0_u64);
        for kept in all {
            (count, sum) = (count + 1, sum.saturating_add(kept.bytes));
            if count > most || (sum > bytes && count > 1) {
                let _ = unlinkat(&self.directory, OsStr::from_bytes(&kept.name), AtFlags::empty());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::{PermissionsExt as _, chown, symlink};

    use super::*;
    use crate::plugin::component::code::artifact::{Key, digest};

    const NAME: &str = "a.cwasm";

    fn content() -> Vec<u8> {
        let [component, host, engine, settings, code] = ["c", "h", "e", "s", ""].map(str::to_owned);
        Key { component, host, engine, settings, code }.seal(b"code")
    }

    fn mode(path: &Path) -> u32 {
        path.metadata().unwrap().mode() & 0o7777
    }

    fn told(path: &Path) -> String {
        let told = Cache::open(path).err().map(|error| error.to_string()).unwrap_or_default();
        told.replace(&path.display().to_string(), "IT")
    }

    /// Why its file is not used after `spoil` has changed it.
    fn unusable(spoil: impl FnOnce(&Path)) -> String {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(&folder.path().join("cache")).unwrap();
        cache.put(NAME, &content()).unwrap();
        spoil(&cache.path(NAME));
        let why = cache.get(NAME).unwrap().err().unwrap().to_string();
        // It can always be made again.
        cache.put(NAME, &content()).unwrap();
        assert_eq!(cache.get(NAME).unwrap().unwrap().key.code, digest(b"code"));
        why
    }

    #[test]
    fn it_is_made_for_its_own_user_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b");
        let cache = Cache::open(&path).unwrap();
        assert!(cache.get(NAME).is_none());
        cache.put(NAME, &content()).unwrap();
        assert_eq!(cache.get(NAME).unwrap().unwrap().content(), content());
        assert_eq!(
            (mode(&path), mode(path.parent().unwrap()), mode(&path.join(NAME))),
            (0o700, 0o700, 0o600)
        );
    }

    #[test]
    fn a_directory_that_is_not_ours_alone_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("it");
        for open in [0o777, 0o755, 0o710, 0o1777] {
            std::fs::create_dir_all(&path).unwrap();
            set_permissions(&path, Permissions::from_mode(open)).unwrap();
            let private = "make it private (chmod 700)";
            assert_eq!(
                told(&path),
                format!("gpx_cache_dir = IT is open to other users (mode {open:04o}); {private}")
            );
        }
        set_permissions(&path, Permissions::from_mode(0o700)).unwrap();
        assert_eq!(told(&path), "");
        let link = folder.path().join("link");
        symlink(&path, &link).unwrap();
        assert_eq!(told(&link), "gpx_cache_dir = IT is a symbolic link; name the directory itself");
        std::fs::write(folder.path().join("file"), "").unwrap();
        assert!(told(&folder.path().join("file")).starts_with("cannot use gpx_cache_dir = IT: "));
        // Only root can give it away.
        if geteuid().is_root() {
            chown(&path, Some(4711), None).unwrap();
            let own = "but the plugin runs as user 0; give it one of its own";
            assert_eq!(told(&path), format!("gpx_cache_dir = IT belongs to user 4711, {own}"));
        }
    }

    #[test]
    fn a_file_that_somebody_else_could_write_is_refused() {
        let why = unusable(|path| set_permissions(path, Permissions::from_mode(0o666)).unwrap());
        assert_eq!(why, "its mode is 0666; only this plugin's own user may be able to write it");
        let why = unusable(|path| {
            std::fs::rename(path, path.with_extension("else")).unwrap();
            symlink(path.with_extension("else"), path).unwrap();
        });
        assert_eq!(why, "it is a symbolic link; only this plugin's own user may be able to write it");
        if geteuid().is_root() {
            let why = unusable(|path| chown(path, Some(4711), None).unwrap());
            assert_eq!(why, "it belongs to user 4711; only this plugin's own user may be able to write it");
        }
    }

    #[test]
    fn a_damaged_file_is_refused() {
        let why = unusable(|path| std::fs::write(path, "gpx-cwasm").unwrap());
        assert!(why.starts_with("it is incomplete or damaged"), "{why}");
    }

    #[test]
    fn what_was_used_longest_ago_goes_first() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(&folder.path().join("cache")).unwrap();
        let names = ["1.cwasm", "2.cwasm.tmp", "3.cwasm", "4.cwasm"];
        for (age, name) in names.iter().enumerate() {
            cache.put(name, &content()).unwrap();
            let at = Timespec { tv_sec: age as i64, tv_nsec: 0 };
            let file = std::fs::File::open(cache.path(name)).unwrap();
            futimens(&file, &Timestamps { last_access: at, last_modification: at }).unwrap();
        }
        std::fs::write(cache.path("other"), "").unwrap();
        let left = || {
            [&names[..], &["other"]]
                .concat()
                .into_iter()
                .filter(|name| cache.path(name).exists())
                .collect::<Vec<_>>()
        };
        // Being used makes it the newest.
        cache.get("1.cwasm").unwrap().unwrap();
        cache.shrink(3, u64::MAX).unwrap();
        assert_eq!(left(), ["1.cwasm", "3.cwasm", "4.cwasm", "other"]);
        cache.shrink(3, content().len() as u64 * 2).unwrap();
        assert_eq!(left(), ["1.cwasm", "4.cwasm", "other"]);
        // The newest stays, however large it is.
        cache.shrink(3, 1).unwrap();
        assert_eq!(left(), ["1.cwasm", "other"]);
    }
}
