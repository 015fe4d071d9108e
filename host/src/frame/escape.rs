//! JSON text as Go's encoders write it: characters that have a meaning in HTML are escaped, and so are the two line
//! separators that JavaScript once did not allow in strings.

/// Appends `text`, which is UTF-8, as a JSON string.
pub(super) fn string(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    write_text(out, text);
    out.push(b'"');
}

/// Appends the content of a JSON string, without the quotes. `text` is UTF-8 that may be cut between characters.
pub(super) fn write_text(out: &mut Vec<u8>, text: &[u8]) {
    write(out, text, |byte| byte < 0x20 || matches!(byte, b'"' | b'\\') || is_html(byte));
}

/// Appends a JSON document, which may be cut between characters. What is escaped here occurs only within strings, so
/// the document keeps its meaning.
pub(super) fn write_document(out: &mut Vec<u8>, json: &[u8]) {
    write(out, json, is_html);
}

/// 0xE2 begins U+2028 and U+2029, as well as other characters, which `character` copies.
fn is_html(byte: u8) -> bool {
    matches!(byte, b'<' | b'>' | b'&' | 0xE2)
}

/// Copies everything between special bytes at once.
fn write(out: &mut Vec<u8>, text: &[u8], special: impl Fn(u8) -> bool) {
    let mut rest = text;
    while let Some((run, tail)) =
        rest.iter().position(|&byte| special(byte)).and_then(|at| rest.split_at_checked(at))
    {
        out.extend_from_slice(run);
        rest = character(out, tail);
    }
    out.extend_from_slice(rest);
}

/// Appends the first character, escaped if need be, and returns what follows it.
fn character<'a>(out: &mut Vec<u8>, text: &'a [u8]) -> &'a [u8] {
    match text {
        [] => text,
        [0xE2, 0x80, 0xA8, rest @ ..] => {
            out.extend_from_slice(br"\u2028");
            rest
        }
        [0xE2, 0x80, 0xA9, rest @ ..] => {
            out.extend_from_slice(br"\u2029");
            rest
        }
        [byte, rest @ ..] => {
            match byte {
                b'"' => out.extend_from_slice(br#"\""#),
                b'\\' => out.extend_from_slice(br"\\"),
                b'\n' => out.extend_from_slice(br"\n"),
                b'\r' => out.extend_from_slice(br"\r"),
                b'\t' => out.extend_from_slice(br"\t"),
                0..0x20 | b'<' | b'>' | b'&' => {
                    out.extend_from_slice(br"\u00");
                    out.extend([byte >> 4, byte & 0xF].map(hex));
                }
                _ => out.push(*byte),
            }
            rest
        }
    }
}

fn hex(digit: u8) -> u8 {
    if digit < 10 { b'0' + digit } else { b'a' + digit - 10 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings() {
        for (text, expected) in [
            ("", r#""""#),
            ("plain text", r#""plain text""#),
            ("a\"b\\c", r#""a\"b\\c""#),
            ("\n\r\t\0\u{1f}\u{7f}", "\"\\n\\r\\t\\u0000\\u001f\u{7f}\""),
            ("<b>&", r#""\u003cb\u003e\u0026""#),
            ("\u{2028}\u{2029}", r#""\u2028\u2029""#),
            ("€ and ❤ keep their bytes", "\"€ and ❤ keep their bytes\""),
        ] {
            let mut out = Vec::new();
            string(&mut out, text.as_bytes());
            assert_eq!(String::from_utf8(out.clone()).unwrap(), expected);
            assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
        }
    }

    #[test]
    fn a_document_keeps_its_meaning() {
        let json = "{\"<a>\": \"\\\"&\u{2028}€\",\n\"b\": [1]}";
        let mut out = Vec::new();
        write_document(&mut out, json.as_bytes());
        assert_eq!(
            String::from_utf8(out.clone()).unwrap(),
            "{\"\\u003ca\\u003e\": \"\\\"\\u0026\\u2028€\",\n\"b\": [1]}"
        );
        let value = |json: &[u8]| serde_json::from_slice::<serde_json::Value>(json).unwrap();
        assert_eq!(value(&out), value(json.as_bytes()));
    }
}
