//! A command line of `gpx` and what comes of it.

use std::process::{Command, Output};

/// What a command has printed, and how it has ended.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Returns a command that runs `gpx` with these words.
pub(crate) fn gpx<'a>(words: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = Command::new(gpx_tests::artifacts::gpx());
    command.args(words);
    command
}

/// Runs a command that must succeed, and returns what it prints.
pub(crate) fn printed(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().expect("gpx starts");
    let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{command:?}: {status}\n{stdout}{stderr}");
    stdout.into_owned()
}

/// Runs `gpx` with these words to its end.
pub(crate) async fn ended<'a>(words: impl IntoIterator<Item = &'a str>) -> Ended {
    Ended::of(gpx(words)).await
}

// === impl Ended ===

impl Ended {
    /// Runs a command to its end, while the test's own servers answer it.
    pub(crate) async fn of(command: Command) -> Self {
        let output = tokio::process::Command::from(command).kill_on_drop(true).output().await;
        let Output { status, stdout, stderr } = output.expect("gpx starts");
        Self {
            code: status.code(),
            stdout: String::from_utf8_lossy(&stdout).into_owned(),
            stderr: String::from_utf8_lossy(&stderr).into_owned(),
        }
    }

    /// Fails the test unless the command has succeeded.
    pub(crate) fn ok(self) -> Self {
        assert_eq!(self.code, Some(0), "{}{}", self.stdout, self.stderr);
        self
    }

    /// Fails the test unless the command has failed and its last words are these.
    pub(crate) fn failed(self, error: &str) -> Self {
        let last = self.stderr.lines().last().unwrap_or_default();
        assert!(
            self.code == Some(1) && last.contains(error),
            "{:?}: {}{}",
            self.code,
            self.stdout,
            self.stderr
        );
        self
    }
}

/// Types Ctrl-C for a `gpx` that runs a plugin and has a process group of its own, which is what a terminal sends the signal
/// to. Checks that the plugin's process has ended with it, and
/// returns the exit code.
pub(crate) async fn interrupt(mut gpx: tokio::process::Child) -> Option<i32> {
    let id = gpx.id().expect("gpx runs");
    let plugin = child_of(id).expect("gpx has started a plugin");
    let id = rustix::process::Pid::from_raw(id.cast_signed()).expect("a process id");
    rustix::process::kill_process_group(id, rustix::process::Signal::INT).expect("the signal can be sent");
    let status = gpx.wait().await.expect("can wait for gpx");
    assert!(!std::fs::exists(format!("/proc/{plugin}")).unwrap_or(true), "the plugin still runs");
    status.code()
}

/// Returns the process that another one has started.
pub(crate) fn child_of(id: u32) -> Option<u32> {
    let tasks = std::fs::read_dir(format!("/proc/{id}/task")).ok()?.flatten();
    let children = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
    children.into_iter().find_map(|ids| ids.split_whitespace().next()?.parse().ok())
}

/// Runs a command that must fail, and returns what it says.
pub(crate) fn failing(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().expect("gpx starts");
    let stderr = String::from_utf8_lossy(&stderr).into_owned();
    assert!(!status.success(), "{command:?}: {}{stderr}", String::from_utf8_lossy(&stdout));
    stderr
}
