//! The process that compiles one component for the process that started it, and then ends.
//!
//! It has no descriptors beside the three standard ones, no environment, and limits on its memory and its time. If the
//! component turns out to be made for breaking the compiler, this process is all that breaks.

use std::io::{self, BufReader, Read as _, Write as _};
use std::process::ExitCode;

use super::compile;
use super::job::Job;

/// Compiles what standard input says, and writes the content of a file with the code to standard output, or the reason
/// why there is none to standard error.
///
/// Call it before anything else: it closes all other descriptors.
pub(crate) fn run() -> ExitCode {
    close_inherited();
    match work() {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprint!("{reason}");
            ExitCode::FAILURE
        }
    }
}

fn work() -> Result<(), String> {
    // Before the parent is compared: if it dies in between, this process is told.
    end_with_parent().map_err(|error| format!("cannot watch the process that asked: {error}"))?;
    let mut input = BufReader::new(io::stdin().lock());
    let job = Job::read(&mut input).map_err(|error| format!("standard input is not a job: {error}"))?;
    if !is_parent(job.parent) {
        return Err("the process that asked is gone".to_owned());
    }
    job.limits.apply().map_err(|error| format!("cannot limit itself: {error}"))?;
    let mut component = Vec::with_capacity(job.component);
    let read = input.take(job.component as u64).read_to_end(&mut component);
    if !matches!(read, Ok(length) if length == job.component) {
        return Err("the component is incomplete".to_owned());
    }
    let code = compile::compile(&component, &job.target).map_err(|error| format!("{error:#}"))?;
    #[expect(clippy::disallowed_methods, reason = "this process makes no handshake")]
    let written = io::stdout().write_all(&code);
    written.map_err(|error| format!("cannot pass the code on: {error}"))
}

/// What the parent, or the program that started it, has left open is none of the compiler's business.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "descriptors that nobody owns can only be closed by number")]
fn close_inherited() {
    // SAFETY: this is called before the process opens anything, so nothing here owns a descriptor above standard error.
    // An older kernel than 5.9 does not know the call, and they stay open, unused.
    unsafe { libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, 0) };
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn close_inherited() {}

/// The parent's thread that has started this process waits for it. So it dies only if the whole parent does.
#[cfg(target_os = "linux")]
fn end_with_parent() -> rustix::io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))
}

#[cfg(target_os = "linux")]
fn is_parent(process: u32) -> bool {
    // A parent in another PID namespace has no number here.
    rustix::process::getppid().is_none_or(|parent| parent.as_raw_nonzero().get().cast_unsigned() == process)
}

#[cfg(not(target_os = "linux"))]
fn end_with_parent() -> rustix::io::Result<()> {
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn is_parent(_process: u32) -> bool {
    true
}
