//! Times as Go's `time.Time` reads and writes them in JSON: RFC 3339, with some tolerance on reading.

/// Returns the time as Go writes it, or `None` if Go does not read it. Go also reads offsets of 24 hours and more, which
/// it cannot write again; they are refused here.
pub(super) fn canonical(text: &[u8]) -> Option<String> {
    let mut rest = text;
    let year = digits(&mut rest, 4)?;
    literal(&mut rest, b'-')?;
    let month = within(digits(&mut rest, 2)?, 1, 12)?;
    literal(&mut rest, b'-')?;
    let day = within(digits(&mut rest, 2)?, 1, days(year, month))?;
    literal(&mut rest, b'T')?;
    let hour = within(digits(&mut rest, 2).or_else(|| digits(&mut rest, 1))?, 0, 23)?;
    literal(&mut rest, b':')?;
    let minute = within(digits(&mut rest, 2)?, 0, 59)?;
    literal(&mut rest, b':')?;
    let second = within(digits(&mut rest, 2)?, 0, 59)?;
    let fraction = fraction(&mut rest)?;
    let zone = zone(rest)?;
    Some(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}{zone}"))
}

/// Returns the nanoseconds that the text has, without zeros at the end.
fn fraction(rest: &mut &[u8]) -> Option<String> {
    let [b'.' | b',', digits @ ..] = *rest else { return Some(String::new()) };
    let len = digits.iter().take_while(|digit| digit.is_ascii_digit()).count();
    let (digits, tail) = digits.split_at_checked(len).filter(|_| len > 0)?;
    *rest = tail;
    let nanos = digits.get(..9).unwrap_or(digits);
    let nanos = std::str::from_utf8(nanos).ok()?.trim_end_matches('0');
    Some(if nanos.is_empty() { String::new() } else { format!(".{nanos}") })
}

fn zone(text: &[u8]) -> Option<String> {
    let (sign, mut rest) = match text {
        b"Z" => return Some("Z".to_owned()),
        [sign @ (b'+' | b'-'), rest @ ..] => (char::from(*sign), rest),
        _ => return None,
    };
    let hours = within(digits(&mut rest, 2)?, 0, 24)?;
    literal(&mut rest, b':')?;
    // Go counts to 60.
    let minutes = within(digits(&mut rest, 2)?, 0, 60)?;
    match hours * 60 + minutes {
        _ if !rest.is_empty() => None,
        0 => Some("Z".to_owned()),
        offset @ 1..1440 => Some(format!("{sign}{:02}:{:02}", offset / 60, offset % 60)),
        _ => None,
    }
}

/// Splits off a number of `count` digits.
fn digits(rest: &mut &[u8], count: usize) -> Option<u32> {
    let (digits, tail) = rest.split_at_checked(count)?;
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    *rest = tail;
    Some(digits.iter().fold(0, |number, digit| number * 10 + u32::from(digit - b'0')))
}

fn literal(rest: &mut &[u8], byte: u8) -> Option<()> {
    *rest = rest.strip_prefix(&[byte])?;
    Some(())
}

fn within(number: u32, least: u32, most: u32) -> Option<u32> {
    (least..=most).contains(&number).then_some(number)
}

fn days(year: u32, month: u32) -> u32 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_go_reads_and_writes_them() {
        for (text, written) in [
            ("2020-01-01T00:00:00Z", "2020-01-01T00:00:00Z"),
            ("0000-02-29T23:59:59Z", "0000-02-29T23:59:59Z"),
            ("2020-01-01T00:00:00.100+02:00", "2020-01-01T00:00:00.1+02:00"),
            ("2020-01-01T00:00:00-00:00", "2020-01-01T00:00:00Z"),
            ("2020-01-01T00:00:00,5Z", "2020-01-01T00:00:00.5Z"),
            ("2020-01-01T00:00:00.000Z", "2020-01-01T00:00:00Z"),
            ("2020-01-01T00:00:00.1234567899Z", "2020-01-01T00:00:00.123456789Z"),
            ("2020-01-01T7:00:00Z", "2020-01-01T07:00:00Z"),
            ("2020-01-01T00:00:00+01:60", "2020-01-01T00:00:00+02:00"),
            ("2020-01-01T00:00:00-23:59", "2020-01-01T00:00:00-23:59"),
        ] {
            assert_eq!(canonical(text.as_bytes()).as_deref(), Some(written), "{text}");
        }
    }

    #[test]
    fn what_go_refuses() {
        for text in [
            "",
            "now",
            "2020-01-01",
            "2020-01-01T00:00Z",
            "2020-01-01t00:00:00z",
            "2020-01-01 00:00:00Z",
            "2020-02-30T00:00:00Z",
            "2019-02-29T00:00:00Z",
            "1900-02-29T00:00:00Z",
            "2020-00-01T00:00:00Z",
            "2020-13-01T00:00:00Z",
            "2020-01-01T24:00:00Z",
            "2020-01-01T00:60:00Z",
            "2020-01-01T00:00:60Z",
            "2020-01-01T00:00:00",
            "2020-01-01T00:00:00.Z",
            "2020-01-01T00:00:00Zx",
            "2020-01-01T00:00:00+25:00",
            "2020-01-01T00:00:00+0100",
            "2020-01-01T00:00:00+01:61",
            "20200-01-01T00:00:00Z",
            "-020-01-01T00:00:00Z",
        ] {
            assert_eq!(canonical(text.as_bytes()), None, "{text}");
        }
        // Go reads it, but cannot write it.
        assert_eq!(canonical(b"2020-01-01T00:00:00+24:00"), None);
    }
}
