//! What a person sees while a task runs: a line when a long step begins, and how long it took.

use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};

/// Runs `work` as a step that is announced to the person at the terminal.
pub(crate) fn step<T>(name: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    eprintln!("▸ {name}");
    let start = Instant::now();
    let result = work()?;
    eprintln!("  {name}: {:.1} s", start.elapsed().as_secs_f64());
    Ok(result)
}

/// Says what is left out, in a way that cannot be mistaken for success.
pub(crate) fn skipped(what: &str) {
    eprintln!("SKIPPED: {what}");
}

/// Whether this is CI, where nothing may be left out because a tool is missing.
pub(crate) fn in_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| value == "true")
}

/// Runs a command whose output goes to the terminal.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command.status().with_context(|| format!("cannot start {program}"))?;
    ensure!(status.success(), "{} failed ({status})", line(command));
    Ok(())
}

/// Runs a command for what it prints; its stderr goes to the terminal.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stderr(std::process::Stdio::inherit())
        .output()
        .with_context(|| format!("cannot start {program}"))?;
    ensure!(output.status.success(), "{} failed ({})", line(command), output.status);
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
