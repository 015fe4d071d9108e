//! Times in the format of RFC 3339 section 5.6. Written by hand, as one response may contain a million of them.

use std::fmt;

pub(super) const NANOS_PER_SECOND: i64 = 1_000_000_000;
const SECONDS_PER_DAY: i64 = 86_400;

/// Nanoseconds since 1970, or `None` if the text is not a time or nanoseconds cannot express it.
pub(super) fn parse(text: &[u8]) -> Option<i64> {
    let (seconds, rest) = text.split_at_checked(19)?;
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T' | b't' | b' ', h1, h2, b':', n1, n2, b':', s1, s2] =
        seconds
    else {
        return None;
    };
    let year = number(&[*y1, *y2, *y3, *y4])?;
    let (month, day) = (number(&[*m1, *m2])?, number(&[*d1, *d2])?);
    let (hour, minute, second) = (number(&[*h1, *h2])?, number(&[*n1, *n2])?, number(&[*s1, *s2])?);
    // A leap second counts as the first of the next minute.
    let valid = (1..=12).contains(&month) && (1..=days_in(year, month)).contains(&day);
    if !valid || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let (nanos, rest) = fraction(rest)?;
    let of_day = hour * 3600 + minute * 60 + second - offset(rest)?;
    let seconds = i64::from(days_from_epoch(year, month, day)) * SECONDS_PER_DAY + i64::from(of_day);
    match seconds.checked_mul(NANOS_PER_SECOND) {
        Some(whole) => whole.checked_add(nanos),
        // The first second begins before the first nanosecond that 64 bits can express.
        None => i64::try_from(i128::from(seconds) * i128::from(NANOS_PER_SECOND) + i128::from(nanos)).ok(),
    }
}

pub(super) fn write(nanos: i64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let seconds = nanos.div_euclid(NANOS_PER_SECOND);
    let (year, month, day) = date(seconds.div_euclid(SECONDS_PER_DAY));
    let clock = seconds.rem_euclid(SECONDS_PER_DAY);
    write!(f, "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}", clock / 3600, clock / 60 % 60, clock % 60)?;
    let fraction = nanos.rem_euclid(NANOS_PER_SECOND);
    if fraction != 0 {
        write!(f, ".{}", format!("{fraction:09}").trim_end_matches('0'))?;
    }
    f.write_str("Z")
}

#[inline]
fn number<const N: usize>(digits: &[u8; N]) -> Option<i32> {
    digits.iter().try_fold(0, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + i32::from(digit - b'0')))
}

/// The fraction of a second in nanoseconds, and the text after it. Digits beyond the ninth are cut off.
fn fraction(text: &[u8]) -> Option<(i64, &[u8])> {
    let Some(digits) = text.strip_prefix(b".") else { return Some((0, text)) };
    let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if count == 0 {
        return None;
    }
    let (digits, rest) = digits.split_at_checked(count)?;
    let padded = digits.iter().copied().chain(std::iter::repeat(b'0')).take(9);
    Some((padded.fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0')), rest))
}

/// Seconds east of UTC.
fn offset(text: &[u8]) -> Option<i32> {
    match text {
        [b'Z' | b'z'] => Some(0),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (hours, minutes) = (number(&[*h1, *h2])?, number(&[*m1, *m2])?);
            let seconds = hours * 3600 + minutes * 60;
            (hours < 24 && minutes < 60).then_some(if *sign == b'-' { -seconds } else { seconds })
        }
        _ => None,
    }
}

fn days_in(year: i32, month: i32) -> i32 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 in the proleptic Gregorian calendar, by counting in eras of 400 years from a March.
fn days_from_epoch(year: i32, month: i32, day: i32) -> i32 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, year) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    era * 146_097 + year * 365 + year / 4 - year / 100 + day_of_year - 719_468
}

/// The inverse of `days_from_epoch`.
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let (month, carry) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + carry, month, day)
}

#[cfg(test)]
mod tests {
    use crate::Time;

    fn nanos(text: &str) -> Option<i64> {
        Time::parse(text).ok().map(Time::unix_nanos)
    }

    #[test]
    fn reads_what_rfc_3339_writes() {
        assert_eq!(nanos("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(nanos("2023-11-14T22:13:20.000000001z"), Some(1_700_000_000_000_000_001));
        assert_eq!(nanos("2023-11-14T23:13:20.25+01:00"), Some(1_700_000_000_250_000_000));
        assert_eq!(nanos("1969-12-31T23:59:59.5Z"), Some(-500_000_000));
        assert_eq!(nanos("2000-02-29T00:00:00-00:00"), Some(951_782_400_000_000_000));
        assert_eq!(nanos("1990-12-31T15:59:60-08:00"), nanos("1991-01-01T00:00:00Z"), "a leap second");
    }

    #[test]
    fn refuses_what_is_not_a_time() {
        for text in [
            "",
            "now",
            "2023-11-14",
            "2023-11-14T22:13:20",
            "2023-02-29T00:00:00Z",
            "2023-13-01T00:00:00Z",
            "2023-11-14T24:00:00Z",
            "2023-11-14T22:13:20.Z",
            "2023-11-14T22:13:20+1:00",
            "2023-11-14T22:13:20Zx",
            "9999-01-01T00:00:00Z",
            "grün-ä-1T22:13:20Z",
        ] {
            assert_eq!(nanos(text), None, "{text}");
        }
    }

    #[test]
    fn reads_back_what_it_writes() {
        for value in [i64::MIN, -1, 0, 1, 951_782_399_999_999_999, 1_700_000_000_250_000_000, i64::MAX] {
            let text = Time::from_unix_nanos(value).to_string();
            assert_eq!(nanos(&text), Some(value), "{text}");
        }
        assert_eq!(Time::from_unix_millis(1_700_000_000_250).to_string(), "2023-11-14T22:13:20.25Z");
    }
}
