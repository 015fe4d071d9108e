//! JSON that is read as it arrives, piece by piece. `serde_json` reads a stream byte by byte, which takes three times as
//! long as a slice; here a piece is a slice. Whatever a component reads from outside goes through here, so that it
//! contains only one reader.

mod access;
mod error;
mod reader;
mod scan;
#[cfg(test)]
mod tests;
mod words;

use serde::de::{self, DeserializeOwned, Deserializer, IntoDeserializer, Unexpected, Visitor};

use self::access::{Elements, Members, OneMember};
pub(crate) use self::error::Error;
use self::reader::Reader;
use self::scan::Number;
use crate::http::Cause;

/// Reads a value that is in memory.
pub(crate) fn from_slice<T: DeserializeOwned>(text: &[u8]) -> Result<T, Error> {
    let mut text = Some(text.to_vec());
    from_pieces(&mut || Ok(text.take()))
}

/// Reads a value from the pieces that `next` returns until it has no more.
pub(crate) fn from_pieces<T: DeserializeOwned>(
    next: &mut dyn FnMut() -> Result<Option<Vec<u8>>, Cause>,
) -> Result<T, Error> {
    let mut reader = Reader::new(next);
    T::deserialize(&mut reader)
        .and_then(|value| reader.end().map(|()| value))
        .map_err(|error| error.at(reader.position(), reader.path()))
}

// === impl Reader ===

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
            Some(_) => Err(Error::mistake("a value is missing")),
            None => Err(Error::mistake("the input ends before the value does")),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.peek()? {
            Some(b'n') => self.word("null").and_then(|()| visitor.visit_none()),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.peek()? {
            Some(b'"') => visitor.visit_bytes(&self.bytes()?),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    /// Unlike `serde_json`, takes no array for a struct: its elements would have no names.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        if self.peek()? == Some(b'[') {
            return Err(de::Error::invalid_type(Unexpected::Seq, &visitor));
        }
        self.deserialize_any(visitor)
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
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string byte_buf unit unit_struct seq tuple
        tuple_struct map identifier ignored_any
    }
}
