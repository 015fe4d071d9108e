//! A configuration file of the system that is read again once it has changed.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use hickory_resolver::net::NetError;
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;

/// Keeps what was read from a file until the file changes.
pub(super) struct SystemFile<T> {
    path: PathBuf,
    current: Mutex<Option<Reading<T>>>,
}

struct Reading<T> {
    /// When the file was last modified. `None` if there was no such file.
    modified: Option<SystemTime>,
    value: Arc<T>,
}

// === impl SystemFile ===

impl<T: Send + 'static> SystemFile<T> {
    pub(super) fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), current: Mutex::new(None) }
    }

    /// Returns what `read` makes of the file. A failure is not kept, so the next caller tries again.
    pub(super) async fn get(
        &self,
        read: impl FnOnce() -> Result<T, NetError> + Send + 'static,
    ) -> Result<Arc<T>, NetError> {
        // Read before the file is: a change in between is then noticed the next time.
        let modified = tokio::fs::metadata(&self.path).await.and_then(|file| file.modified()).ok();
        let mut current = self.current.lock().await;
        if let Some(reading) = current.as_ref().filter(|reading| reading.modified == modified) {
            return Ok(reading.value.clone());
        }
        let read = spawn_blocking(read).await;
        let value = Arc::new(read.unwrap_or(Err(NetError::Message("reading it was interrupted")))?);
        *current = Some(Reading { modified, value: value.clone() });
        Ok(value)
    }
}

#[cfg(test)]
impl<T: Send + 'static> SystemFile<T> {
    /// Stands for a file that never changes.
    pub(super) fn fixed(value: T) -> Self {
        let reading = Reading { modified: None, value: Arc::new(value) };
        Self { path: PathBuf::new(), current: Mutex::new(Some(reading)) }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn a_changed_file_is_read_again_and_an_unchanged_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hosts");
        let file = SystemFile::new(&path);
        let read = {
            let path = path.clone();
            move || Ok(fs::read_to_string(&path).unwrap_or_default())
        };
        assert_eq!(*file.get(read.clone()).await.unwrap(), "", "there is no file yet");

        let write = |text: &str, seconds: u64| {
            fs::write(&path, text).unwrap();
            let modified = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
            File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
        };
        write("one", 1);
        assert_eq!(*file.get(read.clone()).await.unwrap(), "one");
        assert_eq!(*file.get(|| panic!("read again")).await.unwrap(), "one");
        write("two", 2);
        assert_eq!(*file.get(read).await.unwrap(), "two");
    }
}
