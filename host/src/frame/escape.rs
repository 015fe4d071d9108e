//! JSON strings as Go's encoders write them. Most escape characters that have a meaning in HTML, and the two line
//! separators that JavaScript once did not allow in strings.

/// Which of Go's encoders is followed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Style {
    /// jsoniter's, where it escapes nothing for HTML: the names and labels of a JSON frame.
    Plain,
    /// jsoniter's everywhere else.
    Html,
    /// That of `encoding/json`, which writes the JSON texts in Arrow's metadata.
    Standard,
}

/// Appends `text`, which is UTF-8, as a JSON string.
pub(super) fn string(out: &mut Vec<u8>, text: &[u8], style: Style) {
    out.push(b'"');
    write_text(out, text, style);
    out.push(b'"');
}

/// Appends the content of a JSON string, without the quotes. `text` is UTF-8 that may be cut between characters.
pub(super) fn write_text(out: &mut Vec<u8>, text: &[u8], style: Style) {
    match style {
        Style::Plain => write(out, text, style, is_reserved),
        Style::Html | Style::Standard => write(out, text, style, |byte| is_reserved(byte) || is_html(byte)),
    }
}

/// What JSON itself does not allow in a string.
fn is_reserved(byte: u8) -> bool {
    byte < 0x20 || matches!(byte, b'"' | b'\\')
}

/// 0xE2 begins U+2028 and U+2029, as well as other characters, which `character` copies.
fn is_html(byte: u8) -> bool {
    matches!(byte, b'<' | b'>' | b'&' | 0xE2)
}

/// Copies everything between special bytes at once.
fn write(out: &mut Vec<u8>, text: &[u8], style: Style, special: impl Fn(u8) -> bool) {
    let mut rest = text;
    while let Some((run, tail)) =
        rest.iter().position(|&byte| special(byte)).and_then(|at| rest.split_at_checked(at))
    {
        out.extend_from_slice(run);
        rest = character(out, tail, style);
    }
    out.extend_from_slice(rest);
}

/// Appends the first character, escaped if need be, and returns what follows it.
fn character<'a>(out: &mut Vec<u8>, text: &'a [u8], style: Style) -> &'a [u8] {
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
                0x08 if style == Style::Standard => out.extend_from_slice(br"\b"),
                0x0C if style == Style::Standard => out.extend_from_slice(br"\f"),
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
        for (text, plain, html) in [
            ("", r#""""#, r#""""#),
            ("plain text", r#""plain text""#, r#""plain text""#),
            ("a\"b\\c", r#""a\"b\\c""#, r#""a\"b\\c""#),
            (
                "\n\r\t\0\u{1f}\u{7f}",
                "\"\\n\\r\\t\\u0000\\u001f\u{7f}\"",
                "\"\\n\\r\\t\\u0000\\u001f\u{7f}\"",
            ),
            ("\u{8}\u{c}", r#""\u0008\u000c""#, r#""\u0008\u000c""#),
            ("<b>&", r#""<b>&""#, r#""\u003cb\u003e\u0026""#),
            ("\u{2028}\u{2029}", "\"\u{2028}\u{2029}\"", r#""\u2028\u2029""#),
            ("€ and ❤ keep their bytes", "\"€ and ❤ keep their bytes\"", "\"€ and ❤ keep their bytes\""),
        ] {
            let standard = html.replace(r"\u0008\u000c", r"\b\f");
            for (style, expected) in
                [(Style::Plain, plain), (Style::Html, html), (Style::Standard, standard.as_str())]
            {
                let mut out = Vec::new();
                string(&mut out, text.as_bytes(), style);
                assert_eq!(String::from_utf8(out.clone()).unwrap(), expected);
                assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
            }
        }
    }
}
