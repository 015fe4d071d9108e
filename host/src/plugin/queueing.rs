//! Tells the operator that calls wait for a limit: at most once a minute for each.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::WaitedFor;
use crate::log::{Log, Value};

/// How long a line about a limit stands for all calls that wait for it.
const QUIET: Duration = Duration::from_secs(60);

/// Knows which limits the log has told of.
pub(crate) struct Queueing {
    log: Log,
    told: Mutex<Told>,
}

#[derive(Default)]
struct Told {
    instances: Option<Instant>,
    memory: Option<Instant>,
}

// === impl Queueing ===

impl Queueing {
    pub(super) fn new(log: Log) -> Self {
        Self { log, told: Mutex::default() }
    }

    /// A call begins to wait.
    pub(super) fn warn(&self, awaited: WaitedFor) {
        let limit = match awaited {
            WaitedFor::Instance { max } => ("gpx_instances_max", max),
            WaitedFor::Memory { total } => ("gpx_memory_total", total >> 20),
            WaitedFor::Component | WaitedFor::Upstream => return,
        };
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let last = match awaited {
            WaitedFor::Instance { .. } => &mut told.instances,
            _ => &mut told.memory,
        };
        let now = Instant::now();
        if last.is_some_and(|last| now < last + QUIET) {
            return;
        }
        *last = Some(now);
        drop(told);
        let (key, value) = limit;
        let fields = [("setting", Value::from(key)), ("value", Value::from(value as i64))];
        self.log
            .warn(&format!("Calls wait: {key} = {value} is reached; raise it if there is memory"), &fields);
    }
}
