//! What the log says of a query that failed.

use crate::call::Call;
use crate::log::Value;
use crate::plugin::{CallError, Owner};
use crate::text::MAX_REASON;

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
