//! Text as its reader sees it: with `%41`, `\n` and `\u0041` decoded, and with the place of each byte in the original.

use std::borrow::Cow;
use std::ops::Range;

/// A text, decoded any number of times.
pub(super) struct DecodedText<'a> {
    bytes: Cow<'a, [u8]>,
    /// Where each byte begins in the original, and where the last one ends. `None` if nothing was decoded.
    starts: Option<Vec<usize>>,
}

/// What some bytes of an encoded text mean, and how many they are. `None` if they mean themselves.
type Decode = fn(&[u8]) -> Option<(Meaning, usize)>;

enum Meaning {
    Byte(u8),
    Char(char),
}

// === impl DecodedText ===

impl<'a> DecodedText<'a> {
    pub(super) fn original(bytes: &'a [u8]) -> Self {
        Self { bytes: Cow::Borrowed(bytes), starts: None }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns where these bytes are in the original.
    pub(super) fn in_original(&self, range: Range<usize>) -> Range<usize> {
        let Some(starts) = &self.starts else { return range };
        let start = |index: usize| starts.get(index).or(starts.last()).copied().unwrap_or_default();
        start(range.start)..start(range.end)
    }

    /// Returns what the text means if it is percent-encoded.
    pub(super) fn percent_decoded(&self) -> Option<DecodedText<'static>> {
        self.decoded(b'%', percent)
    }

    /// Returns what the text means if it has escapes such as those of JSON.
    pub(super) fn unescaped(&self) -> Option<DecodedText<'static>> {
        self.decoded(b'\\', escape)
    }

    /// Returns nothing if nothing is encoded.
    fn decoded(&self, sign: u8, decode: Decode) -> Option<DecodedText<'static>> {
        if !self.bytes.contains(&sign) {
            return None;
        }
        let mut bytes = Vec::with_capacity(self.bytes.len());
        let mut starts = Vec::with_capacity(self.bytes.len() + 1);
        let mut rest: &[u8] = &self.bytes;
        while let Some((first, after)) = rest.split_first() {
            let start = self.in_original(self.bytes.len() - rest.len()..self.bytes.len()).start;
            let decoded = (*first == sign).then(|| decode(rest)).flatten();
            let (meaning, length) = decoded.unwrap_or((Meaning::Byte(*first), 1));
            match meaning {
                Meaning::Byte(byte) => bytes.push(byte),
                Meaning::Char(char) => bytes.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes()),
            }
            starts.resize(bytes.len(), start);
            rest = rest.get(length..).unwrap_or(after);
        }
        starts.push(self.in_original(self.bytes.len()..self.bytes.len()).end);
        (bytes.len() < self.bytes.len()).then_some(DecodedText { bytes: bytes.into(), starts: Some(starts) })
    }
}

fn percent(text: &[u8]) -> Option<(Meaning, usize)> {
    let byte = number(text.get(1..3)?)?;
    Some((Meaning::Byte(byte.try_into().ok()?), 3))
}

fn escape(text: &[u8]) -> Option<(Meaning, usize)> {
    let meaning = match text.get(1)? {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 8,
        b'f' => 12,
        b'0' => 0,
        b'x' => number(text.get(2..4)?)?.try_into().ok()?,
        b'u' => return unicode(text),
        // As in JSON, JavaScript and Rust.
        sign @ (b'"' | b'\\' | b'/' | b'\'') => *sign,
        _ => return None,
    };
    Some((Meaning::Byte(meaning), if text.get(1) == Some(&b'x') { 4 } else { 2 }))
}

/// Reads `\u0041`, a pair of surrogates, or `\u{41}`.
fn unicode(text: &[u8]) -> Option<(Meaning, usize)> {
    if text.get(2) == Some(&b'{') {
        let digits = text.get(3..)?.iter().take(7).position(|byte| *byte == b'}')?;
        let char = char::from_u32(number(text.get(3..3 + digits)?)?)?;
        return Some((Meaning::Char(char), digits + 4));
    }
    let unit = number(text.get(2..6)?)?;
    if let Some(char) = char::from_u32(unit) {
        return Some((Meaning::Char(char), 6));
    }
    let second = text.get(6..8).filter(|begin| *begin == b"\\u").and(number(text.get(8..12)?))?;
    let pair = [u16::try_from(unit).ok()?, u16::try_from(second).ok()?];
    let char = char::decode_utf16(pair).next()?.ok()?;
    Some((Meaning::Char(char), 12))
}

/// Reads hexadecimal digits.
fn number(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(decoded: Option<DecodedText<'static>>) -> String {
        decoded.map_or("nothing".to_owned(), |text| String::from_utf8_lossy(text.bytes()).into_owned())
    }

    #[test]
    fn what_is_encoded_is_decoded_and_everything_else_stays() {
        for (text, percent, escape) in [
            ("plain", "nothing", "nothing"),
            ("a%41%6a%4A%zz%4", "aAjJ%zz%4", "nothing"),
            (r#"\"\\\/\n\t\u0041\u00e9"#, "nothing", "\"\\/\n\tA\u{e9}"),
            (r"\ud83e\udd80 \u{1f980} \x41 \'", "nothing", "\u{1f980} \u{1f980} A '"),
            (r"\ud83e \q \u12 \u{110000} \", "nothing", "nothing"),
        ] {
            let original = DecodedText::original(text.as_bytes());
            assert_eq!(shown(original.percent_decoded()), percent, "{text}");
            assert_eq!(shown(original.unescaped()), escape, "{text}");
        }
    }

    #[test]
    fn a_place_is_known_through_all_decodings() {
        let original = DecodedText::original(br"ab%255Cu0041c");
        let twice = original.percent_decoded().unwrap().percent_decoded().unwrap();
        assert_eq!(twice.bytes(), br"ab\u0041c");
        let text = twice.unescaped().unwrap();
        assert_eq!(text.bytes(), b"abAc");
        assert_eq!((text.in_original(2..3), text.in_original(0..4)), (2..12, 0..13));
    }
}
