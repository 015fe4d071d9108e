//! The beginning of a body, for an error that must say what came instead of what was expected.

use std::fmt::Write as _;

/// How much of a body an error shows.
pub(super) const SHOWN: usize = 512;

/// How long a content type may be that an error shows.
const SHOWN_TYPE: usize = 128;

/// Describes a body: its content type and how it begins. `whole` says whether `start` is all of it.
pub(super) fn describe(content_type: Option<&str>, start: &[u8], whole: bool) -> String {
    let kind = match content_type {
        None => "no content type",
        Some(kind) if kind.len() <= SHOWN_TYPE => kind,
        Some(_) => "a long content type",
    };
    if start.is_empty() {
        return format!("{kind}, empty");
    }
    let (start, whole) = match start.get(..SHOWN) {
        Some(shown) if start.len() > SHOWN => (shown, false),
        _ => (start, whole),
    };
    let text = String::from_utf8_lossy(if whole { start } else { whole_words(start) });
    let line = in_one_line(text.trim());
    if whole { format!("{kind}: {line}") } else { format!("{kind}: {line} …") }
}

/// Escapes what would begin another line. Blanks stay as they are: the host would not recognize a secret with others.
fn in_one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() {
            let _ = write!(line, "{}", character.escape_default());
        } else {
            line.push(character);
        }
    }
    line
}

/// Cuts off the last word: it may be a part of a secret, which the host would recognize only as a whole.
fn whole_words(text: &[u8]) -> &[u8] {
    let end = text.iter().rposition(|byte| byte.is_ascii_whitespace() || b"\"<>".contains(byte));
    text.get(..end.unwrap_or_default()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_body_is_shown_in_one_line() {
        let text = describe(Some("text/html"), b"<html>\n\t<b>Log  in</b>\0</html>\n", true);
        assert_eq!(text, r"text/html: <html>\n\t<b>Log  in</b>\u{0}</html>");
        assert_eq!(describe(None, b"", true), "no content type, empty");
    }

    #[test]
    fn a_content_type_is_shown_whole_or_not_at_all() {
        let shown = |length| describe(Some(&"x".repeat(length)), b"", true);
        assert_eq!(shown(SHOWN_TYPE), format!("{}, empty", "x".repeat(SHOWN_TYPE)));
        assert_eq!(shown(SHOWN_TYPE + 1), "a long content type, empty");
    }

    #[test]
    fn a_word_is_shown_whole_or_not_at_all() {
        let body = [b"denied: ".repeat(60), b"token-that-must-not-be-cut-in-two-".repeat(4)].concat();
        for end in 480..body.len() {
            let text = describe(Some("text/plain"), body.get(..end).unwrap(), false);
            assert!(!text.contains("token") && text.ends_with("denied: …"), "{end}: {text}");
        }
        let endless = describe(None, &[b'x'; 600], true);
        assert_eq!(endless, "no content type:  …");
    }
}
