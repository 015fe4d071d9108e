//! A command line of `gpx` and what comes of it.

use std::process::{Command, Output};

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
