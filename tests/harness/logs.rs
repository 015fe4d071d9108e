//! A plugin's stderr, of which each line is one of its log.

pub use gpx_client::log::Line;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};

use crate::seen::Seen;

#[derive(Clone, Debug, Default)]
pub struct Logs {
    read: Seen<Read>,
}

#[derive(Debug, Default)]
struct Read {
    lines: Vec<Line>,
    broken: Vec<String>,
    ended: bool,
}

// === impl Logs ===

impl Logs {
    /// Reads `stderr` until it ends.
    pub(crate) fn of(stderr: impl AsyncRead + Unpin + Send + 'static) -> Self {
        let logs = Self::default();
        let read = logs.read.clone();
        tokio::spawn(async move {
            let mut lines = BufReader::new(stderr).lines();
            while let Ok(Some(text)) = lines.next_line().await {
                let line = Line::parse(&text);
                read.change(|read| match line {
                    Ok(line) => read.lines.push(line),
                    Err(broken) => read.broken.push(broken),
                });
            }
            read.change(|read| read.ended = true);
        });
        logs
    }

    /// Reads `stderr` until it ends, and keeps none of it.
    pub(crate) fn unread(mut stderr: impl AsyncRead + Unpin + Send + 'static) -> Self {
        let logs = Self::default();
        let read = logs.read.clone();
        tokio::spawn(async move {
            let _ = tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await;
            read.change(|read| read.ended = true);
        });
        logs
    }

    /// Waits for a line that fits, and returns the first one.
    pub async fn wait_for(&self, fits: impl Fn(&Line) -> bool) -> Line {
        let found = self.read.until(|read| match read.lines.iter().find(|line| fits(line)) {
            Some(line) => Some(Some(line.clone())),
            None => read.ended.then_some(None),
        });
        found.await.unwrap_or_else(|| panic!("stderr ended without such a line; its content was:\n{self}"))
    }

    /// Waits until so many lines fit.
    pub async fn wait_for_lines(&self, count: usize, fits: impl Fn(&Line) -> bool) {
        let enough =
            |read: &Read| (read.lines.iter().filter(|line| fits(line)).count() >= count).then_some(());
        self.read.until(enough).await;
    }

    pub async fn wait_for_message(&self, message: &str) -> Line {
        self.wait_for(|line| line.message.contains(message)).await
    }

    pub fn all(&self) -> Vec<Line> {
        self.read.now(|read| read.lines.clone())
    }

    /// Whether any line, as it was written, contains `text`.
    pub fn mention(&self, text: &str) -> bool {
        self.to_string().contains(text)
    }

    /// Waits for the end of stderr, which comes with the end of the process.
    pub async fn ended(&self) {
        self.read.until(|read| read.ended.then_some(())).await;
    }

    /// Fails the test if Grafana could not parse one of the lines.
    pub fn assert_valid(&self) {
        self.read.now(|read| assert!(read.broken.is_empty(), "stderr: {}", read.broken.join("\n")));
    }
}

impl std::fmt::Display for Logs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (lines, broken) = self.read.now(|read| (read.lines.clone(), read.broken.clone()));
        lines.iter().try_for_each(|line| writeln!(f, "{line}"))?;
        broken.iter().try_for_each(|line| writeln!(f, "BROKEN {line}"))
    }
}
