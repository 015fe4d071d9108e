//! Checks whether a text is JSON (RFC 8259), reading it piece by piece. `serde_json` reads a document in one go, and
//! would occupy the thread for a hundred milliseconds or more if the document has a hundred megabytes.

use std::fmt;

use super::pace::{PIECE, Pace};
use nesting::{Nesting, Opened};

mod nesting;
#[cfg(test)]
mod tests;

/// Reads one document.
#[derive(Default)]
pub(super) struct Grammar {
    next: Next,
    open: Nesting,
    /// How many bytes have been read.
    read: usize,
    /// Whether the string that is being read is a key.
    in_key: bool,
    /// The rest of the word that is being read.
    word: &'static [u8],
    /// How many digits are left of the escape that is being read.
    hex_digits: u8,
}

/// Where a text stops being JSON.
#[derive(Debug, PartialEq)]
pub(super) struct Unexpected {
    at: usize,
    next: Next,
}

/// What may come next.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Next {
    #[default]
    Value,
    ValueOrEnd,
    Key,
    KeyOrEnd,
    Colon,
    /// A comma, or the end of what is open.
    Separator,
    /// The rest of a string.
    Text,
    Escape,
    HexDigit,
    /// The rest of `true`, `false` or `null`.
    Word,
    /// After a minus.
    Integer,
    /// After a leading zero.
    PointOrExponent,
    /// More digits before the point.
    Digits,
    /// The first digit after the point.
    Fraction,
    FractionDigits,
    /// A sign or the first digit of an exponent.
    Exponent,
    ExponentDigit,
    ExponentDigits,
    /// Nothing but white space.
    End,
}

// === impl Grammar ===

impl Grammar {
    /// Reads a whole document. The grammar can then read another one.
    pub(super) async fn read_all(&mut self, json: &[u8], pace: &mut Pace) -> Result<(), Unexpected> {
        for piece in json.chunks(PIECE) {
            self.read(piece)?;
            pace.spend(piece.len()).await;
        }
        self.end()
    }

    /// Returns how deep objects and arrays were nested in all documents read so far.
    pub(super) fn deepest(&self) -> usize {
        self.open.deepest
    }

    /// Reads the next piece of the document; it may be cut anywhere.
    fn read(&mut self, piece: &[u8]) -> Result<(), Unexpected> {
        let mut rest = piece;
        while let [byte, tail @ ..] = rest {
            if self.next == Next::Text {
                // This covers nearly all of most documents.
                let plain = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20));
                let plain = plain.unwrap_or(rest.len());
                if plain > 0 {
                    rest = rest.get(plain..).unwrap_or_default();
                    continue;
                }
            }
            match self.after(*byte) {
                Some(next) => self.next = next,
                None => {
                    return Err(Unexpected { at: self.read + piece.len() - rest.len(), next: self.next });
                }
            }
            rest = tail;
        }
        self.read += piece.len();
        Ok(())
    }

    /// Ends the document.
    fn end(&mut self) -> Result<(), Unexpected> {
        let next = if self.next.ends_number() { self.after_value() } else { self.next };
        if next != Next::End {
            return Err(Unexpected { at: self.read, next });
        }
        self.next = Next::Value;
        self.read = 0;
        Ok(())
    }

    /// Returns what may come after `byte`, or `None` if `byte` itself may not come.
    fn after(&mut self, byte: u8) -> Option<Next> {
        Some(match self.next {
            Next::Value => self.begin_value(byte)?,
            Next::ValueOrEnd => match byte {
                b']' => self.close(Opened::Array)?,
                _ => self.begin_value(byte)?,
            },
            Next::Key | Next::KeyOrEnd => match byte {
                b' ' | b'\t' | b'\n' | b'\r' => self.next,
                b'"' => self.text(true),
                b'}' if self.next == Next::KeyOrEnd => self.close(Opened::Object)?,
                _ => return None,
            },
            Next::Colon => match byte {
                b' ' | b'\t' | b'\n' | b'\r' => Next::Colon,
                b':' => Next::Value,
                _ => return None,
            },
            Next::Separator => match byte {
                b' ' | b'\t' | b'\n' | b'\r' => Next::Separator,
                b',' if self.open.last() == Some(Opened::Object) => Next::Key,
                b',' => Next::Value,
                b'}' => self.close(Opened::Object)?,
                b']' => self.close(Opened::Array)?,
                _ => return None,
            },
            Next::Text => match byte {
                b'"' if self.in_key => Next::Colon,
                b'"' => self.after_value(),
                b'\\' => Next::Escape,
                0x20.. => Next::Text,
                _ => return None,
            },
            Next::Escape => match byte {
                b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Next::Text,
                b'u' => {
                    self.hex_digits = 4;
                    Next::HexDigit
                }
                _ => return None,
            },
            Next::HexDigit if byte.is_ascii_hexdigit() => {
                self.hex_digits -= 1;
                if self.hex_digits == 0 { Next::Text } else { Next::HexDigit }
            }
            Next::HexDigit => return None,
            Next::Word => {
                self.word = self.word.strip_prefix(&[byte])?;
                if self.word.is_empty() { self.after_value() } else { Next::Word }
            }
            Next::Integer => match byte {
                b'0' => Next::PointOrExponent,
                b'1'..=b'9' => Next::Digits,
                _ => return None,
            },
            Next::PointOrExponent => match byte {
                b'.' => Next::Fraction,
                b'e' | b'E' => Next::Exponent,
                _ => self.after_number(byte)?,
            },
            Next::Digits => match byte {
                b'0'..=b'9' => Next::Digits,
                b'.' => Next::Fraction,
                b'e' | b'E' => Next::Exponent,
                _ => self.after_number(byte)?,
            },
            Next::Fraction => match byte {
                b'0'..=b'9' => Next::FractionDigits,
                _ => return None,
            },
            Next::FractionDigits => match byte {
                b'0'..=b'9' => Next::FractionDigits,
                b'e' | b'E' => Next::Exponent,
                _ => self.after_number(byte)?,
            },
            Next::Exponent => match byte {
                b'+' | b'-' => Next::ExponentDigit,
                b'0'..=b'9' => Next::ExponentDigits,
                _ => return None,
            },
            Next::ExponentDigit => match byte {
                b'0'..=b'9' => Next::ExponentDigits,
                _ => return None,
            },
            Next::ExponentDigits => match byte {
                b'0'..=b'9' => Next::ExponentDigits,
                _ => self.after_number(byte)?,
            },
            Next::End => match byte {
                b' ' | b'\t' | b'\n' | b'\r' => Next::End,
                _ => return None,
            },
        })
    }

    fn begin_value(&mut self, byte: u8) -> Option<Next> {
        Some(match byte {
            b' ' | b'\t' | b'\n' | b'\r' => self.next,
            b'"' => self.text(false),
            b'{' => self.open(Opened::Object, Next::KeyOrEnd),
            b'[' => self.open(Opened::Array, Next::ValueOrEnd),
            b't' => self.word(b"rue"),
            b'f' => self.word(b"alse"),
            b'n' => self.word(b"ull"),
            b'-' => Next::Integer,
            b'0' => Next::PointOrExponent,
            b'1'..=b'9' => Next::Digits,
            _ => return None,
        })
    }

    /// A number does not mark its own end: `byte` belongs to what follows it.
    fn after_number(&mut self, byte: u8) -> Option<Next> {
        self.next = self.after_value();
        self.after(byte)
    }

    fn word(&mut self, rest: &'static [u8]) -> Next {
        self.word = rest;
        Next::Word
    }

    fn text(&mut self, is_key: bool) -> Next {
        self.in_key = is_key;
        Next::Text
    }

    fn open(&mut self, opened: Opened, next: Next) -> Next {
        self.open.push(opened);
        next
    }

    fn close(&mut self, opened: Opened) -> Option<Next> {
        if self.open.last()? != opened {
            return None;
        }
        self.open.pop();
        Some(self.after_value())
    }

    fn after_value(&self) -> Next {
        if self.open.last().is_none() { Next::End } else { Next::Separator }
    }
}

// === impl Next ===

impl Next {
    /// Returns whether a number that was read so far may end here.
    fn ends_number(self) -> bool {
        matches!(self, Next::PointOrExponent | Next::Digits | Next::FractionDigits | Next::ExponentDigits)
    }
}

// === impl Unexpected ===

impl fmt::Display for Unexpected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let expected = match self.next {
            Next::Value => "a value",
            Next::ValueOrEnd => "a value or the end of the array",
            Next::Key => "a key in quotes",
            Next::KeyOrEnd => "a key in quotes or the end of the object",
            Next::Colon => "a colon",
            Next::Separator => "a comma or a closing bracket",
            Next::Text => "the rest of a string",
            Next::Escape | Next::HexDigit => "the rest of an escape",
            Next::Word => "true, false or null",
            Next::Integer | Next::Fraction | Next::Exponent | Next::ExponentDigit => "a digit",
            Next::PointOrExponent | Next::Digits | Next::FractionDigits | Next::ExponentDigits => {
                "the rest of a number"
            }
            Next::End => "nothing more",
        };
        write!(f, "expected {expected} at byte {}", self.at)
    }
}
