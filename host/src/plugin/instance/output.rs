//! What a component prints. Each line becomes a log line, and the last lines explain a panic.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamError};

use crate::log::{Level, Log, Value};
use crate::text::Scrub;

/// The length at which a line is cut in two, in bytes. It is far below the limit of a log line.
const MAX_LINE: usize = 8 * 1024;

/// How much of a line is kept until it ends, in bytes: what follows a place shows whether a secret is cut there.
const MAX_UNFINISHED: usize = MAX_LINE + Scrub::AHEAD;

/// How many lines are kept to explain a panic: its message, its location, and what was printed just before.
const KEPT_LINES: usize = 16;

/// How many bytes these lines may have together. A thousand instances may be busy at once.
const KEPT_BYTES: usize = 16 * 1024;

/// How many bytes a component may write at once.
const PERMIT: usize = 64 * 1024;

/// Standard output or standard error of one instance.
#[derive(Clone)]
pub(crate) struct Output(Arc<Mutex<OutputLines>>);

struct OutputLines {
    stream: &'static str,
    level: Level,
    log: Log,
    scrub: Scrub,
    unfinished: Vec<u8>,
    /// The last lines, if they may explain anything: a panic is printed on standard error.
    last: Option<LastLines>,
}

#[derive(Default)]
struct LastLines {
    lines: VecDeque<String>,
    bytes: usize,
}

// === impl Output ===

impl Output {
    pub(crate) fn stdout(log: Log, scrub: Scrub) -> Self {
        Self::new("stdout", Level::Info, None, log, scrub)
    }

    pub(crate) fn stderr(log: Log, scrub: Scrub) -> Self {
        Self::new("stderr", Level::Warn, Some(LastLines::default()), log, scrub)
    }

    fn new(stream: &'static str, level: Level, last: Option<LastLines>, log: Log, scrub: Scrub) -> Self {
        let unfinished = Vec::new();
        Self(Arc::new(Mutex::new(OutputLines { stream, level, log, scrub, unfinished, last })))
    }

    /// From now on, lines go to the log of a new call. What was printed before no longer explains anything.
    pub(crate) fn begin(&self, log: Log) {
        self.with(|lines| {
            lines.log = log;
            lines.take_last();
        });
    }

    /// Writes what has no line end yet, and returns the lines that were printed last on standard error.
    pub(crate) fn finish(&self) -> Vec<String> {
        self.with(|lines| {
            lines.end_line();
            lines.take_last()
        })
    }

    fn write(&self, bytes: &[u8]) {
        self.with(|lines| lines.write(bytes));
    }

    fn with<R>(&self, f: impl FnOnce(&mut OutputLines) -> R) -> R {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

// === impl OutputLines ===

impl OutputLines {
    fn write(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.unfinished.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                self.end_line();
            } else {
                self.cut(MAX_UNFINISHED);
            }
        }
    }

    /// Writes what is there as a line, or as several if it is too long for one.
    fn end_line(&mut self) {
        self.cut(MAX_LINE);
        let rest = std::mem::take(&mut self.unfinished);
        self.line(&rest);
    }

    /// Writes lines until at most so many bytes are left.
    fn cut(&mut self, left: usize) {
        if self.unfinished.len() <= left {
            return;
        }
        let unfinished = std::mem::take(&mut self.unfinished);
        let mut rest = unfinished.as_slice();
        while rest.len() > left {
            let known = rest.get(..MAX_UNFINISHED).unwrap_or(rest);
            let (line, after) = rest.split_at(self.scrub.place_to_cut(known, MAX_LINE));
            self.line(line);
            rest = after;
        }
        self.unfinished = rest.to_vec();
    }

    fn line(&mut self, bytes: &[u8]) {
        let line = String::from_utf8_lossy(bytes);
        let line = line.trim_end();
        if line.is_empty() {
            return;
        }
        let line = self.scrub.shorten(line.to_owned(), MAX_LINE);
        self.log.relay(self.level, &line, &[("stream", Value::from(self.stream))]);
        if let Some(last) = &mut self.last {
            last.push(line);
        }
    }

    fn take_last(&mut self) -> Vec<String> {
        self.last.as_mut().map(std::mem::take).unwrap_or_default().lines.into()
    }
}

// === impl LastLines ===

impl LastLines {
    fn push(&mut self, line: String) {
        self.bytes += line.len();
        self.lines.push_back(line);
        while (self.lines.len() > KEPT_LINES || self.bytes > KEPT_BYTES)
            && let Some(first) = self.lines.pop_front()
        {
            self.bytes -= first.len();
        }
    }
}

// === WASI's side ===

impl IsTerminal for Output {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Output {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Output {
    async fn ready(&mut self) {}
}

impl OutputStream for Output {
    fn write(&mut self, bytes: Bytes) -> Result<(), StreamError> {
        Output::write(self, &bytes);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), StreamError> {
        Ok(())
    }

    fn check_write(&mut self) -> Result<usize, StreamError> {
        Ok(PERMIT)
    }
}

impl AsyncWrite for Output {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        Output::write(&self, bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
