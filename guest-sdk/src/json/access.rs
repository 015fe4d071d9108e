//! The members of an object, the elements of an array, and an object that stands for a variant.

use serde::de::{
    self, DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor,
};

use super::error::Error;
use super::reader::Reader;

pub(crate) struct Members<'r, 'p> {
    reader: &'r mut Reader<'p>,
    first: bool,
}

pub(crate) struct Elements<'r, 'p> {
    reader: &'r mut Reader<'p>,
    first: bool,
}

/// The inside of `{"variant": value}`.
pub(crate) struct OneMember<'r, 'p>(pub(crate) &'r mut Reader<'p>);

// === impl Members ===

impl<'r, 'p> Members<'r, 'p> {
    pub(crate) fn new(reader: &'r mut Reader<'p>) -> Self {
        Self { reader, first: true }
    }
}

impl<'de> MapAccess<'de> for Members<'_, '_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        if !self.reader.follows(b'}', std::mem::take(&mut self.first))? {
            return Ok(None);
        }
        key(self.reader)?;
        seed.deserialize(&mut *self.reader).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        self.reader.expect(b':')?;
        seed.deserialize(&mut *self.reader)
    }
}

// === impl Elements ===

impl<'r, 'p> Elements<'r, 'p> {
    pub(crate) fn new(reader: &'r mut Reader<'p>) -> Self {
        Self { reader, first: true }
    }
}

impl<'de> SeqAccess<'de> for Elements<'_, '_> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        if !self.reader.follows(b']', std::mem::take(&mut self.first))? {
            return Ok(None);
        }
        seed.deserialize(&mut *self.reader).map(Some)
    }
}

// === impl OneMember ===

impl<'de> EnumAccess<'de> for OneMember<'_, '_> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Error> {
        key(self.0)?;
        let variant = seed.deserialize(&mut *self.0)?;
        self.0.expect(b':')?;
        Ok((variant, self))
    }
}

impl<'de> VariantAccess<'de> for OneMember<'_, '_> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        de::Deserialize::deserialize(self.0)
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(self.0)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.0.deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.0.deserialize_any(visitor)
    }
}

fn key(reader: &mut Reader<'_>) -> Result<(), Error> {
    if reader.peek()? == Some(b'"') { Ok(()) } else { Err(de::Error::custom("a name in quotes is missing")) }
}
