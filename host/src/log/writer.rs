//! The thread that writes the lines, so that nothing else waits for a slow reader.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime};

use super::hclog::{self, MAX_LINE};
use super::value::{Level, Value};

/// How many bytes may wait for the reader: about ten thousand ordinary lines.
const CAPACITY: usize = 32 * MAX_LINE;

/// How long a line waits, so that others can be written together with it. Every call logs a few lines, and a wake-up
/// and a write for each would cost as much as the call.
const GATHER: Duration = Duration::from_millis(2);

/// The buffer's capacity that is kept for the next lines; the memory of a burst is freed.
const KEPT: usize = 2 * MAX_LINE;

/// The thread ends with the last `Writer`.
pub(super) struct Writer(Arc<Shared>);

struct Shared {
    state: Mutex<WriterState>,
    /// Wakes the thread: there is a line, or the log was closed.
    work: Condvar,
    /// Wakes callers of `flush`.
    idle: Condvar,
}

#[derive(Default)]
struct WriterState {
    waiting: Vec<u8>,
    writing: bool,
    dropped: u64,
    /// How many of the dropped lines have been reported in the log.
    reported: u64,
    /// A flush is waiting for the lines to be written.
    hurry: bool,
    closed: bool,
}

// === impl Writer ===

impl Writer {
    pub(super) fn start(out: impl io::Write + Send + 'static) -> io::Result<Self> {
        let shared = Arc::new(Shared { state: Mutex::default(), work: Condvar::new(), idle: Condvar::new() });
        let thread = Arc::clone(&shared);
        thread::Builder::new().name("log".to_owned()).spawn(move || thread.run(out))?;
        Ok(Self(shared))
    }

    pub(super) fn push(&self, line: &str) {
        let mut state = self.0.lock();
        if state.waiting.len() + line.len() > CAPACITY {
            state.dropped += 1;
            return;
        }
        let sleeping = state.waiting.is_empty() && !state.writing;
        state.waiting.extend_from_slice(line.as_bytes());
        let wake = sleeping || !state.may_gather();
        drop(state);
        if wake {
            self.0.work.notify_one();
        }
    }

    pub(super) fn flush(&self, within: Duration) {
        let busy = |state: &mut WriterState| state.writing || !state.waiting.is_empty();
        let mut state = self.0.lock();
        state.hurry = true;
        self.0.work.notify_one();
        let flushed = self.0.idle.wait_timeout_while(state, within, busy);
        flushed.unwrap_or_else(PoisonError::into_inner).0.hurry = false;
    }

    pub(super) fn dropped(&self) -> u64 {
        self.0.lock().dropped
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.0.lock().closed = true;
        self.0.work.notify_one();
    }
}

// === impl WriterState ===

impl WriterState {
    fn may_gather(&self) -> bool {
        !self.hurry && !self.closed && self.waiting.len() < CAPACITY / 2
    }
}

// === impl Shared ===

impl Shared {
    fn run(&self, mut out: impl io::Write) {
        let mut lines = Vec::new();
        let mut state = self.lock();
        loop {
            if state.waiting.is_empty() {
                state.writing = false;
                self.idle.notify_all();
                if state.closed {
                    return;
                }
                state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            let more = self.work.wait_timeout_while(state, GATHER, |state| state.may_gather());
            state = more.unwrap_or_else(PoisonError::into_inner).0;
            state.writing = true;
            std::mem::swap(&mut state.waiting, &mut lines);
            let lost = state.dropped - state.reported;
            state.reported = state.dropped;
            drop(state);
            if lost > 0 {
                lines.extend_from_slice(loss(lost).as_bytes());
            }
            // If this fails, there is nowhere to report it.
            let _ = out.write_all(&lines).and_then(|()| out.flush());
            lines.clear();
            lines.shrink_to(KEPT);
            state = self.lock();
        }
    }

    fn lock(&self) -> MutexGuard<'_, WriterState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn loss(lines: u64) -> String {
    let message = "Log lines were dropped: stderr is read more slowly than the plugin writes";
    hclog::line(Level::Warn, message, SystemTime::now(), [("lines", &Value::Uint(lines))].into_iter())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    const LONG: Duration = Duration::from_secs(60);

    /// A pipe whose reader is the test.
    struct Pipe(mpsc::SyncSender<Vec<u8>>);

    impl io::Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.send(bytes.to_vec()).map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_slow_reader_loses_lines_but_does_not_block_and_the_loss_is_logged() {
        let (pipe, reader) = mpsc::sync_channel(0);
        let writer = Writer::start(Pipe(pipe)).unwrap();
        let line = format!("{}\n", "x".repeat(MAX_LINE - 1));
        // The thread takes lines at the latest once the queue is full; nothing reads yet.
        for _ in 0..100 {
            writer.push(&line);
        }
        let dropped = writer.dropped();
        assert!((100 - 2 * 32..=100 - 32).contains(&dropped), "{dropped}");
        writer.flush(Duration::ZERO);
        let mut text = String::new();
        while !text.contains("dropped") {
            text.push_str(&String::from_utf8(reader.recv_timeout(LONG).unwrap()).unwrap());
        }
        writer.flush(LONG);
        let last: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
        assert_eq!((&last["@level"], &last["lines"]), (&"warn".into(), &dropped.into()));
        assert_eq!(text.lines().filter(|text| *text == line.trim_end()).count() as u64, 100 - dropped);
    }

    #[test]
    fn a_missing_reader_does_not_block() {
        let (pipe, reader) = mpsc::sync_channel(0);
        drop(reader);
        let writer = Writer::start(Pipe(pipe)).unwrap();
        writer.push("lost\n");
        writer.flush(LONG);
        assert_eq!(writer.dropped(), 0);
    }
}
