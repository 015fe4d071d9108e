//! A time as Grafana's time picker takes it: `now-1h`, RFC 3339, or milliseconds since 1970.

use anyhow::{Context as _, Result, bail};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Returns the time, in milliseconds since 1970.
pub(crate) fn now() -> i64 {
    i64::try_from(gpx_client::trace::now() / 1_000_000).unwrap_or_default()
}

/// Reads a time, as seen from now, both in milliseconds since 1970.
pub(crate) fn parse(text: &str, now: i64) -> Result<i64> {
    let explain = || {
        format!("{text:?} is not a time; write `now-6h`, `2026-01-31T12:00:00Z` or milliseconds since 1970")
    };
    if let Ok(milliseconds) = text.parse() {
        return Ok(milliseconds);
    }
    let Some(offset) = text.strip_prefix("now") else {
        let time = OffsetDateTime::parse(text, &Rfc3339).ok().with_context(explain)?;
        return i64::try_from(time.unix_timestamp_nanos().div_euclid(1_000_000)).with_context(explain);
    };
    if offset.is_empty() {
        return Ok(now);
    }
    let (sign, rest) = match offset.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, offset.strip_prefix('+').with_context(explain)?),
    };
    let (number, unit) = rest.split_at_checked(rest.len().saturating_sub(1)).with_context(explain)?;
    let unit: i64 = match unit {
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        "w" => 604_800_000,
        _ => bail!("{text:?} has another unit than s, m, h, d and w"),
    };
    let number: i64 = number.parse::<u32>().ok().with_context(explain)?.into();
    now.checked_add(sign * number * unit).with_context(explain)
}

/// Returns a time, in nanoseconds since 1970, as RFC 3339 in UTC.
pub(crate) fn rfc3339(nanoseconds: i128) -> String {
    let time = OffsetDateTime::from_unix_timestamp_nanos(nanoseconds).ok();
    // Years after 9999 have no such form.
    time.and_then(|time| time.format(&Rfc3339).ok()).unwrap_or_else(|| format!("{nanoseconds} ns"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_time_picker_takes() {
        let now = 1_767_225_600_123;
        for (text, expected) in [
            ("now", now),
            ("now-1h", now - 3_600_000),
            ("now+30s", now + 30_000),
            ("now-2w", now - 1_209_600_000),
            ("2026-01-01T01:00:00.5+01:00", 1_767_225_600_500),
            ("-1500", -1500),
        ] {
            assert_eq!(parse(text, now).unwrap(), expected, "{text}");
        }
        for text in [
            "",
            "now-",
            "now1h",
            "now-h",
            "now-1é",
            "now--1h",
            "now-1y",
            "now-1.5h",
            "yesterday",
            "2026-01-01",
        ] {
            assert!(parse(text, now).is_err(), "{text}");
        }
    }

    #[test]
    fn writes_every_time() {
        assert_eq!(rfc3339(1_767_225_600_000_000_000), "2026-01-01T00:00:00Z");
        assert_eq!(rfc3339(-1), "1969-12-31T23:59:59.999999999Z");
        assert_eq!(rfc3339(i128::from(i64::MAX)), "2262-04-11T23:47:16.854775807Z");
        assert_eq!(rfc3339(i128::MAX), format!("{} ns", i128::MAX));
    }
}
