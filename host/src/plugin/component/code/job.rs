//! What a process that compiles is told on its standard input: one line of JSON, and then the component.

use std::io::{self, BufRead, Read as _, Write};

use serde::{Deserialize, Serialize};

use super::compile::CodeTarget;
use super::limits::CompileLimits;

/// The name under which the executable is started to compile, in place of its path. It has no arguments then.
pub(crate) const COMPILER: &str = "gpx-host-compiler";

/// How long the line may be, in bytes. It takes some 200.
const MAX_LINE: u64 = 4096;

/// What to compile, and how.
#[derive(Debug, Deserialize, PartialEq, Serialize)]
pub(super) struct Job {
    /// The process that wants the code. When it dies, nobody does.
    pub parent: u32,
    pub limits: CompileLimits,
    pub target: CodeTarget,
    /// How many bytes the component has.
    pub component: usize,
}

// === impl Job ===

impl Job {
    pub(super) fn write(&self, component: &[u8], mut to: impl Write) -> io::Result<()> {
        let line = serde_json::to_string(self)?;
        writeln!(to, "{line}")?;
        to.write_all(component)
    }

    /// Reads the line. What follows is the component.
    pub(super) fn read(from: &mut impl BufRead) -> io::Result<Self> {
        let mut line = String::new();
        from.by_ref().take(MAX_LINE).read_line(&mut line)?;
        Ok(serde_json::from_str(&line)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_that_was_written_is_read() {
        let limits = CompileLimits { seconds: 1, memory: 2, threads: 3 };
        let target = CodeTarget { triple: None, growth: Some(4) };
        let job = Job { parent: 5, limits, target, component: 9 };
        let mut text = Vec::new();
        job.write(b"component", &mut text).unwrap();
        let mut text = &text[..];
        assert_eq!(Job::read(&mut text).unwrap(), job);
        assert_eq!(text, b"component");
    }
}
