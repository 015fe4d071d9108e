//! JSON that is read as it comes, piece by piece. `serde_json` reads a stream byte by byte and takes three times as long
//! for it as for a slice; here a piece is a slice. All that a component reads goes through here, so that it holds one
//! reader.

use std::borrow::Cow;
use std::fmt::{self, Display};

use serde::de::{self, DeserializeOwned, Deserializer, Expected, IntoDeserializer, Unexpected, Visitor};

use crate::http::Cause;

mod access;

use access::{Elements, Members, OneMember};

/// How deep values may be nested, as the guest's stack is short. `serde_json` allows one level less.
const MAX_DEPTH: u32 = 128;

/// Why reading failed.
#[derive(Debug)]
pub(crate) enum Error {
    /// The next piece could not be had.
    Piece(Cause),
    /// The text is not JSON, or not the JSON that was expected.
    Json(String),
}

/// A text of which only a window is in memory. It knows nothing of the type that is read, so that its code is there once.
pub(crate) struct Reader<'p> {
    next: &'p mut dyn FnMut() -> Result<Option<Vec<u8>>, Cause>,
    window: Vec<u8>,
    /// Where reading stands in the window, and how much went before it.
    at: usize,
    before: usize,
    depth: u32,
}

enum Number {
    Signed(i64),
    Unsigned(u64),
    Float(f64),
}

/// Reads a value that is in memory.
pub(crate) fn from_slice<T: DeserializeOwned>(text: &[u8]) -> Result<T, Error> {
    let mut text = Some(text.to_vec());
    from_pieces(&mut || Ok(text.take()))
}

/// Reads a value of pieces that `next` hands out until it has none.
pub(crate) fn from_pieces<T: DeserializeOwned>(
    next: &mut dyn FnMut() -> Result<Option<Vec<u8>>, Cause>,
) -> Result<T, Error> {
    let mut reader = Reader { next, window: Vec::new(), at: 0, before: 0, depth: 0 };
    T::deserialize(&mut reader)
        .and_then(|value| reader.end().map(|()| value))
        .map_err(|error| error.at(reader.before + reader.at))
}

// === impl Reader ===

impl Reader<'_> {
    /// Moves the window on by a piece, keeping what is not read yet. False: there is no more.
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

    /// The next byte that is no white space. It stays the next one.
    #[inline(never)]
    fn peek(&mut self) -> Result<Option<u8>, Error> {
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

    /// Goes past the byte, which must be the next one.
    #[inline(never)]
    fn expect(&mut self, byte: u8) -> Result<(), Error> {
        if self.peek()? != Some(byte) {
            return Err(Error::Json(format!("`{}` is missing", char::from(byte))));
        }
        self.at += 1;
        Ok(())
    }

    /// Goes to the next member or element. False: there is none before the closing bracket.
    #[inline(never)]
    fn follows(&mut self, close: u8, first: bool) -> Result<bool, Error> {
        if self.peek()? == Some(close) {
            return Ok(false);
        }
        if !first {
            self.expect(b',')?;
        }
        Ok(true)
    }

    #[inline(never)]
    fn enter(&mut self, open: u8) -> Result<(), Error> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(mistake("nested too deeply"));
        }
        self.expect(open)
    }

    #[inline(never)]
    fn leave(&mut self, close: u8) -> Result<(), Error> {
        self.depth -= 1;
        self.expect(close)
    }

    fn end(&mut self) -> Result<(), Error> {
        match self.peek()? {
            None => Ok(()),
            Some(_) => Err(mistake("more text behind the value")),
        }
    }

    /// Goes past all bytes of a kind. The window holds them as long as nothing else is read.
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

    /// A text in quotes.
    #[inline(never)]
    fn text(&mut self) -> Result<Cow<'_, str>, Error> {
        let (mut length, mut escapes) = (1, false);
        loop {
            let rest = self.window.get(self.at + length..).unwrap_or_default();
            let stop = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20));
            length += stop.unwrap_or(rest.len());
            match stop.and_then(|stop| rest.get(stop)).copied() {
                Some(b'"') => break,
                // What is escaped may be in the next piece.
                Some(b'\\') => (length, escapes) = (length + 2, true),
                Some(_) => return Err(mistake("a control character within a text")),
                None if !self.more()? => return Err(mistake("the text ends within quotes")),
                None => {}
            }
        }
        let start = self.at;
        self.at += length + 1;
        let quoted = self.window.get(start..self.at).unwrap_or_default();
        if escapes {
            return serde_json::from_slice(quoted)
                .map(Cow::Owned)
                .map_err(|_| mistake("an escape that is not valid"));
        }
        let text = quoted.get(1..length).unwrap_or_default();
        str::from_utf8(text).map(Cow::Borrowed).map_err(|_| mistake("a text that is not UTF-8"))
    }

    #[inline(never)]
    fn number(&mut self) -> Result<Number, Error> {
        let number = self.run(|byte| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E'))?;
        // Zeros in front are not JSON; `serde_json` says so.
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
        serde_json::from_slice(number).map(Number::Float).map_err(|_| mistake("a number that is not valid"))
    }

    #[inline(never)]
    fn word(&mut self, word: &str) -> Result<(), Error> {
        let found = self.run(|byte| byte.is_ascii_alphabetic())?;
        if found == word.as_bytes() { Ok(()) } else { Err(Error::Json(format!("`{word}` is misspelt"))) }
    }
}

impl<'de> Deserializer<'de> for &mut Reader<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.peek()? {
            Some(b'{') => {
                self.enter(b'{')?;
                let value = visitor.visit_map(Members::new(self))?;
                self.leave(b'}').map(|()| value)
            }
            Some(b'[') => {
                self.enter(b'[')?;
                let value = visitor.visit_seq(Elements::new(self))?;
                self.leave(b']').map(|()| value)
            }
            Some(b'"') => visitor.visit_str(&self.text()?),
            Some(b'-' | b'0'..=b'9') => match self.number()? {
                Number::Signed(number) => visitor.visit_i64(number),
                Number::Unsigned(number) => visitor.visit_u64(number),
                Number::Float(number) => visitor.visit_f64(number),
            },
            Some(b't') => self.word("true").and_then(|()| visitor.visit_bool(true)),
            Some(b'f') => self.word("false").and_then(|()| visitor.visit_bool(false)),
            Some(b'n') => self.word("null").and_then(|()| visitor.visit_unit()),
            Some(_) => Err(mistake("a value is missing")),
            None => Err(mistake("the text ends before the value does")),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.peek()? {
            Some(b'n') => self.word("null").and_then(|()| visitor.visit_none()),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        if self.peek()? == Some(b'"') {
            return visitor.visit_enum(self.text()?.into_deserializer());
        }
        self.enter(b'{')?;
        let value = visitor.visit_enum(OneMember(self))?;
        self.leave(b'}').map(|()| value)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier ignored_any
    }
}

fn mistake(what: &str) -> Error {
    Error::Json(what.to_owned())
}

// === impl Error ===

impl Error {
    fn at(self, byte: usize) -> Self {
        match self {
            Self::Json(what) => Self::Json(format!("{what} at byte {byte}")),
            Self::Piece(cause) => Self::Piece(cause),
        }
    }
}

impl Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Piece(cause) => cause.fmt(f),
            Self::Json(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for Error {}

impl de::Error for Error {
    fn custom<T: Display>(what: T) -> Self {
        Self::Json(what.to_string())
    }

    /// Names the kind of what is there and not its value, which may be anyone's data.
    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let found = match found {
            Unexpected::Bool(_) => "true or false",
            Unexpected::Unsigned(_) | Unexpected::Signed(_) => "a whole number",
            Unexpected::Float(_) => "a number with a fraction",
            Unexpected::Str(_) => "a text",
            Unexpected::Unit | Unexpected::Option => "null",
            Unexpected::Seq => "an array",
            Unexpected::Map => "an object",
            _ => "something else",
        };
        Self::Json(format!("{found} where {expected} was expected"))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(found, expected)
    }
}

#[cfg(test)]
mod tests;
