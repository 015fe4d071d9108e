//! Why a call into a component can fail, with messages for the user who sees the panel.

mod place;
mod trap;

use std::fmt;
use std::time::Duration;

use thiserror::Error;

use super::component::error::LoadError;
use super::instance::state::MAX_HANDLES;
use crate::budget::{Awaited, Limits, Refused, Stop};
use crate::call::{ErrorSource, SetBy};
use crate::capability::bindings::gpx::plugin::types::{Fault, FaultSource};
use crate::text::{MAX_REASON, Scrub};

/// Why a component did not answer.
#[derive(Clone, Debug, Error)]
pub(crate) enum CallError {
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The component's own error.
    #[error("{}", .0.message)]
    Fault(Fault),
    /// The component's own error about a request as a whole.
    #[error("{}", .0.message)]
    Request(Fault),
    #[error("the plugin panicked: {0}")]
    Panicked(String),
    #[error("the plugin failed: {0}")]
    Trapped(String),
    #[error("the plugin could not be started: {0}")]
    NotStarted(String),
    #[error("the plugin's stack overflowed: {0}; let it recurse less, or use a loop")]
    StackOverflow(String),
    #[error("the plugin passed more than {} to the host at once; return or send less at a time", size(*.0))]
    PassedAtOnce(usize),
    #[error("the plugin holds more than {MAX_HANDLES} handles at once; drop those that are no longer needed")]
    Handles,
    #[error(
        "there is no address space for another instance of the plugin; raise the process's limit of virtual memory \
         (ulimit -v), or lower gpx_instances_max"
    )]
    AddressSpace,
    /// Not even memory that nobody refused was enough.
    #[error(
        "the plugin ran out of memory: {0}; a component has at most 4096 MiB, or what gpx_memory_max allows"
    )]
    OutOfMemory(String),
    /// A part of the component's answer is longer than what is passed on.
    #[error(
        "{what} of the plugin's answer take {bytes} bytes, and at most {limit} are passed on; return less"
    )]
    TooLong { what: &'static str, bytes: usize, limit: usize },
    #[error("an answer of the plugin has no refId; give it that of a query")]
    NoRefId,
    #[error("the plugin answered {count} refIds at once, and at most {limit} are passed on; answer fewer")]
    ManyAnswers { count: usize, limit: usize },
    #[error(
        "a refId of the plugin's answer has {bytes} bytes, and at most {limit} are passed on; give it that of a query"
    )]
    LongRefId { bytes: usize, limit: usize },
    /// One owner's.
    #[error(
        "all {max} streams that a data source may run are running; raise gpx_streams_max if there should be more"
    )]
    Streams { max: usize },
    /// Those of all owners.
    #[error(
        "all {max} streams that one process can run are running; let panels subscribe to fewer channels at once"
    )]
    AllStreams { max: usize },
    #[error("the plugin computed for more than {0:?}; raise gpx_cpu_timeout if it needs more")]
    CpuTime(Duration),
    #[error("the plugin did not answer within {0:?}; raise gpx_call_timeout if it needs more")]
    WallTime(Duration),
    /// The call's time ran out before it had an instance.
    #[error("the plugin did not answer within {0:?}{1}")]
    Queued(Duration, WaitedFor),
    #[error("the plugin did not answer before the caller's deadline{0}")]
    CallerDeadline(WaitedFor),
    #[error(transparent)]
    Memory(#[from] Refused),
    /// The request lacks what every request of Grafana's has, or asks for what does not exist.
    #[error("{0}")]
    Malformed(String),
    /// What the plugin does not serve.
    #[error("{0}")]
    Unserved(String),
    /// Grafana takes only an object, or nothing.
    #[error(
        "the details of the health check are {0}; they must be a JSON object, such as {{\"version\": 1}}"
    )]
    Details(&'static str),
    /// The component's answer cannot be encoded.
    #[error("{0}")]
    Frame(String),
    /// What the component makes of an object cannot be stored.
    #[error("{0}")]
    Object(String),
    #[error("the plugin returned {count} objects at once, and at most {limit} are passed on; return fewer")]
    ManyObjects { count: usize, limit: usize },
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
    /// All data sources together had as many instances as a process can have.
    Place {
        max: usize,
    },
    /// All instances together had used all the memory that they may have.
    Memory {
        total: usize,
    },
}

/// What is known about a failure besides the engine's own error.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Evidence<'a> {
    /// The lines that the component printed last on standard error.
    pub printed: &'a [String],
    /// The memory that was refused just before: the component has not asked the host for anything since.
    pub refused: Option<Refused>,
    /// The memory that was refused earlier in the call. The component went on without it.
    pub refused_earlier: Option<Refused>,
    /// How many bytes it could pass to the host at once.
    pub passable: usize,
}

/// Returns a limit as people read it.
fn size(bytes: usize) -> String {
    if bytes < 1 << 20 { format!("{} KiB", bytes >> 10) } else { format!("{} MiB", bytes >> 20) }
}

// === impl CallError ===

impl CallError {
    /// Returns the HTTP status that the caller sees.
    pub(crate) fn status(&self) -> u16 {
        match self {
            Self::Fault(fault) | Self::Request(fault) if (100..600).contains(&fault.status) => fault.status,
            error if error.is_late() => 504,
            _ => 500,
        }
    }

    /// Returns whether the call's time has run out.
    pub(crate) fn is_late(&self) -> bool {
        matches!(self, Self::WallTime(_) | Self::Queued(..) | Self::CpuTime(_) | Self::CallerDeadline(_))
    }

    /// Returns whether the call fails as a whole: nothing waits for its answer any more, or none is possible.
    pub(crate) fn ends_call(&self) -> bool {
        matches!(self, Self::CallerDeadline(_) | Self::Malformed(_) | Self::Unserved(_) | Self::Request(_))
    }

    /// Returns whether this is the component's own answer to a request that it does not take, such as 404. As a resource's
    /// answer it is no failure.
    pub(crate) fn is_refusal(&self) -> bool {
        matches!(self, Self::Fault(_)) && self.status() < 500
    }

    /// Returns what ended a call of the component that did not return, under the name that metrics use. `None` for other
    /// failures.
    pub(super) fn trap(&self) -> Option<&'static str> {
        Some(match self {
            Self::Panicked(_) => "panic",
            Self::Trapped(_) => "trap",
            Self::NotStarted(_) => "start",
            Self::StackOverflow(_) => "stack",
            Self::OutOfMemory(_) | Self::Memory(_) | Self::AddressSpace => "memory",
            Self::PassedAtOnce(_) | Self::TooLong { .. } => "size",
            Self::Handles => "handles",
            Self::CpuTime(_) => "cpu_timeout",
            Self::WallTime(_) => "call_timeout",
            Self::CallerDeadline(_) => "caller_deadline",
            _ => return None,
        })
    }

    pub(crate) fn source(&self) -> ErrorSource {
        match self {
            Self::Fault(fault) | Self::Request(fault) if fault.source == FaultSource::Downstream => {
                ErrorSource::Downstream
            }
            Self::CallerDeadline(awaited) => ErrorSource::of_delay(*awaited == WaitedFor::Upstream),
            _ => ErrorSource::Plugin,
        }
    }

    /// Returns the same error without secrets, and with no more of the component's words than are shown to a person.
    pub(super) fn scrubbed(self, scrub: &Scrub) -> Self {
        let clean = |text| scrub.shorten(text, MAX_REASON);
        match self {
            Self::Fault(Fault { message, status, source }) => {
                Self::Fault(Fault { message: clean(message), status, source })
            }
            Self::Request(Fault { message, status, source }) => {
                Self::Request(Fault { message: clean(message), status, source })
            }
            Self::Panicked(text) => Self::Panicked(scrub.text(text)),
            Self::Trapped(text) => Self::Trapped(clean(text)),
            Self::NotStarted(text) => Self::NotStarted(clean(text)),
            Self::StackOverflow(text) => Self::StackOverflow(clean(text)),
            Self::OutOfMemory(text) => Self::OutOfMemory(clean(text)),
            Self::Frame(text) => Self::Frame(clean(text)),
            Self::Host(text) => Self::Host(clean(text)),
            error => error,
        }
    }

    /// Returns why a call was stopped, with the limit's value and its setting. `set_by` is who set the call's deadline.
    pub(super) fn from_stop(stop: Stop, set_by: SetBy, limits: &Limits) -> Self {
        match stop {
            Stop::CpuTime => Self::CpuTime(limits.cpu_timeout),
            Stop::NoThread => Self::Host(
                "the system has no thread for long work; allow more (pids.max, ulimit -u)".to_owned(),
            ),
            Stop::Deadline { awaited } => {
                let awaited = match awaited {
                    Awaited::Nothing => WaitedFor::Component,
                    Awaited::Upstream => WaitedFor::Upstream,
                    Awaited::Memory { total } => WaitedFor::Memory { total },
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
            (SetBy::Operator, WaitedFor::Instance { .. } | WaitedFor::Place { .. }) => {
                Self::Queued(limits.call_timeout, awaited)
            }
            (SetBy::Operator, WaitedFor::Component | WaitedFor::Upstream) => {
                Self::WallTime(limits.call_timeout)
            }
        }
    }
}

// === impl WaitedFor ===

impl WaitedFor {
    /// Returns what it is in one word, for traces.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Component => "component",
            Self::Upstream => "upstream",
            Self::Instance { .. } => "instance",
            Self::Place { .. } => "place",
            Self::Memory { .. } => "memory",
        }
    }
}

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
            Self::Place { max } => write!(
                f,
                ", because all {max} instances that one process can have were busy; let queries run for less long, or at \
                 longer intervals"
            ),
            Self::Memory { total } => write!(
                f,
                ", because all instances together used {} MiB; raise gpx_memory_total if that is expected",
                total >> 20
            ),
        }
    }
}
