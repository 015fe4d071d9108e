//! When a call must end: one clock for the layers, for the guest, and for all code that waits for either.

use std::time::Duration;

use tokio::time::Instant;

/// When a caller stops waiting. In the request's extensions if the caller set a deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CallerDeadline(pub Instant);

/// When a call must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Deadline {
    /// For a call that lasts, only its beginning must be over by then.
    pub at: Instant,
    pub set_by: SetBy,
    /// When the caller stops waiting, though the operator's time may be over before.
    caller: Option<Instant>,
    lasts: bool,
}

/// Who set the deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SetBy {
    Caller,
    Operator,
}

/// How long before its caller's deadline a call ends on its own. It can then report what it was waiting for, before the
/// layer aborts it. Timers have a resolution of 1 ms.
const AHEAD: Duration = Duration::from_millis(2);

// === impl Deadline ===

impl Deadline {
    /// Returns the earlier of the caller's deadline and the end of the operator's `call_timeout`, which starts now.
    pub(crate) fn new(caller: Option<CallerDeadline>, call_timeout: Duration) -> Self {
        let operator = Instant::now() + call_timeout;
        // Ahead of the layer whoever set it: otherwise the two could strike at the same moment.
        let caller = caller.map(|CallerDeadline(at)| at.checked_sub(AHEAD).unwrap_or(at));
        match caller {
            Some(at) if at <= operator => Self { at, set_by: SetBy::Caller, caller, lasts: false },
            _ => Self { at: operator, set_by: SetBy::Operator, caller, lasts: false },
        }
    }

    /// Returns the same for a call that lasts until its caller ends it: only its beginning has a limit of the operator's.
    pub(crate) fn lasting(self) -> Self {
        Self { lasts: true, ..self }
    }

    /// Returns when the call's work must end, if it must.
    pub(crate) fn end(&self) -> Option<Instant> {
        if self.lasts { self.caller } else { Some(self.at) }
    }

    /// Returns whether the caller has stopped waiting.
    pub(crate) fn caller_has_left(&self) -> bool {
        self.caller.is_some_and(|at| at <= Instant::now())
    }
}
