//! Writes a recording.

use std::collections::HashMap;
use std::fs::File;
use std::hash::{BuildHasher as _, RandomState};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime};

use rustix::process::{Resource, getrlimit};
use serde_json::value::RawValue;

use super::line::{FORMAT, Head, MAX_FILE, MAX_READINGS, Name, Part};
use crate::budget::{MemoryKind, OwnerMemory};
use crate::har::{Capture, Recorder};
use crate::log::Log;
use crate::text::Scrub;

/// A recording that is being made.
pub(crate) struct Recording {
    seed: String,
    /// How many calls with each name have begun.
    begun: Mutex<HashMap<Name, u64>>,
    out: Mutex<Out>,
    log: Log,
}

struct Out {
    /// `None` once something has failed.
    file: Option<File>,
    written: u64,
    max: u64,
}

/// What is recorded of one call.
pub(super) struct RecordingTake {
    recording: Arc<Recording>,
    name: Name,
    nth: u64,
    pub(super) seed: [u8; 32],
    began: Instant,
    wall: Mutex<Vec<u64>>,
    monotonic: Mutex<Vec<u64>>,
    capture: Capture,
    requests: AtomicU64,
    memory: OwnerMemory,
    scrub: Scrub,
}

// === impl Recording ===

impl Recording {
    /// Begins a recording in the place of what the file had. Only the process's user may read it, since it has what upstreams
    /// have answered.
    pub(super) fn create(path: &Path, log: Log) -> io::Result<Self> {
        let file = File::options().create(true).write(true).truncate(true).mode(0o600).open(path)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("it is not a regular file"));
        }
        // Writing beyond this limit would end the process by SIGXFSZ.
        let max = getrlimit(Resource::Fsize).current.map_or(MAX_FILE, |limit| limit.min(MAX_FILE));
        let random = || RandomState::new().hash_one(path);
        let seed = format!("{:016x}{:016x}", random(), random());
        let head =
            Head { gpx_recording: FORMAT, host: env!("CARGO_PKG_VERSION").to_owned(), seed: seed.clone() };
        let mut out = Out { file: Some(file), written: 0, max };
        out.write(&serde_json::to_vec(&head).map_err(io::Error::from)?)?;
        Ok(Self { seed, begun: Mutex::default(), out: Mutex::new(out), log })
    }

    pub(super) fn begin(self: &Arc<Self>, name: Name, memory: &OwnerMemory, scrub: &Scrub) -> RecordingTake {
        let nth = {
            let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
            let next = begun.entry(name.clone()).or_default();
            std::mem::replace(next, *next + 1)
        };
        let seed = name.seed(&self.seed, nth);
        let (recording, memory, scrub) = (self.clone(), memory.clone(), scrub.clone());
        let (began, capture, requests) = (Instant::now(), Capture::default(), AtomicU64::new(0));
        let (wall, monotonic) = (Mutex::default(), Mutex::default());
        RecordingTake { recording, name, nth, seed, began, wall, monotonic, capture, requests, memory, scrub }
    }

    /// Writes a line. If that fails, nothing more is recorded, and the log says so once.
    fn write(&self, line: &[u8]) {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = out.write(line) {
            drop(out);
            self.log.error("Nothing more is recorded (gpx_record)", &[("error", error.to_string().into())]);
        }
    }
}

// === impl Out ===

impl Out {
    /// Writes a line as a whole, or nothing of it. Does nothing after a failure.
    fn write(&mut self, line: &[u8]) -> io::Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let length = self.written + line.len() as u64 + 1;
        let result = if length > self.max {
            Err(io::Error::other(format!("the recording would have more than {} bytes", self.max)))
        } else {
            file.write_all(&[line, b"\n"].concat())
        };
        match result {
            Ok(()) => self.written = length,
            Err(error) => {
                let _ = file.set_len(self.written);
                self.file = None;
                return Err(error);
            }
        }
        Ok(())
    }
}

// === impl RecordingTake ===

impl RecordingTake {
    /// Returns what records the next request.
    pub(super) fn recorder(&self) -> Recorder {
        self.capture.recorder(&self.memory).numbered(self.requests.fetch_add(1, Ordering::Relaxed))
    }

    pub(super) fn wall(&self) -> u64 {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        noted(&self.wall, u64::try_from(now.as_nanos()).unwrap_or(u64::MAX))
    }

    pub(super) fn monotonic(&self) -> u64 {
        noted(&self.monotonic, u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }

    /// Returns its line.
    fn line(&self) -> Result<Vec<u8>, String> {
        let taken = |readings: &Mutex<Vec<u64>>| {
            std::mem::take(&mut *readings.lock().unwrap_or_else(PoisonError::into_inner))
        };
        let mut memory = self.memory.nothing(MemoryKind::Answers);
        let har = self.capture.take_document(&self.scrub, usize::MAX, &mut memory);
        let har = RawValue::from_string(har.map_err(|refused| refused.to_string())?);
        let part = Part {
            name: self.name.clone(),
            nth: self.nth,
            wall: taken(&self.wall),
            monotonic: taken(&self.monotonic),
            har: har.map_err(|error| error.to_string())?,
        };
        serde_json::to_vec(&part).map_err(|error| error.to_string())
    }
}

impl Drop for RecordingTake {
    /// The call is over, however it has ended.
    fn drop(&mut self) {
        match self.line() {
            Ok(line) => self.recording.write(&line),
            Err(error) => {
                let fields = [("call", self.name.to_string().into()), ("error", error.into())];
                self.recording.log.error("A call is missing in the recording (gpx_record)", &fields);
            }
        }
    }
}

fn noted(readings: &Mutex<Vec<u64>>, now: u64) -> u64 {
    let mut readings = readings.lock().unwrap_or_else(PoisonError::into_inner);
    if readings.len() < MAX_READINGS {
        readings.push(now);
    }
    now
}
