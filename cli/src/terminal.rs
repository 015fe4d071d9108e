//! What is written for people and scripts: results on standard output, everything else on standard error.

use std::fmt::Display;
use std::io::{ErrorKind, IsTerminal as _, Write as _};
use std::pin::pin;
use std::time::Duration;

/// What takes longer than this is told.
const PATIENCE: Duration = Duration::from_secs(1);

/// Standard output. When its reader has gone, as in `gpx run | head`, what else is written is dropped.
pub(crate) struct Output {
    to: std::io::BufWriter<std::io::Stdout>,
    gone: bool,
    paint: Paint,
}

/// Colours, if they are wanted.
#[derive(Clone, Copy)]
pub(crate) struct Paint(bool);

// === impl Output ===

impl Output {
    pub(crate) fn new() -> Self {
        let stdout = std::io::stdout();
        let paint = Paint::of(&stdout);
        Self { to: std::io::BufWriter::with_capacity(64 << 10, stdout), gone: false, paint }
    }

    pub(crate) fn paint(&self) -> Paint {
        self.paint
    }

    pub(crate) fn is_terminal(&self) -> bool {
        self.to.get_ref().is_terminal()
    }

    pub(crate) fn line(&mut self, line: impl Display) -> std::io::Result<()> {
        let written = writeln!(self.to, "{line}");
        self.unless_gone(written)
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        let written = self.to.write_all(bytes);
        self.unless_gone(written)
    }

    /// Whether nobody reads any more.
    pub(crate) fn is_gone(&self) -> bool {
        self.gone
    }

    pub(crate) fn flush(&mut self) -> std::io::Result<()> {
        let flushed = self.to.flush();
        self.unless_gone(flushed)
    }

    fn unless_gone(&mut self, written: std::io::Result<()>) -> std::io::Result<()> {
        match written {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.gone = true;
                Ok(())
            }
            other => other,
        }
    }
}

// === impl Paint ===

impl Paint {
    /// Colours are for terminals; NO_COLOR (no-color.org) and the terminal `dumb` have none.
    pub(crate) fn of(to: &impl std::io::IsTerminal) -> Self {
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let plain = set("NO_COLOR").is_some() || set("TERM").is_none_or(|term| term == "dumb");
        Self(to.is_terminal() && !plain)
    }

    pub(crate) fn bold(self, text: impl Display) -> String {
        self.sgr("1", text)
    }

    pub(crate) fn faint(self, text: impl Display) -> String {
        self.sgr("2", text)
    }

    pub(crate) fn red(self, text: impl Display) -> String {
        self.sgr("31", text)
    }

    pub(crate) fn green(self, text: impl Display) -> String {
        self.sgr("32", text)
    }

    pub(crate) fn yellow(self, text: impl Display) -> String {
        self.sgr("33", text)
    }

    fn sgr(self, code: &str, text: impl Display) -> String {
        if self.0 { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_string() }
    }
}

/// Writes a line to standard error. It does not matter if nobody reads it.
pub(crate) fn tell(line: impl Display) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Does some work, and says that it is being done if it takes long.
pub(crate) async fn patiently<T>(what: impl Display, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    tokio::select! {
        done = &mut work => return done,
        () = tokio::time::sleep(PATIENCE) => {}
    }
    tell(Paint::of(&std::io::stderr()).faint(format_args!("{what} …")));
    work.await
}

/// Returns a text as it can be shown in a line: what would move the cursor or change the terminal is escaped.
pub(crate) fn shown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        // Besides the control characters, those that change the direction of what follows.
        if c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}') {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_cannot_change_the_terminal() {
        assert_eq!(shown("a\x1b[2J\nb\u{202e}é"), "a\\u{1b}[2J\\nb\\u{202e}é");
    }
}
