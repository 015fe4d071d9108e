//! The text of JSON across its pieces: white space, brackets, texts, numbers and words.

use std::borrow::Cow;

use super::error::Error;
use crate::http::Cause;

/// How deep values may be nested, as the guest's stack is small. `serde_json` allows one level less.
const MAX_DEPTH: u32 = 128;

/// A text of which only a window is in memory. It does not depend on the type that is read, so its code exists once.
pub(crate) struct Reader<'p> {
    next: &'p mut dyn FnMut() -> Result<Option<Vec<u8>>, Cause>,
    window: Vec<u8>,
    /// The position in the window, and how many bytes came before the window.
    at: usize,
    before: usize,
    depth: u32,
    /// Where in the value the position is, such as `.points[3].time`. An index is added only once there is an error.
    path: String,
}

pub(super) enum Number {
    Signed(i64),
    Unsigned(u64),
    Float(f64),
}

// === impl Reader ===

impl<'p> Reader<'p> {
    pub(super) fn new(next: &'p mut dyn FnMut() -> Result<Option<Vec<u8>>, Cause>) -> Self {
        Self { next, window: Vec::new(), at: 0, before: 0, depth: 0, path: String::new() }
    }

    /// How many bytes of the text have been read.
    pub(super) fn position(&self) -> usize {
        self.before + self.at
    }

    pub(super) fn path(&mut self) -> &mut String {
        &mut self.path
    }

    /// Reads the name of a member of the object whose path has the length, which becomes the end of the path.
    #[inline(never)]
    pub(super) fn name(&mut self, object: usize) -> Result<&str, Error> {
        if self.peek()? != Some(b'"') {
            return Err(Error::mistake("a name in quotes is missing"));
        }
        let mut path = std::mem::take(&mut self.path);
        path.truncate(object);
        path.push('.');
        let read = self.text().map(|name| path.push_str(&name));
        self.path = path;
        read.map(|()| self.path.get(object + 1..).unwrap_or_default())
    }

    /// Moves the window on by one piece, keeping what has not been read yet. Returns false at the end.
    fn more(&mut self) -> Result<bool, Error> {
        let Some(piece) = (self.next)().map_err(Error::Piece)? else { return Ok(false) };
        self.before += self.at;
        if self.at == self.window.len() {
            self.window = piece;
        } else {
            self.window.drain(..self.at);
            self.window.extend_from_slice(&piece);
        }
        self.at = 0;
        Ok(true)
    }

    /// Returns the next byte that is not white space, without consuming it.
    #[inline(never)]
    pub(super) fn peek(&mut self) -> Result<Option<u8>, Error> {
        loop {
            while let Some(byte) = self.window.get(self.at) {
                if !matches!(byte, b' ' | b'\n' | b'\t' | b'\r') {
                    return Ok(Some(*byte));
                }
                self.at += 1;
            }
            if !self.more()? {
                return Ok(None);
            }
        }
    }

    /// Consumes the byte, which must be the next one.
    #[inline(never)]
    pub(super) fn expect(&mut self, byte: u8) -> Result<(), Error> {
        if self.peek()? != Some(byte) {
            return Err(Error::Json(format!("`{}` is missing", char::from(byte))));
        }
        self.at += 1;
        Ok(())
    }

    /// Moves on to the next member or element. Returns false if the closing bracket comes first.
    #[inline(never)]
    pub(super) fn follows(&mut self, close: u8, first: bool) -> Result<bool, Error> {
        if self.peek()? == Some(close) {
            return Ok(false);
        }
        if !first {
            self.expect(b',')?;
        }
        Ok(true)
    }

    #[inline(never)]
    pub(super) fn enter(&mut self, open: u8) -> Result<(), Error> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Error::mistake("nested too deeply"));
        }
        self.expect(open)
    }

    #[inline(never)]
    pub(super) fn leave(&mut self, close: u8) -> Result<(), Error> {
        self.depth -= 1;
        self.expect(close)
    }

    pub(super) fn end(&mut self) -> Result<(), Error> {
        match self.peek()? {
            None => Ok(()),
            Some(_) => Err(Error::mistake("more text behind the value")),
        }
    }

    /// Consumes all bytes of a kind. They stay in the window until something else is read.
    fn run(&mut self, of_a_kind: impl Fn(u8) -> bool) -> Result<&[u8], Error> {
        let mut length = 0;
        loop {
            let rest = self.window.get(self.at + length..).unwrap_or_default();
            let end = rest.iter().position(|byte| !of_a_kind(*byte));
            length += end.unwrap_or(rest.len());
            if end.is_some() || !self.more()? {
                break;
            }
        }
        let start = self.at;
        self.at += length;
        Ok(self.window.get(start..self.at).unwrap_or_default())
    }

    /// Reads a text in quotes.
    #[inline(never)]
    pub(super) fn text(&mut self) -> Result<Cow<'_, str>, Error> {
        let (mut length, mut escapes) = (1, false);
        loop {
            let rest = self.window.get(self.at + length..).unwrap_or_default();
            let stop = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20));
            length += stop.unwrap_or(rest.len());
            match stop.and_then(|stop| rest.get(stop)).copied() {
                Some(b'"') => break,
                // The escaped character may be in the next piece.
                Some(b'\\') => (length, escapes) = (length + 2, true),
                Some(_) => return Err(Error::mistake("a control character within a text")),
                None if !self.more()? => return Err(Error::mistake("the text ends within quotes")),
                None => {}
            }
        }
        let start = self.at;
        self.at += length + 1;
        let quoted = self.window.get(start..self.at).unwrap_or_default();
        if escapes {
            return serde_json::from_slice(quoted)
                .map(Cow::Owned)
                .map_err(|_| Error::mistake("an escape that is not valid"));
        }
        let text = quoted.get(1..length).unwrap_or_default();
        str::from_utf8(text).map(Cow::Borrowed).map_err(|_| Error::mistake("a text that is not UTF-8"))
    }

    #[inline(never)]
    pub(super) fn number(&mut self) -> Result<Number, Error> {
        let number = self.run(|byte| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E'))?;
        // Leading zeros are not JSON; `serde_json` refuses them.
        let whole = match number {
            [b'0', _, ..] | [b'-', b'0', ..] => None,
            _ if number.iter().any(|byte| matches!(byte, b'.' | b'e' | b'E')) => None,
            _ => str::from_utf8(number).ok(),
        };
        if let Some(number) = whole.and_then(|number| number.parse().ok()) {
            return Ok(Number::Signed(number));
        }
        if let Some(number) = whole.and_then(|number| number.parse().ok()) {
            return Ok(Number::Unsigned(number));
        }
        serde_json::from_slice(number)
            .map(Number::Float)
            .map_err(|_| Error::mistake("a number that is not valid"))
    }

    #[inline(never)]
    pub(super) fn word(&mut self, word: &str) -> Result<(), Error> {
        let found = self.run(|byte| byte.is_ascii_alphabetic())?;
        if found == word.as_bytes() { Ok(()) } else { Err(Error::Json(format!("`{word}` is misspelt"))) }
    }
}
