//! The members of an object, the elements of an array, and an object that stands for a variant.

use serde::de::{
    self, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess,
    Visitor,
};

use super::error::Error;
use super::reader::Reader;

pub(crate) struct Members<'r, 'p> {
    reader: &'r mut Reader<'p>,
    first: bool,
    /// Which of the open objects this is, counted from 1.
    object: usize,
}

pub(crate) struct Elements<'r, 'p> {
    reader: &'r mut Reader<'p>,
    first: bool,
    /// The index of the next element.
    index: usize,
}

/// The name of a member.
struct Name<'n>(&'n str);

/// The inside of `{"variant": value}`.
pub(crate) struct OneMember<'r, 'p>(pub(crate) &'r mut Reader<'p>);

// === impl Members ===

impl<'r, 'p> Members<'r, 'p> {
    pub(crate) fn new(reader: &'r mut Reader<'p>) -> Self {
        let object = reader.open_objects();
        Self { reader, first: true, object }
    }
}

impl<'de> MapAccess<'de> for Members<'_, '_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        if !self.reader.follows(b'}', std::mem::take(&mut self.first))? {
            return Ok(None);
        }
        let name = seed.deserialize(Name(&self.reader.name()?));
        name.map(Some).inspect_err(|_| self.reader.failed_in_member(self.object))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let value = self.reader.expect(b':').and_then(|()| seed.deserialize(&mut *self.reader));
        value.inspect_err(|_| self.reader.failed_in_member(self.object))
    }
}

// === impl Elements ===

impl<'r, 'p> Elements<'r, 'p> {
    pub(crate) fn new(reader: &'r mut Reader<'p>) -> Self {
        Self { reader, first: true, index: 0 }
    }
}

impl<'de> SeqAccess<'de> for Elements<'_, '_> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        if !self.reader.follows(b']', std::mem::take(&mut self.first))? {
            return Ok(None);
        }
        let element = seed.deserialize(&mut *self.reader);
        let element = element.inspect_err(|_| self.reader.failed_in_element(self.index));
        self.index += 1;
        element.map(Some)
    }
}

// === impl Name ===

impl<'de> Deserializer<'de> for Name<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_str(self.0)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
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
        visitor.visit_enum(self.0.into_deserializer())
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier ignored_any
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
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.0.deserialize_struct("", names, visitor)
    }
}

fn key(reader: &mut Reader<'_>) -> Result<(), Error> {
    if reader.peek()? == Some(b'"') { Ok(()) } else { Err(de::Error::custom("a name in quotes is missing")) }
}
