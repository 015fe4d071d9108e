//! The strings of a JSON text: as Go decodes them, and written anew.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::super::draft::{Draft, Full};
use super::super::escape::Style;

/// A piece of the content of a JSON string.
enum Part<'a> {
    /// Without escapes.
    Run(&'a [u8]),
    Escaped(char),
}

/// Appends the string whose content is `raw`.
pub(super) async fn write(draft: &mut Draft<'_>, raw: &[u8], style: Style) -> Result<(), Full> {
    draft.bytes.push(b'"');
    let mut rest = raw;
    while let Some(part) = next(&mut rest) {
        match part {
            Part::Run(run) => draft.text(run, style).await?,
            Part::Escaped(character) => {
                draft.text(character.encode_utf8(&mut [0; 4]).as_bytes(), style).await?;
            }
        }
    }
    draft.bytes.push(b'"');
    Ok(())
}

/// Returns what `raw` means. It should not be long.
pub(super) fn decoded(raw: &[u8]) -> Cow<'_, [u8]> {
    if !raw.contains(&b'\\') {
        return Cow::Borrowed(raw);
    }
    let mut decoded = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(part) = next(&mut rest) {
        match part {
            Part::Run(run) => decoded.extend_from_slice(run),
            Part::Escaped(character) => {
                decoded.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
    }
    Cow::Owned(decoded)
}

/// Compares what two strings mean, up to the first difference. Also returns how many bytes were compared.
pub(super) fn compare(one: &[u8], other: &[u8]) -> (Ordering, usize) {
    let (mut one, mut other) = (Meaning::of(one), Meaning::of(other));
    let mut compared = 1;
    loop {
        match (one.next(), other.next()) {
            (Some(a), Some(b)) if a == b => compared += 1,
            (a, b) => return (a.cmp(&b), compared),
        }
    }
}

/// The bytes of a string as it is meant, one by one: nothing is read ahead.
struct Meaning<'a> {
    rest: &'a [u8],
    /// The character of the last escape, and how many of its bytes have been returned.
    escaped: (Option<char>, usize),
}

impl<'a> Meaning<'a> {
    fn of(raw: &'a [u8]) -> Self {
        Self { rest: raw, escaped: (None, 0) }
    }
}

impl Iterator for Meaning<'_> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        if let (Some(character), returned) = &mut self.escaped {
            let mut bytes = [0; 4];
            let bytes = character.encode_utf8(&mut bytes).as_bytes();
            if let Some(byte) = bytes.get(*returned) {
                *returned += 1;
                return Some(*byte);
            }
        }
        match self.rest {
            [] => None,
            [b'\\', escaped @ ..] => {
                let (character, rest) = unescape(escaped);
                self.rest = rest;
                self.escaped = (Some(character), 0);
                self.next()
            }
            [byte, rest @ ..] => {
                self.rest = rest;
                self.escaped = (None, 0);
                Some(*byte)
            }
        }
    }
}

/// Splits off the next part.
fn next<'a>(rest: &mut &'a [u8]) -> Option<Part<'a>> {
    let (part, tail) = match *rest {
        [] => return None,
        [b'\\', escaped @ ..] => {
            let (character, tail) = unescape(escaped);
            (Part::Escaped(character), tail)
        }
        text => {
            let end = text.iter().position(|byte| *byte == b'\\').unwrap_or(text.len());
            let (run, tail) = text.split_at_checked(end)?;
            (Part::Run(run), tail)
        }
    };
    *rest = tail;
    Some(part)
}

/// Returns the character of an escape, and what follows it. Half of a surrogate pair becomes a replacement character.
fn unescape(escape: &[u8]) -> (char, &[u8]) {
    let (letter, rest) = escape.split_first().unwrap_or((&b'\\', &[]));
    match letter {
        b'b' => ('\u{8}', rest),
        b'f' => ('\u{c}', rest),
        b'n' => ('\n', rest),
        b'r' => ('\r', rest),
        b't' => ('\t', rest),
        b'u' => {
            let (unit, rest) = hex(rest);
            match (unit, rest) {
                (0xD800..0xDC00, [b'\\', b'u', low @ ..]) => match hex(low) {
                    (low @ 0xDC00..0xE000, rest) => {
                        let both = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
                        (char::from_u32(both).unwrap_or(char::REPLACEMENT_CHARACTER), rest)
                    }
                    _ => (char::REPLACEMENT_CHARACTER, rest),
                },
                _ => (char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER), rest),
            }
        }
        other => (char::from(*other), rest),
    }
}

/// Returns the four digits' value, and what follows them.
fn hex(text: &[u8]) -> (u32, &[u8]) {
    let (digits, rest) = text.split_at_checked(4).unwrap_or((text, &[]));
    let value =
        digits.iter().fold(0, |value, digit| value << 4 | char::from(*digit).to_digit(16).unwrap_or(0));
    (value, rest)
}

#[cfg(test)]
mod tests {
    use super::super::super::pace::{PIECE, Pace};
    use super::super::super::sample::{Random, polls};
    use super::*;

    fn meaning(raw: &str) -> String {
        String::from_utf8(decoded(raw.as_bytes()).into_owned()).unwrap()
    }

    #[test]
    fn escapes_mean_what_go_reads() {
        assert_eq!(meaning(r#"a\"\\\/\b\f\n\r\t\u00e9z"#), "a\"\\/\u{8}\u{c}\n\r\té\u{7a}");
        assert_eq!(meaning(r"\ud83e\udd80"), "🦀");
        assert_eq!(meaning(r"\ud83e"), "\u{fffd}");
        assert_eq!(meaning(r"\udd80x"), "\u{fffd}x");
        assert_eq!(meaning(r"\ud800x\ud800\ud801\udc00"), "\u{fffd}x\u{fffd}\u{10400}");
        assert_eq!(meaning(r"\ud800\n"), "\u{fffd}\n");
    }

    #[test]
    fn strings_are_compared_by_what_they_mean_and_no_further_than_needed() {
        let compare = |one: &str, other: &str| compare(one.as_bytes(), other.as_bytes());
        assert_eq!(compare("", ""), (Ordering::Equal, 1));
        assert_eq!(compare("ab", r"\u0061b"), (Ordering::Equal, 3));
        assert_eq!(compare(r"\ud83e\udd80", "🦀a"), (Ordering::Less, 5));
        assert_eq!(compare("é", r"\n"), (Ordering::Greater, 1));
        let long = r"\u007a".repeat(10_000);
        assert_eq!(compare(&long, "a"), (Ordering::Greater, 1));
        assert_eq!(compare("za", &long), (Ordering::Less, 2));
    }

    #[test]
    fn a_string_is_written_with_the_escapes_of_the_style() {
        let written = |raw: &str, style| {
            let (out, count) = polls(async {
                let mut pace = Pace::new();
                let mut draft = Draft::new(0, usize::MAX, &mut pace);
                write(&mut draft, raw.as_bytes(), style).await.unwrap();
                draft.finish()
            });
            (String::from_utf8(out).unwrap(), count)
        };
        let raw = r"\/\u003c\b\ud83e\udd80\u0041é";
        assert_eq!(written(raw, Style::Plain).0, r#""/<\u0008🦀Aé""#);
        assert_eq!(written(raw, Style::Html).0, r#""/\u003c\u0008🦀Aé""#);
        assert_eq!(written(raw, Style::Standard).0, r#""/\u003c\b🦀Aé""#);
        assert!(written(&"x".repeat(5 * PIECE), Style::Html).1 >= 5);
        assert!(written(&r"\n".repeat(5 * PIECE), Style::Html).1 >= 5);
    }

    #[test]
    fn any_string_keeps_its_meaning() {
        const PARTS: &[&str] = &["a", "é", "\\n", "\\\"", "\\\\", "\\u0041", "\\ud83e\\udd80", "🦀", "\\/"];
        let mut random = Random::new();
        for _ in 0..1_000 {
            let raw: String =
                (0..random.below(8)).map(|_| PARTS[random.below(PARTS.len() as u64) as usize]).collect();
            assert_eq!(meaning(&raw), serde_json::from_str::<String>(&format!("\"{raw}\"")).unwrap());
            assert!(Meaning::of(raw.as_bytes()).eq(meaning(&raw).bytes()));
        }
    }
}
