//! Tells the operator that calls wait for a limit: at most once a minute for each.

use super::WaitedFor;
use crate::log::{Log, Seldom, Value};

/// Knows which limits the log has told of.
pub(crate) struct Queueing {
    log: Log,
    instances: Seldom,
    places: Seldom,
    memory: Seldom,
}

// === impl Queueing ===

impl Queueing {
    pub(super) fn new(log: Log) -> Self {
        Self { log, instances: Seldom::default(), places: Seldom::default(), memory: Seldom::default() }
    }

    /// A call begins to wait.
    pub(super) fn warn(&self, awaited: WaitedFor) {
        let (told, key, value) = match awaited {
            WaitedFor::Instance { max } => (&self.instances, "gpx_instances_max", max),
            WaitedFor::Memory { total } => (&self.memory, "gpx_memory_total", total >> 20),
            WaitedFor::Place { max } => return self.warn_of_places(max),
            WaitedFor::Component | WaitedFor::Upstream => return,
        };
        if !told.is_due() {
            return;
        }
        let fields = [("setting", Value::from(key)), ("value", Value::from(value as i64))];
        self.log
            .warn(&format!("Calls wait: {key} = {value} is reached; raise it if there is memory"), &fields);
    }

    fn warn_of_places(&self, max: usize) {
        if self.places.is_due() {
            let text = format!("Calls wait: all {max} instances that one process can have are busy");
            self.log.warn(&text, &[("value", Value::from(max as i64))]);
        }
    }
}
