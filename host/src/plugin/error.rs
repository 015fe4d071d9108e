//! Why a call into a component can fail, with messages for the user who sees the panel.

use std::fmt;
use std::time::Duration;

use thiserror::Error;

use super::component::error::LoadError;
use crate::budget::{Awaited, Limits, Refused, Stop};
use crate::call::{ErrorSource, SetBy};
use crate::capability::bindings::gpx::plugin::types::{Fault, FaultSource};

/// Why a component did not answer.
#[derive(Clone, Debug, Error)]
pub(crate) enum CallError {
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The component's own error.
    #[error("{}", .0.message)]
    Fault(Fault),
    #[error("the plugin panicked: {0}")]
    Panicked(String),
    #[error("the plugin failed: {0}")]
    Trapped(String),
    #[error("the plugin computed for more than {0:?}; raise gpx_cpu_timeout if it needs more")]
    CpuTime(Duration),
    #[error("the plugin did not answer within {0:?}; raise gpx_call_timeout if it needs more")]
    WallTime(Duration),
    #[error("the plugin did not answer before the caller's deadline{0}")]
    CallerDeadline(WaitedFor),
    #[error(transparent)]
    Memory(#[from] Refused),
    /// The component's answer cannot be encoded.
    #[error("{0}")]
    Frame(String),
    #[error("the host failed: {0}")]
    Host(String),
}

/// What a call was waiting for when its time ran out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WaitedFor {
    Component,
    Upstream,
    /// All instances that the owner may have were busy.
    Instance {
        max: usize,
    },
    /// All instances together had used all the memory that they may have.
    Memory {
        total: usize,
    },
}

// === impl CallError ===

impl CallError {
    /// Returns the HTTP status that the caller sees.
    pub(crate) fn status(&self) -> u16 {
        match self {
            Self::Fault(fault) if (100..600).contains(&fault.status) => fault.status,
            error if error.is_late() => 504,
            _ => 500,
        }
    }

    /// Returns whether the call's time has run out.
    pub(crate) fn is_late(&self) -> bool {
        matches!(self, Self::WallTime(_) | Self::CpuTime(_) | Self::CallerDeadline(_))
    }

    /// Returns whether the rest of the call is pointless, since nothing waits for its answer any more.
    pub(crate) fn ends_call(&self) -> bool {
        matches!(self, Self::CallerDeadline(_))
    }

    pub(crate) fn source(&self) -> ErrorSource {
        match self {
            Self::Fault(Fault { source: FaultSource::Downstream, .. }) => ErrorSource::Downstream,
            Self::CallerDeadline(awaited) => ErrorSource::of_delay(*awaited == WaitedFor::Upstream),
            _ => ErrorSource::Plugin,
        }
    }

    /// Returns why a call was stopped, with the limit's value and its setting. `set_by` is who set the call's deadline.
    pub(super) fn from_stop(stop: Stop, set_by: SetBy, limits: &Limits) -> Self {
        match stop {
            Stop::CpuTime => Self::CpuTime(limits.cpu_timeout),
            Stop::Deadline { awaited } => {
                let awaited = match awaited {
                    Awaited::Nothing => WaitedFor::Component,
                    Awaited::Upstream => WaitedFor::Upstream,
                    Awaited::Memory => WaitedFor::Memory { total: limits.memory_total },
                };
                Self::late(awaited, set_by, limits)
            }
        }
    }

    /// Returns why a call ends whose time ran out while it waited for this.
    pub(super) fn late(awaited: WaitedFor, set_by: SetBy, limits: &Limits) -> Self {
        match (set_by, awaited) {
            (SetBy::Caller, _) => Self::CallerDeadline(awaited),
            (SetBy::Operator, WaitedFor::Memory { total }) => Self::Memory(Refused::Total { total }),
            (SetBy::Operator, _) => Self::WallTime(limits.call_timeout),
        }
    }

    /// Returns what a trap means, given what the component printed and which limit it exceeded.
    pub(super) fn from_trap(trap: &wasmtime::Error, printed: &[String], refused: Option<Refused>) -> Self {
        if let Some(panic) = panic_message(printed) {
            return Self::Panicked(panic);
        }
        refused.map_or_else(|| Self::Trapped(trap.root_cause().to_string()), Self::from)
    }
}

// === impl WaitedFor ===

impl fmt::Display for WaitedFor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Component => Ok(()),
            Self::Upstream => write!(f, ", waiting for an upstream"),
            Self::Instance { max } => {
                write!(
                    f,
                    ", because all {max} instances were busy; raise gpx_instances_max if more should run at once"
                )
            }
            Self::Memory { total } => write!(
                f,
                ", because all instances together used {} MiB; raise gpx_memory_total if that is expected",
                total >> 20
            ),
        }
    }
}

/// Returns the message and the location of a Rust panic, from the lines that the standard library prints.
fn panic_message(printed: &[String]) -> Option<String> {
    let (at, first) = printed.iter().enumerate().rfind(|(_, line)| line.contains(" panicked at "))?;
    let place = first.split(" panicked at ").nth(1)?.trim_end_matches(':');
    let message = printed.iter().skip(at + 1).take_while(|line| !line.starts_with("note: "));
    let message = message.map(String::as_str).collect::<Vec<_>>().join(" ");
    Some(format!("{message} ({place})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn a_panic_is_reported_with_its_message_and_location() {
        let printed = lines(
            "thread '<unnamed>' (1) panicked at src/lib.rs:10:5:\nindex out of bounds\nnote: run with RUST_BACKTRACE=1",
        );
        let error = CallError::from_trap(&wasmtime::Error::msg("unreachable"), &printed, None);
        assert_eq!(error.to_string(), "the plugin panicked: index out of bounds (src/lib.rs:10:5)");
    }

    #[test]
    fn running_out_of_memory_names_the_setting() {
        let printed = lines("memory allocation of 65536 bytes failed");
        let refused = Some(Refused::Instance { max: 64 << 20 });
        let error = CallError::from_trap(&wasmtime::Error::msg("unreachable"), &printed, refused);
        assert!(error.to_string().contains("more than 64 MiB; raise gpx_memory_max"));
    }
}
