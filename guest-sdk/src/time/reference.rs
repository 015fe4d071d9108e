//! Times against `jiff`, which reads and writes RFC 3339 too.

use jiff::Timestamp;

use super::Time;

const SECOND: i128 = 1_000_000_000;

fn ours(text: &str) -> Option<i64> {
    Time::parse(text).ok().map(Time::unix_nanos)
}

/// What jiff reads, if 64 bits of nanoseconds can express it.
fn theirs(text: &str) -> Option<i64> {
    let time: Timestamp = text.parse().ok()?;
    i64::try_from(time.as_nanosecond()).ok()
}

/// Asserts that both read the same time, or that both refuse the text. Returns whether it was read.
fn alike(text: &str) -> bool {
    let found = ours(text);
    assert_eq!(found, theirs(text), "{text}");
    found.is_some()
}

/// Asserts that some texts are read and some refused: otherwise a reader that reads nothing would pass.
fn both_ways(texts: impl Iterator<Item = String>) {
    let (read, refused): (Vec<_>, Vec<_>) = texts.partition(|text| alike(text));
    assert!(!read.is_empty() && !refused.is_empty(), "{} read, {} refused", read.len(), refused.len());
}

#[test]
fn every_day_is_written_and_read_alike() {
    let (first, last) = (i64::MIN / 86_400_000_000_000, i64::MAX / 86_400_000_000_000);
    for day in first..=last {
        // A step through the day that meets no day at the same time.
        let nanos = day * 86_400_000_000_000 + day.rem_euclid(86_399) * 999_999_937;
        let text = Time::from_unix_nanos(nanos).to_string();
        assert_eq!(text, Timestamp::from_nanosecond(nanos.into()).unwrap().to_string());
        assert_eq!(ours(&text), Some(nanos), "{text}");
    }
}

#[test]
fn dates() {
    let years = [0, 1, 1600, 1677, 1678, 1900, 1969, 1970, 2000, 2023, 2024, 2100, 2262, 2263, 9999];
    both_ways(years.into_iter().flat_map(|year| {
        (0..=13).flat_map(move |month| {
            (0..=32).map(move |day| format!("{year:04}-{month:02}-{day:02}T12:00:00Z"))
        })
    }));
}

#[test]
fn times_of_day() {
    both_ways((0..=25).flat_map(|hour| {
        [0, 9, 59, 60, 99].into_iter().flat_map(move |minute| {
            // 60 is the second that the two read differently.
            [0, 9, 59, 61, 99].map(|second| format!("2024-02-29T{hour:02}:{minute:02}:{second:02}Z"))
        })
    }));
}

#[test]
fn fractions() {
    let digits = "123456789";
    both_ways((0..=9).flat_map(|count| {
        let digits = &digits[..count];
        let zeros = "0".repeat(count);
        [
            format!("1969-12-31T23:59:59.{digits}Z"),
            format!("2024-02-29T23:59:59.{digits}+01:00"),
            format!("2024-02-29T23:59:59.{zeros}Z"),
            format!("2024-02-29T23:59:59{digits}Z"),
            format!("2024-02-29T23:59:59.{digits}.Z"),
        ]
    }));
}

#[test]
fn offsets() {
    both_ways(["+", "-", "", " "].into_iter().flat_map(|sign| {
        // jiff goes on to 25 hours, the RFC and this reader do not.
        (0..=23).flat_map(move |hours| {
            [0, 1, 30, 59, 60, 99].map(|minutes| format!("2024-03-01T00:30:00{sign}{hours:02}:{minutes:02}"))
        })
    }));
}

#[test]
fn the_ends_of_64_bits() {
    let ends = [i64::MIN, i64::MAX].map(i128::from);
    both_ways(ends.into_iter().flat_map(|end| {
        [-SECOND, -1, 0, 1, SECOND].into_iter().flat_map(move |step| {
            let time = Timestamp::from_nanosecond(end + step).unwrap();
            let hour_ahead = Timestamp::from_nanosecond(end + step + 3600 * SECOND).unwrap();
            [time.to_string(), hour_ahead.to_string().replace('Z', "+01:00")]
        })
    }));
}

#[test]
fn damaged_texts() {
    // One mistake does not turn this offset into one of 24 or 25 hours, which jiff reads.
    let wholes = ["2024-02-29T23:59:57.25Z", "1969-12-31t01:02:03+07:30", "2000-10-20 11:12:13z"];
    let bytes: Vec<u8> = (b' '..=b'~').collect();
    let (mut read, mut refused) = (0, 0);
    for whole in wholes {
        for at in 0..whole.len() {
            let (before, after) = (&whole[..at], &whole[at..]);
            let mut texts = vec![before.to_owned(), format!("{before}{}", &after[1..])];
            for byte in bytes.iter().copied().map(char::from) {
                texts.push(format!("{before}{byte}{}", &after[1..]));
                texts.push(format!("{before}{byte}{after}"));
            }
            for text in texts {
                // jiff reads other notations as well, such as `20240229T235957Z`; what has this one's form is alike.
                if ours(&text).is_some() || has_the_form(&text) {
                    alike(&text);
                    read += usize::from(ours(&text).is_some());
                } else {
                    refused += 1;
                }
            }
        }
    }
    assert!(read > 100 && refused > 1000, "{read} read, {refused} refused");
}

/// Whether the text has digits and signs where RFC 3339 has them.
fn has_the_form(text: &str) -> bool {
    let form: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    let Some(rest) = ["T", "t", " "]
        .iter()
        .find_map(|separator| form.strip_prefix(&format!("0000-00-00{separator}00:00:00")))
    else {
        return false;
    };
    let offset = match rest.strip_prefix(".0") {
        Some(digits) => digits.trim_start_matches('0'),
        None => rest,
    };
    matches!(offset, "Z" | "z" | "+00:00" | "-00:00")
}

#[test]
fn unlike_jiff_a_leap_second_is_the_next_minutes_first() {
    let leap = "1990-12-31T23:59:60Z";
    assert_eq!(ours(leap), ours("1991-01-01T00:00:00Z"));
    assert_eq!(theirs(leap), ours("1990-12-31T23:59:59Z"));
}

#[test]
fn unlike_jiff_digits_beyond_nanoseconds_are_cut_off() {
    for beyond in ["0", "9", "999999999999"] {
        let text = format!("2024-02-29T23:59:59.123456789{beyond}Z");
        assert_eq!((ours(&text), theirs(&text)), (ours("2024-02-29T23:59:59.123456789Z"), None));
    }
}

#[test]
fn unlike_jiff_an_offset_is_less_than_a_day() {
    for offset in ["+24:00", "-24:00", "+25:59"] {
        let text = format!("2024-02-29T23:59:59{offset}");
        assert_eq!(ours(&text), None, "{text}");
        assert!(theirs(&text).is_some(), "{text}");
    }
}
