//! What most of JSON consists of, read quickly: texts without escapes, eight bytes at a time, and numbers with few digits.

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Number {
    Signed(i64),
    Unsigned(u64),
    Float(f64),
}

/// How many digits a number may have to be read here: as many as an `i64` can always hold.
const DIGITS: usize = 18;

/// The whole numbers up to here are `f64`s.
const MAX_EXACT: u64 = 1 << 53;

/// The powers of ten that a fraction can be divided by. All are `f64`s, so the quotient is rounded once.
const POWERS: [f64; DIGITS + 1] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18];

const ONES: u64 = u64::MAX / 0xff;

/// Returns the position of the first byte that is a quote, a backslash or a control character.
#[inline]
pub(super) fn end_of_plain_text(text: &[u8]) -> Option<usize> {
    let (words, rest) = text.as_chunks::<8>();
    for (word, at) in words.iter().zip((0..).step_by(8)) {
        let found = special(u64::from_le_bytes(*word));
        if found != 0 {
            return Some(at + found.trailing_zeros() as usize / 8);
        }
    }
    let end = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20));
    end.map(|end| text.len() - rest.len() + end)
}

/// Returns a word whose lowest bit that is set is in the first byte that is special. The subtractions borrow only from bytes
/// after that.
fn special(word: u64) -> u64 {
    let below = |word: u64, limit: u8| word.wrapping_sub(ONES * u64::from(limit)) & !word;
    let equal = |byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    (below(word, 0x20) | equal(b'"') | equal(b'\\')) & (ONES << 7)
}

/// Reads a number that ends within `text`, has few digits and no exponent. Returns it with its length.
#[inline]
pub(super) fn short_number(text: &[u8]) -> Option<(Number, usize)> {
    let negative = text.first() == Some(&b'-');
    let start = usize::from(negative);
    let (whole, end) = digits(text, start, 0)?;
    // Leading zeros are not JSON.
    if end == start || (end > start + 1 && text.get(start) == Some(&b'0')) {
        return None;
    }
    match text.get(end)? {
        b'.' => {
            let fraction = end + 1;
            let (all, end) = digits(text, fraction, whole)?;
            let count = end - fraction;
            let is_over = !matches!(text.get(end)?, b'e' | b'E' | b'.' | b'+' | b'-');
            if count == 0 || all > MAX_EXACT || !is_over {
                return None;
            }
            let number = all as f64 / POWERS.get(count)?;
            Some((Number::Float(if negative { -number } else { number }), end))
        }
        b'e' | b'E' | b'+' | b'-' => None,
        // Negative zero is a float.
        _ if negative && whole == 0 => None,
        _ => {
            let whole = i64::try_from(whole).ok()?;
            Some((Number::Signed(if negative { -whole } else { whole }), end))
        }
    }
}

/// Reads digits after those of `number`. Returns the number and where they end, unless there are too many.
#[inline]
fn digits(text: &[u8], start: usize, mut number: u64) -> Option<(u64, usize)> {
    let mut at = start;
    while let Some(byte) = text.get(at)
        && byte.is_ascii_digit()
    {
        number = number.wrapping_mul(10).wrapping_add(u64::from(byte - b'0'));
        at += 1;
    }
    // With the sign and the point of a fraction.
    (at <= DIGITS).then_some((number, at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_text_ends_where_the_first_special_byte_is() {
        let special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
        // Each pair of bytes, at each distance, in a text of several words.
        for first in 0..=u8::MAX {
            for second in [0, 0x1f, 0x20, b'"', b'#', b'\\', b']', 0x7f, 0x80, 0xa2, 0xdc, 0xff] {
                for at in 0..17 {
                    let mut text = *b"abcdefghijklmnopqrstuvw";
                    (text[at], text[at + 1]) = (first, second);
                    assert_eq!(end_of_plain_text(&text), text.iter().position(special), "{text:?}");
                }
            }
        }
        assert_eq!(end_of_plain_text(b""), None);
    }

    #[test]
    fn a_short_number_is_the_one_that_serde_json_reads() {
        let cases = [
            "0",
            "-0",
            "7",
            "-12",
            "1.5",
            "-0.0",
            "0.1",
            "0.30",
            "123456.789",
            "999999999999999999",
            "9007199254740993.0",
            "1e3",
            "1.5e3",
            "01",
            "-01",
            "1.",
            ".5",
            "-",
            "1.2.3",
            "1-2",
            "1+2",
            "9007199254740.993",
            "0.000000000000001",
            "1234567890123456789",
            "12345678901234567.8",
            "18446744073709551615",
            "179.99999999999997",
        ];
        for case in cases {
            let text = format!("{case},");
            let Some((number, length)) = short_number(text.as_bytes()) else { continue };
            assert_eq!(length, case.len(), "{case}");
            let expected: serde_json::Value = serde_json::from_str(case).expect(case);
            match number {
                Number::Signed(number) => assert_eq!(Some(number), expected.as_i64(), "{case}"),
                Number::Float(number) => {
                    assert_eq!(Some(number.to_bits()), expected.as_f64().map(f64::to_bits), "{case}");
                }
                Number::Unsigned(_) => panic!("{case}"),
            }
        }
        for taken in ["0,", "-12]", "1.5}", "123456.789 ", "-0.0,"] {
            assert!(short_number(taken.as_bytes()).is_some(), "{taken}");
        }
        // It may go on in the next piece.
        for left in ["1", "1.", "1.5", "-", ""] {
            assert_eq!(short_number(left.as_bytes()), None, "{left}");
        }
    }
}
