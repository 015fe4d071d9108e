//! How a call into a component can fail, in words for the panel's user.

use std::time::Duration;

use thiserror::Error;

use super::limits::Refused;
use super::load::LoadError;
use crate::bindings::gpx::plugin::types::{Fault, FaultSource};
use crate::call::Source;

/// Why a component did not answer.
#[derive(Clone, Debug, Error)]
pub enum Error {
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
    #[error("the plugin needs more than {} MiB; raise gpx_memory_max if that is right", .0 >> 20)]
    InstanceMemory(usize),
    #[error("all instances of the plugin together need more than {} MiB; raise gpx_memory_total if that is right", .0 >> 20)]
    TotalMemory(usize),
    /// What the component answered cannot be encoded.
    #[error("{0}")]
    Frame(String),
    #[error("the host failed: {0}")]
    Host(String),
}

// === impl Error ===

impl Error {
    /// The HTTP status that the caller sees.
    pub fn status(&self) -> u16 {
        match self {
            Self::Fault(fault) if (100..600).contains(&fault.status) => fault.status,
            Self::WallTime(_) | Self::CpuTime(_) => 504,
            _ => 500,
        }
    }

    pub fn source(&self) -> Source {
        match self {
            Self::Fault(Fault { source: FaultSource::Downstream, .. }) => Source::Downstream,
            _ => Source::Plugin,
        }
    }

    /// What a trap means, given what the component printed and which limit it met.
    pub(super) fn from_trap(trap: &wasmtime::Error, printed: &[String], refused: Option<Refused>) -> Self {
        if let Some(panic) = panic_message(printed) {
            return Self::Panicked(panic);
        }
        refused.map_or_else(|| Self::Trapped(trap.root_cause().to_string()), Self::from)
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Instance { max } => Self::InstanceMemory(max),
            Refused::Total { total } => Self::TotalMemory(total),
        }
    }
}

/// The message and the place of a Rust panic, from the lines that the standard library prints.
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
    fn a_panic_is_told_by_its_message_and_place() {
        let printed = lines(
            "thread '<unnamed>' (1) panicked at src/lib.rs:10:5:\nindex out of bounds\nnote: run with RUST_BACKTRACE=1",
        );
        let error = Error::from_trap(&wasmtime::Error::msg("unreachable"), &printed, None);
        assert_eq!(error.to_string(), "the plugin panicked: index out of bounds (src/lib.rs:10:5)");
    }

    #[test]
    fn running_out_of_memory_names_the_setting() {
        let printed = lines("memory allocation of 65536 bytes failed");
        let refused = Some(Refused::Instance { max: 64 << 20 });
        let error = Error::from_trap(&wasmtime::Error::msg("unreachable"), &printed, refused);
        assert!(error.to_string().contains("more than 64 MiB; raise gpx_memory_max"));
    }
}
