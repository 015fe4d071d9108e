//! The thread that writes the lines, so that nothing else waits for a slow reader.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime};

use super::hclog::{self, MAX_LINE};
use super::share::{CAPACITY, Share};
use super::value::{Field, Level, Value};

/// How many bytes are gathered before they are written. It is less than the share of one source: if the reader keeps up,
/// a burst loses nothing.
const GATHERED: usize = CAPACITY / 8;

/// How long a line waits, so that others can be written together with it. Every call logs a few lines, and a wake-up
/// and a write for each would cost as much as the call.
const GATHER: Duration = Duration::from_millis(2);

/// The buffer's capacity that is kept for the next lines; the memory of a burst is freed.
const KEPT: usize = 2 * MAX_LINE;

/// How many sources are named by one report of lost lines. Beyond that, lines are only counted.
const MAX_LOSERS: usize = 64;

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
    /// The number of the batch that is waiting.
    batch: u64,
    writing: bool,
    dropped: u64,
    /// The sources that have lost lines since the last report.
    losers: Vec<Arc<Share>>,
    /// Lines of other sources that were lost.
    others: u64,
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

    /// Adds a line of a source. If the source has used its share, the line is lost.
    pub(super) fn push(&self, share: &Arc<Share>, line: &str) {
        let mut state = self.0.lock();
        if !share.admit(state.batch, state.waiting.len(), line.len()) {
            state.lose(share);
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
        !self.hurry && !self.closed && self.waiting.len() < GATHERED
    }

    fn lose(&mut self, share: &Arc<Share>) {
        self.dropped += 1;
        if !share.lose() {
            return;
        }
        if self.losers.len() < MAX_LOSERS {
            self.losers.push(share.clone());
        } else {
            self.others += share.take_lost();
        }
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
            state.batch += 1;
            let losers = std::mem::take(&mut state.losers);
            let losses: Vec<_> = losers.iter().map(|share| (&*share.fields, share.take_lost())).collect();
            let others = std::mem::take(&mut state.others);
            drop(state);
            for (fields, lost) in losses.into_iter().chain((others > 0).then_some((&[] as &[Field], others)))
            {
                lines.extend_from_slice(loss(fields, lost).as_bytes());
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

/// Says how many lines a source has lost. `fields` say which source it is.
fn loss(fields: &[Field], lines: u64) -> String {
    let message = "Log lines were dropped: their source has used its share of the queue, because stderr is read more \
                   slowly than lines are written";
    let fields = fields.iter().map(|(key, value)| (key.as_ref(), value));
    let lines = Value::Uint(lines);
    hclog::line(Level::Warn, message, SystemTime::now(), fields.chain([("lines", &lines)]))
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

    fn share(name: &'static str) -> Arc<Share> {
        Arc::new(Share::new(Arc::new([("dsUid".into(), name.into())])))
    }

    /// Closes the log and reads what it still writes. Returns the lines, and how many the reports among them say were
    /// lost.
    fn read_rest(writer: Writer, reader: &mpsc::Receiver<Vec<u8>>) -> (Vec<serde_json::Value>, u64) {
        drop(writer);
        let text = String::from_utf8(reader.iter().flatten().collect()).unwrap();
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let lost = lines.iter().filter_map(|line| line["lines"].as_u64()).sum();
        (lines, lost)
    }

    #[test]
    fn a_slow_reader_loses_lines_but_does_not_block_and_the_loss_is_logged() {
        let (pipe, reader) = mpsc::sync_channel(0);
        let writer = Writer::start(Pipe(pipe)).unwrap();
        let (share, line) = (share("a"), format!("{{\"x\":\"{}\"}}\n", "x".repeat(MAX_LINE - 9)));
        // The thread takes lines at the latest once the share is used; nothing reads yet.
        for _ in 0..100 {
            writer.push(&share, &line);
        }
        let dropped = writer.dropped();
        assert!((100 - 2 * 32..=100 - 32).contains(&dropped), "{dropped}");
        let (lines, lost) = read_rest(writer, &reader);
        assert_eq!(lost, dropped);
        let reports: Vec<_> = lines.iter().filter(|line| line["lines"].is_u64()).collect();
        assert!(reports.iter().all(|line| line["@level"] == "warn" && line["dsUid"] == "a"), "{reports:?}");
        assert_eq!((lines.len() - reports.len()) as u64, 100 - dropped);
    }

    #[test]
    fn a_flood_loses_only_the_lines_of_its_own_source() {
        let (pipe, reader) = mpsc::sync_channel(0);
        let writer = Writer::start(Pipe(pipe)).unwrap();
        let (other, line) = (share("quiet"), "{\"from\":\"a flood\"}\n");
        let floods: Vec<_> = ["one", "two", "three"].map(share).into_iter().collect();
        for round in 0..50 {
            for _ in 0..5_000 {
                floods.iter().for_each(|flood| writer.push(flood, line));
            }
            writer.push(&other, &format!("{{\"from\":\"quiet\",\"round\":{round}}}\n"));
        }
        let dropped = writer.dropped();
        let (lines, lost) = read_rest(writer, &reader);
        assert_eq!(lost, dropped);
        let rounds: Vec<_> = lines.iter().filter_map(|line| line["round"].as_u64()).collect();
        assert_eq!(rounds, (0..50).collect::<Vec<_>>(), "all of them, in their order");
        let who: Vec<_> = lines.iter().filter_map(|line| line["dsUid"].as_str()).collect();
        assert!(["one", "two", "three"].iter().all(|flood| who.contains(flood)), "{who:?}");
        assert!(!who.contains(&"quiet"), "{who:?}");
    }

    #[test]
    fn a_report_of_lost_lines_names_a_limited_number_of_sources() {
        let mut state = WriterState::default();
        let shares: Vec<_> = (0..MAX_LOSERS + 10).map(|_| share("a")).collect();
        shares.iter().chain(&shares).for_each(|share| state.lose(share));
        let named: u64 = state.losers.iter().map(|share| share.take_lost()).sum();
        assert_eq!((state.losers.len(), named, state.others), (MAX_LOSERS, 2 * MAX_LOSERS as u64, 20));
        assert_eq!(state.dropped, 2 * shares.len() as u64);
    }

    #[test]
    fn a_missing_reader_does_not_block() {
        let (pipe, reader) = mpsc::sync_channel(0);
        drop(reader);
        let writer = Writer::start(Pipe(pipe)).unwrap();
        writer.push(&share("a"), "lost\n");
        writer.flush(LONG);
        assert_eq!(writer.dropped(), 0);
    }
}
