//! A log that a test can read.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use super::Log;

/// The lines that a log has written.
pub(crate) struct Lines {
    log: Log,
    written: Written,
}

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

struct Held<'a> {
    _written: MutexGuard<'a, Vec<u8>>,
}

// === impl Log ===

impl Log {
    pub(crate) fn memory() -> (Self, Lines) {
        let written = Written::default();
        let log = Self::to(written.clone()).unwrap();
        (log.clone(), Lines { log, written })
    }
}

// === impl Lines ===

impl Lines {
    pub(crate) fn text(&self) -> String {
        self.log.flush(Duration::from_secs(60));
        String::from_utf8(self.written.0.lock().unwrap().clone()).unwrap()
    }

    /// Lets no line be written until the guard is dropped, as if nobody read them.
    pub(crate) fn hold(&self) -> impl Drop + '_ {
        Held { _written: self.written.0.lock().unwrap() }
    }

    pub(crate) fn json(&self) -> Vec<serde_json::Value> {
        self.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

// === impl Held ===

impl Drop for Held<'_> {
    fn drop(&mut self) {}
}

// === impl Written ===

impl io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
