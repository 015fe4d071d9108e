//! When a call must end: the one clock of the layers, the guest and whatever waits for either.

use std::time::Duration;

use tokio::time::Instant;

/// When a caller stops waiting. Among a request's extensions if the caller said so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CallerDeadline(pub Instant);

/// When a call must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Deadline {
    pub at: Instant,
    pub set_by: SetBy,
}

/// Whose patience it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SetBy {
    Caller,
    Operator,
}

/// How much earlier than its caller's deadline a call ends by itself: then it can say what it waited for, before the
/// layer breaks it off. Timers have a resolution of 1 ms.
const AHEAD: Duration = Duration::from_millis(2);

// === impl Deadline ===

impl Deadline {
    /// The earlier of the caller's deadline and the end of the time that the operator allows, from now on.
    pub(crate) fn new(caller: Option<CallerDeadline>, call_timeout: Duration) -> Self {
        let operator = Instant::now() + call_timeout;
        match caller {
            Some(CallerDeadline(at)) if at <= operator => {
                Self { at: at.checked_sub(AHEAD).unwrap_or(at), set_by: SetBy::Caller }
            }
            _ => Self { at: operator, set_by: SetBy::Operator },
        }
    }

    /// Whether the caller has stopped waiting.
    pub(crate) fn caller_has_left(&self) -> bool {
        self.set_by == SetBy::Caller && self.at <= Instant::now()
    }
}
