//! What others wrote, such as a component: cut to what is kept of it, and without secrets.

#[cfg(any(test, feature = "fuzz"))]
pub(crate) mod fuzz;
mod scrub;

use std::fmt::{self, Write as _};

pub(crate) use self::scrub::Scrub;

/// How much of a component's words is shown to a person, in bytes: of a fault, a panic, or the message of a health check.
/// A panel shows less, and everything that carries it, such as gRPC's trailers, has room for it.
pub(crate) const MAX_REASON: usize = 8 * 1024;

/// How many names one line of the log lists. Nobody reads more.
pub(crate) const MAX_LISTED: usize = 32;

/// How many bytes of each it shows.
const MAX_LISTED_NAME: usize = 64;

/// Ends a text that was shortened.
pub(crate) const CUT: char = '…';

/// A text that takes no more than its room.
struct Room {
    text: String,
    bytes: usize,
}

/// Cuts at the end of a character, and frees the memory of the rest.
pub(crate) fn cut(mut text: String, bytes: usize) -> String {
    if text.len() > bytes {
        text.truncate(text.floor_char_boundary(bytes));
        text.shrink_to_fit();
    }
    text
}

/// Returns a name as a line of the log lists it.
pub(crate) fn listed(name: &str) -> String {
    name.get(..name.floor_char_boundary(MAX_LISTED_NAME)).unwrap_or_default().to_owned()
}

/// Cuts a text for people: it ends with `…` if anything is missing, and has at most `bytes` with that.
pub(crate) fn shorten(text: String, bytes: usize) -> String {
    if text.len() <= bytes { text } else { unfinished(text, bytes) }
}

/// Marks a text as the beginning of a longer one. It has at most `bytes` with the mark.
pub(crate) fn unfinished(text: String, bytes: usize) -> String {
    let mut text = cut(text, bytes.saturating_sub(CUT.len_utf8()));
    text.push(CUT);
    text
}

/// Writes the beginning of what may be very long. What is beyond `bytes` is not even formatted.
pub(crate) fn written(what: fmt::Arguments<'_>, bytes: usize) -> String {
    let mut room = Room { text: String::new(), bytes };
    if room.write_fmt(what).is_err() { unfinished(room.text, bytes) } else { room.text }
}

// === impl Room ===

impl fmt::Write for Room {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        if self.text.len() + more.len() <= self.bytes {
            self.text.push_str(more);
            return Ok(());
        }
        let end = more.floor_char_boundary(self.bytes - self.text.len());
        self.text.push_str(more.get(..end).unwrap_or_default());
        Err(fmt::Error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(cut("aé".to_owned(), 3), "aé");
        assert_eq!(cut("aé".to_owned(), 2), "a");
        assert_eq!(cut("é".to_owned(), 1), "");
        assert_eq!(cut("é".repeat(1000), 10).capacity(), 10, "the rest is freed");
    }

    #[test]
    fn a_shortened_text_shows_that_it_is() {
        assert_eq!(shorten("12345".to_owned(), 5), "12345");
        assert_eq!(shorten("123456".to_owned(), 5), "12…");
        assert_eq!(shorten("ééé".to_owned(), 5), "é…");
    }

    #[test]
    fn no_more_is_written_than_there_is_room_for() {
        assert_eq!(written(format_args!("{}{}", 12, "345"), 5), "12345");
        assert_eq!(written(format_args!("{}{}", 12, "3456"), 5), "12…");
        assert_eq!(written(format_args!("{}{}", 12, "é".repeat(1000)), 6), "12…");
    }
}
