//! Parsers for the values of settings. An error says what the text must be.

use std::path::PathBuf;
use std::time::Duration;

/// How Grafana reaches the process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Transport {
    #[default]
    Unix,
    Tcp,
}

/// A longer duration is a mistake, and adding it to a point in time must not overflow.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// A semaphore has an upper bound.
const HIGHEST_COUNT: usize = 10_000;

/// 1 TiB: sums of bytes must not overflow.
const HIGHEST_MEBIBYTES: u64 = 1024 * 1024;

/// What a text must be, phrased to follow "must be".
pub(crate) type Expected = &'static str;

/// Any number of words, separated by commas or whitespace.
pub(super) fn list(text: &str) -> Result<Vec<String>, Expected> {
    let words = text.split(|c: char| c == ',' || c.is_whitespace());
    Ok(words.filter(|word| !word.is_empty()).map(Into::into).collect())
}

/// A duration as Go writes it, but with whole numbers only: `90s`, `1m30s`, `500ms`.
pub(crate) fn duration(text: &str) -> Result<Duration, Expected> {
    const EXPECTED: Expected = "a time with its unit, such as 500ms, 30s or 1h30m, up to 24h";
    let mut rest = text;
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let (number, after) = split_where(rest, |c| !c.is_ascii_digit());
        let (unit, after) = split_where(after, |c| c.is_ascii_digit());
        let number: u64 = number.parse().map_err(|_| EXPECTED)?;
        let milliseconds = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            _ => return Err(EXPECTED),
        };
        let part = number.checked_mul(milliseconds).map(Duration::from_millis).ok_or(EXPECTED)?;
        total = total.checked_add(part).ok_or(EXPECTED)?;
        rest = after;
    }
    if total.is_zero() || total > LONGEST { Err(EXPECTED) } else { Ok(total) }
}

pub(super) fn count(text: &str) -> Result<usize, Expected> {
    let count = text.parse().ok().filter(|count| (1..=HIGHEST_COUNT).contains(count));
    count.ok_or("a whole number from 1 to 10000")
}

/// Parses a count that may be absent.
pub(super) fn optional_count(text: &str) -> Result<Option<usize>, Expected> {
    if text.is_empty() { Ok(None) } else { count(text).map(Some) }
}

/// Parses the path of a directory that may be absent. A relative one would be relative to wherever Grafana was started.
pub(super) fn optional_path(text: &str) -> Result<Option<PathBuf>, Expected> {
    let path = Some(PathBuf::from(text)).filter(|path| !path.as_os_str().is_empty());
    if path.as_ref().is_none_or(|path| path.is_absolute()) { Ok(path) } else { Err("an absolute path") }
}

/// Parses a number of MiB and returns bytes.
pub(super) fn mebibytes(text: &str) -> Result<u64, Expected> {
    let number = text.parse::<u64>().ok().filter(|number| (1..=HIGHEST_MEBIBYTES).contains(number));
    number.map(|number| number * 1024 * 1024).ok_or("a whole number of MiB from 1 to 1048576, without a unit")
}

pub(crate) fn switch(text: &str) -> Result<bool, Expected> {
    match text {
        "on" | "true" => Ok(true),
        "off" | "false" => Ok(false),
        _ => Err("on or off"),
    }
}

pub(super) fn transport(text: &str) -> Result<Transport, Expected> {
    match text {
        "unix" => Ok(Transport::Unix),
        "tcp" => Ok(Transport::Tcp),
        _ => Err("unix or tcp"),
    }
}

fn split_where(text: &str, ends: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(ends).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_named_in_full() {
        assert_eq!(optional_path("/var/cache/gpx"), Ok(Some(PathBuf::from("/var/cache/gpx"))));
        assert_eq!(optional_path(""), Ok(None));
        for text in ["cache", "./cache", "~/cache"] {
            assert_eq!(optional_path(text), Err("an absolute path"), "{text}");
        }
    }

    #[test]
    fn durations_need_a_unit() {
        for (text, milliseconds) in
            [("500ms", 500), ("30s", 30_000), ("5m", 300_000), ("1h30m", 5_400_000), ("0m1s", 1_000)]
        {
            assert_eq!(duration(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
        for text in ["", "0s", "5", "m", "5 m", "-5m", "1.5h", "5d", "5mm", "25h", "99999999999999999999s"] {
            assert!(duration(text).is_err(), "{text}");
        }
        assert!(duration("18446744073709551615h").is_err());
        assert_eq!(duration("24h"), Ok(LONGEST));
    }

    #[test]
    fn lists_are_separated_by_commas_or_whitespace() {
        assert_eq!(list(" a, b\tc,,d "), Ok(["a", "b", "c", "d"].map(String::from).to_vec()));
        assert_eq!(list(" "), Ok(vec![]));
    }

    #[test]
    fn numbers_have_bounds() {
        assert_eq!(count("32"), Ok(32));
        assert_eq!(mebibytes("256"), Ok(256 << 20));
        for text in ["", "0", "-1", "1.5", "1G", "18446744073709551615", "99999999999999999999"] {
            assert!(count(text).is_err() && mebibytes(text).is_err(), "{text}");
        }
    }

    #[test]
    fn choices_are_exact() {
        assert_eq!((switch("on"), switch("false")), (Ok(true), Ok(false)));
        assert!(switch("yes").is_err());
        assert_eq!(transport("tcp"), Ok(Transport::Tcp));
        assert!(transport("udp").is_err());
    }
}
