//! What a component prints. Each line becomes a log line, and the last lines explain a panic.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamError};

use crate::capability::scrub::Scrub;
use crate::log::{Level, Log, Value};

/// The length at which a line is cut in two, in bytes. It is far below the limit of a log line.
const MAX_LINE: usize = 8 * 1024;

/// How many lines are kept to explain a panic: its message, its location, and what was printed just before.
const KEPT_LINES: usize = 16;

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
    last: VecDeque<String>,
}

// === impl Output ===

impl Output {
    pub(crate) fn stdout(log: Log, scrub: Scrub) -> Self {
        Self::new("stdout", Level::Info, log, scrub)
    }

    pub(crate) fn stderr(log: Log, scrub: Scrub) -> Self {
        Self::new("stderr", Level::Warn, log, scrub)
    }

    fn new(stream: &'static str, level: Level, log: Log, scrub: Scrub) -> Self {
        let (unfinished, last) = (Vec::new(), VecDeque::new());
        Self(Arc::new(Mutex::new(OutputLines { stream, level, log, scrub, unfinished, last })))
    }

    /// From now on, lines go to the log of a new call. What was printed before no longer explains anything.
    pub(crate) fn begin(&self, log: Log) {
        self.with(|lines| {
            lines.log = log;
            lines.last.clear();
        });
    }

    /// Writes what has no line end yet, and returns the lines that were printed last.
    pub(crate) fn finish(&self) -> Vec<String> {
        self.with(|lines| {
            if !lines.unfinished.is_empty() {
                let rest = std::mem::take(&mut lines.unfinished);
                lines.line(&rest);
            }
            lines.last.drain(..).collect()
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
            if piece.ends_with(b"\n") || self.unfinished.len() >= MAX_LINE {
                let line = std::mem::take(&mut self.unfinished);
                for part in line.chunks(MAX_LINE) {
                    self.line(part);
                }
            }
        }
    }

    fn line(&mut self, bytes: &[u8]) {
        let line = String::from_utf8_lossy(bytes);
        let line = line.trim_end();
        if line.is_empty() {
            return;
        }
        let line = self.scrub.text(line.to_owned());
        self.log.log(self.level, &line, &[("stream", Value::from(self.stream))]);
        if self.last.len() == KEPT_LINES {
            self.last.pop_front();
        }
        self.last.push_back(line);
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
