//! The rows of a frame, to look at single values.

use serde_json::Value;

use crate::Frame;
use crate::bindings::base::gpx::plugin::frames as wit;
use crate::frame::cells::cells;

/// Returns the rows of a frame as JSON: a list of lists. Times are texts in the format of RFC 3339, numbers that JSON does not
/// have are texts, too, and an enumeration is its index.
///
/// ```
/// use gpx_sdk::{Frame, Time, test};
///
/// let frame = Frame::new("prices").time("time", [Time::from_unix_seconds(0)]).field("price", [Some(1.5)]);
/// assert_eq!(test::rows(&frame), serde_json::json!([["1970-01-01T00:00:00Z", 1.5]]));
/// ```
///
/// # Panics
///
/// If the columns differ in length.
#[must_use]
#[expect(clippy::expect_used, reason = "it fails the test that has such a frame")]
pub fn rows(frame: &Frame) -> Value {
    let rows = frame.rows().expect("the columns of a frame have one length");
    let columns: Vec<Vec<Value>> = wit::Frame::from(frame.clone()).fields.iter().map(cells).collect();
    let row =
        |row: usize| columns.iter().map(|column| column.get(row).cloned().unwrap_or_default()).collect();
    Value::Array((0..rows).map(row).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Time;
    use crate::frame::Json;

    #[test]
    fn rows_are_json() {
        let frame = Frame::new("prices")
            .time("time", [Time::from_unix_millis(0), Time::from_unix_millis(250)])
            .field("price", [Some(f64::NAN), None])
            .field("exchange", ["a", "ü"])
            .field("open", [true, false])
            .field("detail", [Json("{\"a\":1}".to_owned()), Json("[]".to_owned())]);
        let first = json!(["1970-01-01T00:00:00Z", "NaN", "a", true, { "a": 1 }]);
        let second = json!(["1970-01-01T00:00:00.25Z", null, "ü", false, []]);
        assert_eq!(rows(&frame), json!([first, second]));
        assert_eq!(rows(&Frame::new("")), json!([]));
    }
}
