//! The text of JSON across its pieces: white space, brackets, texts, numbers and words.

use std::borrow::Cow;
use std::ops::Range;

use super::error::Error;
use super::scan::{self, Number};
use super::words;
use crate::http::Cause;

/// How deep values may be nested, as the guest's stack is small. `serde_json` allows one level less.
const MAX_DEPTH: u32 = 128;

/// How much of the next piece is put behind what is left of one, in bytes.
const AHEAD: usize = 256;

/// How much of the path to an error is shown, in bytes. The names of a map are data, which may be long.
const MAX_PATH: usize = 256;

/// A text of which only a window is in memory. It does not depend on the type that is read, so its code exists once.
pub(crate) struct Reader<'p> {
    next: &'p mut dyn FnMut() -> Result<Option<Vec<u8>>, Cause>,
    window: Vec<u8>,
    /// The position in the window, and how many bytes came before the window.
    at: usize,
    before: usize,
    /// The piece that follows, and how many bytes of it are at the end of the window already.
    ahead: Option<(Vec<u8>, usize)>,
    depth: u32,
    /// The name that is being read of each object that is open, from the outside to the inside.
    names: Vec<Name>,
    /// Where an error is, such as `.points[3].time`. Nothing is written before there is one.
    path: String,
}

/// The name of a member, in its quotes. It is copied only when the window moves on.
enum Name {
    None,
    InWindow(Range<usize>),
    Kept(Vec<u8>),
}

// === impl Reader ===

impl<'p> Reader<'p> {
    pub(super) fn new(next: &'p mut dyn FnMut() -> Result<Option<Vec<u8>>, Cause>) -> Self {
        Self {
            next,
            window: Vec::new(),
            at: 0,
            before: 0,
            ahead: None,
            depth: 0,
            names: Vec::new(),
            path: String::new(),
        }
    }

    /// How many bytes of the text have been read.
    pub(super) fn position(&self) -> usize {
        self.before + self.at
    }

    /// Returns where the error is.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// Returns how many objects are open.
    pub(super) fn open_objects(&self) -> usize {
        self.names.len()
    }

    /// Notes that the error is in an element of an array.
    #[cold]
    pub(super) fn failed_in_element(&mut self, index: usize) {
        self.failed_in(&format!("[{index}]"));
    }

    /// Notes that the error is in the member that is being read of one of the open objects, which are counted from 1.
    #[cold]
    pub(super) fn failed_in_member(&mut self, object: usize) {
        let quoted = match object.checked_sub(1).and_then(|index| self.names.get(index)) {
            Some(Name::InWindow(range)) => self.window.get(range.clone()).unwrap_or_default(),
            Some(Name::Kept(name)) => name,
            Some(Name::None) | None => return,
        };
        let name: String = serde_json::from_slice(quoted).unwrap_or_default();
        self.failed_in(&format!(".{}", words::name(&name)));
    }

    fn failed_in(&mut self, part: &str) {
        if self.path.len() < MAX_PATH {
            self.path.insert_str(0, part);
        } else if !self.path.starts_with(words::CUT) {
            self.path.insert_str(0, words::CUT);
        }
    }

    /// Reads the name of a member of the innermost object.
    #[inline(never)]
    pub(super) fn name(&mut self) -> Result<Cow<'_, str>, Error> {
        if self.peek()? != Some(b'"') {
            return Err(Error::mistake("a name in quotes is missing"));
        }
        let (quoted, escapes) = self.quoted()?;
        if let Some(name) = self.names.last_mut() {
            *name = Name::InWindow(quoted.clone());
        }
        self.unquoted(quoted, escapes)
    }

    /// Moves the window on, keeping what has not been read yet. Returns false at the end.
    fn more(&mut self) -> Result<bool, Error> {
        let left = self.window.len() - self.at;
        let (mut piece, seen) = match self.ahead.take() {
            Some(ahead) => ahead,
            None => match (self.next)().map_err(Error::Piece)? {
                Some(piece) => (piece, 0),
                None => return Ok(false),
            },
        };
        for name in &mut self.names {
            if let Name::InWindow(range) = name {
                *name = Name::Kept(self.window.get(range.clone()).unwrap_or_default().to_vec());
            }
        }
        let position = self.position();
        if left <= seen {
            // All that is left is in the piece, too.
            self.at = seen - left;
            std::mem::swap(&mut self.window, &mut piece);
        } else {
            // Only a little more is copied, in the hope that whatever has begun ends there.
            let end = piece.len().min(seen + AHEAD);
            self.window.drain(..self.at);
            self.window.extend_from_slice(piece.get(seen..end).unwrap_or_default());
            self.at = 0;
            self.ahead = (end < piece.len()).then_some((piece, end));
        }
        self.before = position - self.at;
        Ok(true)
    }

    /// Returns the next byte that is not white space, without consuming it.
    #[inline]
    pub(super) fn peek(&mut self) -> Result<Option<u8>, Error> {
        match self.window.get(self.at) {
            Some(byte) if *byte > b' ' => Ok(Some(*byte)),
            _ => self.peek_further(),
        }
    }

    #[inline(never)]
    fn peek_further(&mut self) -> Result<Option<u8>, Error> {
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
    #[inline]
    pub(super) fn expect(&mut self, byte: u8) -> Result<(), Error> {
        if self.window.get(self.at) != Some(&byte) {
            self.expect_further(byte)?;
        }
        self.at += 1;
        Ok(())
    }

    #[inline(never)]
    fn expect_further(&mut self, byte: u8) -> Result<(), Error> {
        if self.peek()? == Some(byte) {
            return Ok(());
        }
        Err(Error::Json(format!("`{}` is missing", char::from(byte))))
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
        if open == b'{' {
            self.names.push(Name::None);
        }
        self.expect(open)
    }

    #[inline(never)]
    pub(super) fn leave(&mut self, close: u8) -> Result<(), Error> {
        self.depth -= 1;
        if close == b'}' {
            self.names.pop();
        }
        self.expect(close)
    }

    pub(super) fn end(&mut self) -> Result<(), Error> {
        match self.peek()? {
            None => Ok(()),
            Some(_) => Err(Error::mistake("more input after the value")),
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

    /// Reads a string.
    #[inline(never)]
    pub(super) fn text(&mut self) -> Result<Cow<'_, str>, Error> {
        let (quoted, escapes) = self.quoted()?;
        self.unquoted(quoted, escapes)
    }

    /// Reads a string that need not be UTF-8.
    #[inline(never)]
    pub(super) fn bytes(&mut self) -> Result<Cow<'_, [u8]>, Error> {
        let (quoted, escapes) = self.quoted()?;
        if escapes {
            return self.unquoted(quoted, escapes).map(|text| Cow::Owned(text.into_owned().into_bytes()));
        }
        Ok(Cow::Borrowed(self.window.get(quoted.start + 1..quoted.end - 1).unwrap_or_default()))
    }

    /// Consumes a string. Returns where it is in the window, with its quotes, and whether it has escapes.
    fn quoted(&mut self) -> Result<(Range<usize>, bool), Error> {
        let (mut length, mut escapes) = (1, false);
        loop {
            let rest = self.window.get(self.at + length..).unwrap_or_default();
            let stop = scan::end_of_plain_text(rest);
            length += stop.unwrap_or(rest.len());
            match stop.and_then(|stop| rest.get(stop)).copied() {
                Some(b'"') => break,
                // The escaped character may be in the next piece.
                Some(b'\\') => (length, escapes) = (length + 2, true),
                Some(_) => return Err(Error::mistake("a control character inside a string")),
                None if !self.more()? => return Err(Error::mistake("the input ends inside a string")),
                None => {}
            }
        }
        let start = self.at;
        self.at += length + 1;
        Ok((start..self.at, escapes))
    }

    fn unquoted(&self, quoted: Range<usize>, escapes: bool) -> Result<Cow<'_, str>, Error> {
        let quoted = self.window.get(quoted).unwrap_or_default();
        if escapes {
            return serde_json::from_slice(quoted)
                .map(Cow::Owned)
                .map_err(|_| Error::mistake("an invalid escape"));
        }
        let text = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default();
        str::from_utf8(text).map(Cow::Borrowed).map_err(|_| Error::mistake("a string that is not UTF-8"))
    }

    #[inline(never)]
    pub(super) fn number(&mut self) -> Result<Number, Error> {
        let rest = self.window.get(self.at..).unwrap_or_default();
        if let Some((number, length)) = scan::short_number(rest) {
            self.at += length;
            return Ok(number);
        }
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
        serde_json::from_slice(number).map(Number::Float).map_err(|_| Error::mistake("an invalid number"))
    }

    #[inline(never)]
    pub(super) fn word(&mut self, word: &str) -> Result<(), Error> {
        let found = self.run(|byte| byte.is_ascii_alphabetic())?;
        if found == word.as_bytes() { Ok(()) } else { Err(Error::Json(format!("`{word}` is misspelt"))) }
    }
}
