//! The numbers of `jsonData`, as the Go SDK reads them: whatever is there but no number is 0, fractions are cut off, and
//! what does not fit wraps around as on amd64.

use std::time::Duration;

use serde_json::{Map, Value};

const NANOSECONDS: i64 = 1_000_000_000;

/// Returns the integer under `key`.
pub(super) fn integer(json: &Map<String, Value>, key: &str, default: i64) -> i64 {
    json.get(key).map_or(default, |value| value.as_f64().map_or(0, truncated))
}

/// Returns the nanoseconds of the seconds under `key`.
pub(super) fn nanoseconds(json: &Map<String, Value>, key: &str, default: Duration) -> i64 {
    let default = i64::try_from(default.as_secs()).unwrap_or_default();
    integer(json, key, default).wrapping_mul(NANOSECONDS)
}

/// Go leaves to the processor what becomes of a float that is no `int64`; an amd64 makes it the least one.
#[expect(clippy::cast_possible_truncation, reason = "that is what it is about")]
fn truncated(number: f64) -> i64 {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if (-LIMIT..LIMIT).contains(&number) { number as i64 } else { i64::MIN }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_go() {
        for (text, seconds) in [
            ("1", 1),
            ("2.9", 2),
            ("-2.9", -2),
            ("0.5", 0),
            ("-0.0", 0),
            ("3e2", 300),
            (r#""5""#, 0),
            ("[5]", 0),
            ("{}", 0),
            ("true", 0),
            ("null", 0),
            ("9223372036854774784", 9_223_372_036_854_774_784),
            ("9223372036854775808", i64::MIN),
            ("-1e300", i64::MIN),
            ("1e308", i64::MIN),
        ] {
            let json = serde_json::from_str(&format!(r#"{{"key":{text}}}"#)).unwrap();
            assert_eq!(integer(&json, "key", 7), seconds, "{text}");
            let nanoseconds = nanoseconds(&json, "key", Duration::from_secs(7));
            assert_eq!(nanoseconds, seconds.wrapping_mul(1_000_000_000), "{text}");
        }
        assert_eq!(integer(&Map::new(), "key", 7), 7);
        assert_eq!(nanoseconds(&Map::new(), "key", Duration::from_secs(7)), 7_000_000_000);
    }
}
