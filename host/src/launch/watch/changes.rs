//! Notices that files have changed, by inotify: that another one got their name, that they were written, linked or removed. A
//! file that is being written has changed once its writer has closed it.

use std::ffi::{OsStr, OsString};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::inotify::{CreateFlags, ReadFlags, Reader, WatchFlags, add_watch, init, remove_watch};
use rustix::io::Errno;
use tokio::io::unix::AsyncFd;
use tokio::time::{Instant, timeout_at};

use crate::launch::readable::readable;

/// How long nothing may have happened, so that what a build does with several files, or one after another, is one change.
const QUIET: Duration = Duration::from_millis(50);

/// How long changes that never pause may be put off.
const PATIENCE: Duration = Duration::from_millis(500);

/// How long a file may be open for writing without being written, until it is looked at all the same: a file that got its
/// name only when it was complete may look like that.
const STALLED: Duration = Duration::from_secs(2);

/// How many bytes of events are read at once.
const EVENTS: usize = 4096;

/// Follows some files.
pub(super) struct Changes {
    inotify: AsyncFd<OwnedFd>,
    files: Vec<Followed>,
}

struct Followed {
    path: PathBuf,
    places: Vec<Place>,
    changed: bool,
    /// Whether somebody is writing it.
    is_open: bool,
}

/// A name in a directory that is watched.
#[derive(PartialEq, Eq)]
struct Place {
    watch: i32,
    name: OsString,
}

// === impl Changes ===

impl Changes {
    /// Begins to follow these files. Those that do not exist yet are followed, too. Needs a running tokio runtime.
    pub(super) fn of(files: impl IntoIterator<Item = PathBuf>) -> io::Result<Self> {
        let inotify = readable(init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?)?;
        let files = files.into_iter().map(Followed::new).collect();
        let mut changes = Self { inotify, files };
        changes.attach()?;
        Ok(changes)
    }

    /// Waits until one of the files has changed and nobody is writing them. Returns when that began.
    pub(super) async fn next(&mut self) -> io::Result<Instant> {
        while !self.files.iter().any(|file| file.changed || file.is_open) {
            self.read().await?;
        }
        let began = Instant::now();
        loop {
            let now = Instant::now();
            let is_open = self.files.iter().any(|file| file.is_open);
            let until = if is_open { now + STALLED } else { (began + PATIENCE).min(now + QUIET) };
            match timeout_at(until, self.read()).await {
                Ok(read) => read?,
                Err(_) => break,
            }
        }
        for file in &mut self.files {
            (file.changed, file.is_open) = (false, false);
        }
        // Before they are looked at, so that nothing is missed in a directory that is new.
        self.attach()?;
        Ok(began)
    }

    /// Watches the directories in which the files are now.
    fn attach(&mut self) -> io::Result<()> {
        let before: Vec<_> =
            self.files.iter_mut().flat_map(|file| std::mem::take(&mut file.places)).collect();
        for file in &mut self.files {
            file.places.push(watch(self.inotify.get_ref(), &file.path)?);
            // Where a link leads.
            let target = file.path.canonicalize().ok().filter(|target| *target != file.path);
            if let Some(target) = target {
                file.places.push(watch(self.inotify.get_ref(), &target)?);
            }
        }
        for Place { watch, .. } in before {
            if !self.files.iter().flat_map(|file| &file.places).any(|place| place.watch == watch) {
                // It fails if the directory is gone, and the watch with it.
                let _ = remove_watch(self.inotify.get_ref(), watch);
            }
        }
        Ok(())
    }

    /// Waits for events, and notes all that there are.
    async fn read(&mut self) -> io::Result<()> {
        let Self { inotify, files } = self;
        let mut ready = inotify.readable().await?;
        let mut buffer = [MaybeUninit::uninit(); EVENTS];
        let mut reader = Reader::new(inotify.get_ref(), &mut buffer);
        loop {
            match reader.next() {
                Ok(event) => {
                    let name = event.file_name().map(|name| OsStr::from_bytes(name.to_bytes()));
                    for file in files.iter_mut() {
                        file.note(event.wd(), event.events(), name);
                    }
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    ready.clear_ready();
                    return Ok(());
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Watches the directory of a file. If that does not exist, watches the nearest that does, for the next one on the way.
fn watch(inotify: &OwnedFd, path: &Path) -> io::Result<Place> {
    let flags = WatchFlags::ATTRIB
        | WatchFlags::CLOSE_WRITE
        | WatchFlags::CREATE
        | WatchFlags::DELETE
        | WatchFlags::DELETE_SELF
        | WatchFlags::MODIFY
        | WatchFlags::MOVE
        | WatchFlags::MOVE_SELF
        | WatchFlags::ONLYDIR;
    let mut path = path;
    loop {
        let directory = path.parent().ok_or(Errno::NOENT)?;
        match add_watch(inotify, directory, flags) {
            Ok(watch) => {
                let name = path.file_name().map(OsStr::to_owned).unwrap_or_default();
                return Ok(Place { watch, name });
            }
            Err(Errno::NOENT | Errno::NOTDIR) => path = directory,
            Err(error) => {
                let told = match error {
                    Errno::NOSPC => {
                        "all watches that a user may have are taken; raise fs.inotify.max_user_watches"
                            .to_owned()
                    }
                    other => other.to_string(),
                };
                return Err(io::Error::other(format!("{}: {told}", directory.display())));
            }
        }
    }
}

// === impl Followed ===

impl Followed {
    fn new(path: PathBuf) -> Self {
        Self { path, places: Vec::new(), changed: false, is_open: false }
    }

    /// Notes what an event says of this file. Without a name it is about a directory itself.
    fn note(&mut self, watch: i32, events: ReadFlags, name: Option<&OsStr>) {
        if events.contains(ReadFlags::QUEUE_OVERFLOW) {
            (self.changed, self.is_open) = (true, false);
            return;
        }
        let is_here = |place: &Place| place.watch == watch && name.is_none_or(|name| name == place.name);
        if !self.places.iter().any(is_here) {
            return;
        }
        match events {
            events if events.contains(ReadFlags::MODIFY) => self.is_open = true,
            events if events.contains(ReadFlags::CREATE) && is_unfinished(&self.path) => self.is_open = true,
            events if events.contains(ReadFlags::ATTRIB) => self.changed = true,
            _ => (self.changed, self.is_open) = (true, false),
        }
    }
}

/// Returns whether a file that has just got its name may be incomplete. One that has another name too is a link to one that
/// is not.
fn is_unfinished(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|metadata| metadata.is_file() && metadata.nlink() == 1)
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::io::Write as _;
    use std::os::unix::fs::symlink;

    use tokio::time::timeout;

    use super::*;

    struct Watched {
        folder: tempfile::TempDir,
        changes: Changes,
    }

    impl Watched {
        /// `it` in `inside`, which is below a directory of its own.
        fn new(inside: &str) -> Self {
            let folder = tempfile::tempdir().unwrap();
            fs::create_dir_all(folder.path().join(inside)).unwrap();
            let changes = Changes::of([folder.path().join(inside).join("it")]).unwrap();
            Self { folder, changes }
        }

        fn path(&self, name: &str) -> PathBuf {
            self.folder.path().join(name)
        }

        async fn changed(&mut self) {
            self.changes.next().await.unwrap();
            // It was one change.
            assert!(self.nothing_changes().await);
        }

        async fn nothing_changes(&mut self) -> bool {
            timeout(2 * STALLED, self.changes.next()).await.is_err()
        }

        /// Reads all events that there are, and returns whether they are a change that is complete.
        async fn looks_changed(&mut self) -> bool {
            while timeout(Duration::from_millis(1), self.changes.read()).await.is_ok() {}
            let [file] = self.changes.files.as_slice() else { panic!("one file is followed") };
            file.changed && !file.is_open
        }
    }

    #[tokio::test(start_paused = true)]
    async fn each_way_to_change_a_file_is_noticed() {
        let mut watched = Watched::new("d");
        let (it, other, away) = (watched.path("d/it"), watched.path("other"), watched.path("away"));
        fs::write(&it, "1").unwrap();
        watched.changed().await;
        fs::write(&other, "2").unwrap();
        fs::rename(&other, &it).unwrap();
        watched.changed().await;
        fs::rename(&it, &away).unwrap();
        watched.changed().await;
        fs::hard_link(&away, &it).unwrap();
        watched.changed().await;
        fs::remove_file(&it).unwrap();
        watched.changed().await;
        symlink(&away, &it).unwrap();
        watched.changed().await;
        // Where the link leads to.
        fs::write(&away, "3").unwrap();
        watched.changed().await;
        fs::write(&other, "4").unwrap();
        fs::rename(&other, &away).unwrap();
        watched.changed().await;
        fs::remove_file(&it).unwrap();
        fs::create_dir(&it).unwrap();
        watched.changed().await;
        // Nothing leads there any more.
        fs::write(&away, "5").unwrap();
        fs::write(watched.path("d/another"), "6").unwrap();
        assert!(watched.nothing_changes().await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_directory_that_is_removed_and_made_again_is_followed() {
        let mut watched = Watched::new("c/d");
        let (it, top) = (watched.path("c/d/it"), watched.path("c"));
        for _ in 0..3 {
            fs::write(&it, "1").unwrap();
            watched.changed().await;
            fs::remove_dir_all(&top).unwrap();
            watched.changed().await;
            fs::create_dir_all(it.parent().unwrap()).unwrap();
            watched.changed().await;
        }
        fs::rename(&top, watched.path("old")).unwrap();
        // A directory is watched by what it is, so this is not noticed.
        assert!(watched.nothing_changes().await);
        fs::rename(watched.path("old"), &top).unwrap();
        let (inner, old) = (watched.path("c/d"), watched.path("c/old"));
        fs::rename(&inner, &old).unwrap();
        watched.changed().await;
        fs::write(watched.path("c/old/it"), "2").unwrap();
        assert!(watched.nothing_changes().await);
        fs::rename(&old, &inner).unwrap();
        watched.changed().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_file_that_is_being_written_has_not_changed_yet() {
        let mut watched = Watched::new("d");
        let mut writer = File::create(watched.path("d/it")).unwrap();
        assert!(!watched.looks_changed().await);
        writer.write_all(b"1").unwrap();
        assert!(!watched.looks_changed().await);
        fs::write(watched.path("d/another"), "").unwrap();
        assert!(!watched.looks_changed().await);
        drop(writer);
        assert!(watched.looks_changed().await);
        watched.changed().await;
        // Somebody who does not go on with it does not stop everybody else.
        let mut writer = File::options().append(true).open(watched.path("d/it")).unwrap();
        writer.write_all(b"2").unwrap();
        watched.changed().await;
        fs::remove_file(watched.path("d/it")).unwrap();
        watched.changed().await;
    }

    #[tokio::test(start_paused = true)]
    async fn changes_that_never_pause_are_told_after_a_while() {
        let mut watched = Watched::new("d");
        let (it, other) = (watched.path("d/it"), watched.path("other"));
        let began = Instant::now();
        let saving = async {
            loop {
                fs::write(&other, "1").unwrap();
                fs::rename(&other, &it).unwrap();
                tokio::time::sleep(QUIET / 2).await;
            }
        };
        tokio::select! {
            changed = watched.changes.next() => { changed.unwrap(); }
            () = saving => {}
        }
        assert!(began.elapsed() <= PATIENCE + QUIET, "{:?}", began.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn events_that_were_lost_count_as_a_change() {
        let mut watched = Watched::new("d");
        let [file] = watched.changes.files.as_mut_slice() else { panic!("one file is followed") };
        file.is_open = true;
        file.note(-1, ReadFlags::QUEUE_OVERFLOW, None);
        assert!(watched.looks_changed().await);
    }
}
