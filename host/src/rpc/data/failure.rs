//! What the log says of queries that failed.

use std::collections::HashSet;

use crate::call::Call;
use crate::log::Value;
use crate::plugin::{CallError, Owner};
use crate::text::MAX_REASON;

/// How many refIds have a line of their own in the log that no query of the request has.
const FURTHER_LINES: usize = 100;

/// Decides which errors of an answer have a line of their own: the component makes up refIds.
pub(super) struct Lines {
    /// The refIds of the request.
    asked: HashSet<String>,
    further: usize,
}

/// Logs the error of a refId, as the Go SDK does.
pub(super) fn log(call: &Call, owner: Option<&Owner>, ref_id: String, error: &CallError) {
    // The component may have made it up.
    let ref_id = match owner {
        Some(owner) => owner.scrub.shorten(ref_id, MAX_REASON),
        None => ref_id,
    };
    let fields = [
        ("refID", Value::from(ref_id)),
        ("status", Value::from(i64::from(error.status()))),
        ("error", Value::from(error.to_string())),
        ("statusSource", Value::from(error.source().name())),
    ];
    call.log.error("Partial data response error", &fields);
}

// === impl Lines ===

impl Lines {
    pub(super) fn new(asked: impl Iterator<Item = String>) -> Self {
        Self { asked: asked.collect(), further: 0 }
    }

    /// Returns whether the error of this refId gets a line. Each one counts.
    pub(super) fn has(&mut self, ref_id: &str) -> bool {
        if self.asked.contains(ref_id) {
            return true;
        }
        self.further += 1;
        self.further <= FURTHER_LINES
    }

    /// Logs how many errors had no line, if any.
    pub(super) fn log_rest(self, call: &Call) {
        let rest = self.rest();
        if rest > 0 {
            let count = i64::try_from(rest).unwrap_or(i64::MAX);
            call.log.error("Further data responses have errors", &[("count", Value::from(count))]);
        }
    }

    fn rest(&self) -> usize {
        self.further.saturating_sub(FURTHER_LINES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_made_up_ref_id_may_have_no_line_but_a_query_has_one() {
        let mut lines = Lines::new(["A".to_owned()].into_iter());
        let told = (0..1000).filter(|number| lines.has(&number.to_string())).count();
        assert_eq!((told, lines.rest()), (100, 900));
        assert!(lines.has("A"));
        assert_eq!(lines.rest(), 900);
        let mut few = Lines::new(std::iter::empty());
        assert!(few.has("A") && few.rest() == 0);
    }
}
