//! Compiles a component in a process of its own, and waits for it: call it on a thread that may block.

use std::io::{self, Read as _};
use std::os::fd::AsFd;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::Signal;
use thiserror::Error;

use super::compile::CodeTarget;
use super::file::MAX_FILE;
use super::job::{COMPILER, Job};
use super::limits::CompileLimits;

/// How much of what the process prints is kept, in bytes: 8 KiB, as of every text that a component may cause.
const MAX_TOLD: usize = 8 * 1024;

/// How much is read at once, in bytes: what a pipe holds.
const CHUNK: usize = 64 << 10;

/// What a compiler prints when it cannot have the memory that it asks for: Rust's allocator, the engine, the system.
const NO_MEMORY: [&str; 3] = ["memory allocation of ", "out of memory", "Cannot allocate memory"];

/// Why a process that compiles returned no code.
#[derive(Debug, Error)]
pub(crate) enum ProcessError {
    #[error(
        "the process that compiles it cannot be started from {program}: {reason}; compile it ahead of time"
    )]
    Start { program: PathBuf, reason: io::Error },
    #[error(
        "compiling it takes more than {seconds} s of processor time; compile it ahead of time, without this limit"
    )]
    Time { seconds: u64 },
    #[error("compiling it takes longer than {} s; compile it ahead of time, without this limit", .0.as_secs())]
    Patience(Duration),
    #[error(
        "compiling it takes more than {mebibytes} MiB of memory; compile it ahead of time, without this limit"
    )]
    Memory { mebibytes: u64 },
    #[error("its code takes more than {} MiB, which is too much", MAX_FILE >> 20)]
    Length,
    #[error("{0}")]
    Failed(String),
    #[error(
        "the process that compiles it has ended ({status}){told}; it may use {mebibytes} MiB of memory and {seconds} s \
         of processor time: compile it ahead of time, without these limits"
    )]
    Ended { status: ExitStatus, told: String, mebibytes: u64, seconds: u64 },
    #[error("the process that compiles it cannot be reached: {0}")]
    Pipe(#[from] io::Error),
}

/// Kills the process when it is dropped, and waits until it is gone.
struct CompilerProcess(Child);

/// Compiles a component, and returns the content of a file with its code.
pub(super) fn compile(
    program: &Path,
    component: &[u8],
    target: &CodeTarget,
    limits: CompileLimits,
) -> Result<Vec<u8>, ProcessError> {
    let job = Job { parent: std::process::id(), limits, target: target.clone(), component: component.len() };
    let spawned = Command::new(program)
        .arg0(COMPILER)
        .env_clear()
        // The compiler's threads are rayon's.
        .env("RAYON_NUM_THREADS", limits.threads.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let start = |reason| ProcessError::Start { program: program.to_owned(), reason };
    let mut process = CompilerProcess(spawned.map_err(start)?);
    let pipes = (process.0.stdin.take(), process.0.stdout.take(), process.0.stderr.take());
    let (Some(input), Some(output), Some(mut words)) = pipes else {
        return Err(ProcessError::Pipe(io::ErrorKind::BrokenPipe.into()));
    };
    thread::scope(|scope| {
        let named = |name: &str| thread::Builder::new().name(name.to_owned());
        // It may end before it has read everything; then its status tells more.
        let write = move || drop(job.write(component, io::BufWriter::with_capacity(CHUNK, input)));
        named("compile-in").spawn_scoped(scope, write)?;
        let listen = move || beginning(&mut words);
        let listening = named("compile-err").spawn_scoped(scope, listen);
        let listening = listening.inspect_err(|_| process.kill())?;
        let content = read(output, limits.patience());
        // Its output ends when it does. One that goes on without output has nothing more to give.
        process.kill();
        let told = listening.join().unwrap_or_default();
        let status = process.0.wait()?;
        let content = content?;
        if status.success() { Ok(content) } else { Err(failure(status, told, &limits)) }
    })
}

/// Reads all output, for as long as `patience` lasts.
fn read(mut output: ChildStdout, patience: Duration) -> Result<Vec<u8>, ProcessError> {
    let end = Instant::now() + patience;
    let (mut content, mut chunk) = (Vec::new(), vec![0; CHUNK]);
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() || !is_readable(&output, left)? {
            return Err(ProcessError::Patience(patience));
        }
        let length = match output.read(&mut chunk) {
            Ok(0) => return Ok(content),
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error.into()),
        };
        if content.len() + length > MAX_FILE {
            return Err(ProcessError::Length);
        }
        content.extend_from_slice(chunk.get(..length).unwrap_or_default());
    }
}

/// Waits until there is something to read, or the end. Returns whether there is, after `left` at the latest.
fn is_readable(output: impl AsFd, left: Duration) -> io::Result<bool> {
    let timeout = Timespec::try_from(left).map_err(io::Error::other)?;
    match poll(&mut [PollFd::new(&output, PollFlags::IN)], Some(&timeout)) {
        Ok(ready) => Ok(ready > 0),
        // The next read waits only for what is there, or is interrupted, too.
        Err(Errno::INTR) => is_readable(output, left),
        Err(error) => Err(error.into()),
    }
}

/// Reads everything, and keeps the beginning: the first failure causes the others.
fn beginning(words: &mut impl io::Read) -> String {
    let mut kept = Vec::new();
    let _ = words.by_ref().take(MAX_TOLD as u64).read_to_end(&mut kept);
    let _ = io::copy(words, &mut io::sink());
    String::from_utf8_lossy(&kept).trim().to_owned()
}

/// Says why there is no code.
fn failure(status: ExitStatus, told: String, limits: &CompileLimits) -> ProcessError {
    let (seconds, mebibytes) = (limits.seconds, limits.mebibytes());
    if status.signal() == Some(Signal::XCPU.as_raw()) {
        return ProcessError::Time { seconds };
    }
    if NO_MEMORY.iter().any(|words| told.contains(words)) {
        return ProcessError::Memory { mebibytes };
    }
    if status.code() == Some(1) && !told.is_empty() {
        return ProcessError::Failed(told);
    }
    let told = told.lines().next().map(|line| format!(": {line}")).unwrap_or_default();
    ProcessError::Ended { status, told, mebibytes, seconds }
}

// === impl CompilerProcess ===

impl CompilerProcess {
    fn kill(&mut self) {
        let _ = self.0.kill();
    }
}

impl Drop for CompilerProcess {
    fn drop(&mut self) {
        self.kill();
        let _ = self.0.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: CompileLimits = CompileLimits { seconds: 7, memory: 9 << 20, threads: 1 };

    /// Starts a shell in place of the host. It reads the job as a command that does not exist, and then the component,
    /// which is a script.
    fn run(script: &str, limits: CompileLimits) -> Result<String, String> {
        let target = CodeTarget { triple: None, growth: None };
        let content = compile(Path::new("/bin/sh"), script.as_bytes(), &target, limits);
        content.map(|bytes| String::from_utf8(bytes).unwrap()).map_err(|error| error.to_string())
    }

    #[test]
    fn its_output_is_the_code() {
        assert_eq!(run("echo code; exit 0\n", LIMITS), Ok("code\n".to_owned()));
    }

    #[test]
    fn it_has_no_environment() {
        assert_eq!(run("echo $HOME$GPX_HOST_EXE$RUST_BACKTRACE; exit 0\n", LIMITS), Ok("\n".to_owned()));
    }

    #[test]
    fn a_limit_is_told_with_its_value() {
        let time = "compiling it takes more than 7 s of processor time; compile it ahead of time, without this limit";
        assert_eq!(run("kill -XCPU $$\n", LIMITS), Err(time.to_owned()));
        let memory =
            "compiling it takes more than 9 MiB of memory; compile it ahead of time, without this limit";
        for script in [
            "echo memory allocation of 12 bytes failed >&2; kill -ABRT $$\n",
            "echo 'cannot map: Cannot allocate memory (os error 12)' >&2; exit 1\n",
        ] {
            assert_eq!(run(script, LIMITS), Err(memory.to_owned()), "{script}");
        }
    }

    #[test]
    fn a_process_that_does_not_end_is_ended() {
        let mut endless = Command::new("/bin/sh");
        endless.args(["-c", "while :; do :; done"]).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut running = CompilerProcess(endless.spawn().unwrap());
        let error =
            read(running.0.stdout.take().unwrap(), Duration::from_millis(30)).unwrap_err().to_string();
        assert_eq!(error, "compiling it takes longer than 0 s; compile it ahead of time, without this limit");
        running.kill();
        assert_eq!(running.0.wait().unwrap().signal(), Some(Signal::KILL.as_raw()));
    }

    #[test]
    fn a_process_that_breaks_is_told_with_its_first_words() {
        let told = run("echo what is this >&2; echo >&2; kill -SEGV $$\n", LIMITS).unwrap_err();
        assert!(told.starts_with("the process that compiles it has ended (signal: 11 (SIGSEGV)"), "{told}");
        assert!(told.contains("what is this") || told.contains("not found"), "{told}");
        assert!(told.contains("9 MiB of memory and 7 s of processor time: compile it ahead"), "{told}");
    }

    #[test]
    fn a_process_that_goes_on_without_output_is_ended() {
        // The output's end is the shell's, and nothing is waited for beyond it.
        assert_eq!(
            run("echo code; exec >&-; while :; do :; done\n", LIMITS).unwrap_err().split(" (").next(),
            Some("the process that compiles it has ended")
        );
    }

    #[test]
    fn much_output_on_both_sides_does_not_block() {
        let script =
            format!("yes | head -c 300000 >&2; yes | head -c 300000; exit 0\n#{}\n", "x".repeat(300_000));
        assert_eq!(run(&script, LIMITS).unwrap().len(), 300_000);
    }

    #[test]
    fn a_program_that_cannot_be_started_is_named() {
        let target = CodeTarget { triple: None, growth: None };
        let error = compile(Path::new("/nowhere/gpx"), b"", &target, LIMITS).unwrap_err().to_string();
        assert!(
            error.starts_with(
                "the process that compiles it cannot be started from /nowhere/gpx: No such file"
            ),
            "{error}"
        );
    }
}
