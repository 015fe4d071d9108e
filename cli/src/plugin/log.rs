//! A plugin's log, as it comes: a readable line for each of its lines, on standard error.

use std::fmt::Write as _;

use gpx_client::log::Line;
use serde_json::Value;
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _};
use tokio::sync::watch;

use crate::terminal::{Paint, shown, tell};

/// A longer line is shown in parts.
const LONGEST: u64 = 64 << 10;

/// What the host says of a component that was built again.
const SWAPS: [&str; 2] = ["The component is replaced", "The component is not replaced"];

/// Fields that say for which call of whom a line is: all of them are this tool's.
const KNOWN: &[&str] = &["dsName", "dsUid", "pluginId", "pluginVersion", "spanId", "traceId", "uname"];

#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub(crate) enum Level {
    Off,
    Error,
    Warn,
    #[default]
    Info,
    Debug,
    Trace,
}

#[derive(Clone)]
pub(crate) struct Log {
    level: Level,
    /// How often the host has said what came of a new component.
    swaps: watch::Sender<u64>,
    paint: Paint,
}

// === impl Log ===

impl Log {
    pub(crate) fn new(level: Level) -> Self {
        Self { level, swaps: watch::Sender::new(0), paint: Paint::of(&std::io::stderr()) }
    }

    pub(crate) fn swaps(&self) -> watch::Receiver<u64> {
        self.swaps.subscribe()
    }

    /// Shows what is written until the end.
    pub(crate) async fn read(self, mut from: impl AsyncBufRead + Unpin) {
        let mut line = Vec::new();
        while let Ok(1..) = (&mut from).take(LONGEST).read_until(b'\n', &mut line).await {
            let text = String::from_utf8_lossy(&line);
            self.show(text.trim_end_matches(['\r', '\n']));
            line.clear();
        }
    }

    fn show(&self, text: &str) {
        let line = Line::parse(text);
        if let Ok(line) = &line
            && SWAPS.contains(&line.message.as_str())
        {
            self.swaps.send_modify(|swaps| *swaps += 1);
        }
        match line {
            Ok(line) if level(&line.level) <= self.level => tell(self.readable(&line)),
            Ok(_) => {}
            // Such as the last words of a process that has crashed.
            Err(_) if self.level > Level::Off => tell(shown(text)),
            Err(_) => {}
        }
    }

    fn readable(&self, line: &Line) -> String {
        let word = format!("{:5}", line.level.to_uppercase());
        let word = match level(&line.level) {
            Level::Error => self.paint.red(word),
            Level::Warn => self.paint.yellow(word),
            Level::Debug | Level::Trace => self.paint.faint(word),
            _ => self.paint.green(word),
        };
        // The time of day: `2026-01-31T23:59:59.123456Z`.
        let time = line.timestamp.get(11..23).unwrap_or_default();
        let mut out = format!("{} {word} {}", self.paint.faint(time), shown(&line.message));
        let known = |key: &str| self.level < Level::Debug && KNOWN.contains(&key);
        for (key, value) in line.fields.iter().filter(|(key, _)| !known(key)) {
            let value = match value {
                Value::String(text) if text.is_empty() => continue,
                Value::String(text) if !text.contains([' ', '=', '"']) => shown(text),
                other => shown(&other.to_string()),
            };
            let _ = write!(out, " {}{value}", self.paint.faint(format_args!("{}=", shown(key))));
        }
        out
    }
}

fn level(word: &str) -> Level {
    match word {
        "error" => Level::Error,
        "warn" => Level::Warn,
        "info" => Level::Info,
        "debug" => Level::Debug,
        _ => Level::Trace,
    }
}
