//! A query string as a type that has `Deserialize`, with errors that name the parameter.

use std::collections::{BTreeMap, btree_map};
use std::str::FromStr;

use serde::de::value::{MapAccessDeserializer, SeqDeserializer};
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, Unexpected, Visitor,
};
use serde::forward_to_deserialize_any;

use crate::json::Error;

/// Reads `name=value` pairs, percent-encoded as HTML forms are.
pub(super) fn read<T: DeserializeOwned>(query: &str) -> Result<T, Error> {
    let mut parameters = BTreeMap::<String, Vec<String>>::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        parameters.entry(name.into_owned()).or_default().push(value.into_owned());
    }
    let parameters = Parameters { rest: parameters.into_iter(), current: None };
    T::deserialize(MapAccessDeserializer::new(parameters))
}

struct Parameters {
    rest: btree_map::IntoIter<String, Vec<String>>,
    current: Option<(String, Vec<String>)>,
}

/// The values of one parameter.
struct Values(Vec<String>);

// === impl Parameters ===

impl<'de> MapAccess<'de> for Parameters {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        self.current = self.rest.next();
        let Some((name, _)) = &self.current else { return Ok(None) };
        seed.deserialize(name.as_str().into_deserializer()).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let (name, values) = self.current.take().unwrap_or_default();
        seed.deserialize(Values(values)).map_err(|error| error.of(&name))
    }
}

// === impl Values ===

impl Values {
    fn one(mut self) -> Result<String, Error> {
        match (self.0.pop(), self.0.is_empty()) {
            (Some(value), true) => Ok(value),
            _ => Err(de::Error::custom("more than one value where one was expected")),
        }
    }

    fn parsed<'de, T: FromStr>(self, visitor: &impl Visitor<'de>) -> Result<T, Error> {
        let value = self.one()?;
        value.parse().map_err(|_| de::Error::invalid_type(Unexpected::Str(&value), visitor))
    }
}

impl<'de> IntoDeserializer<'de, Error> for Values {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

macro_rules! parsed {
    ($($method:ident $visit:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            let value = self.parsed(&visitor)?;
            visitor.$visit(value)
        })*
    };
}

impl<'de> Deserializer<'de> for Values {
    type Error = Error;

    parsed! {
        deserialize_bool visit_bool
        deserialize_i8 visit_i64
        deserialize_i16 visit_i64
        deserialize_i32 visit_i64
        deserialize_i64 visit_i64
        deserialize_u8 visit_u64
        deserialize_u16 visit_u64
        deserialize_u32 visit_u64
        deserialize_u64 visit_u64
        deserialize_f32 visit_f64
        deserialize_f64 visit_f64
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_string(self.one()?)
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

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let each = self.0.into_iter().map(|value| Self(vec![value]));
        visitor.visit_seq(SeqDeserializer::new(each))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_enum(self.one()?.into_deserializer())
    }

    forward_to_deserialize_any! {
        char str string bytes byte_buf unit unit_struct tuple tuple_struct map struct identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Order {
        Up,
        Down,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Id(u8);

    #[derive(Debug, PartialEq, Deserialize)]
    struct Page {
        limit: u32,
        after: Option<f64>,
        #[serde(default)]
        tag: Vec<String>,
        #[serde(default)]
        deep: bool,
        order: Option<Order>,
        id: Option<Id>,
    }

    #[test]
    fn parameters_become_fields() {
        let page: Page =
            read("limit=10&tag=a+b&after=-1.5&tag=%C3%BC%26&deep=true&order=down&other=1&id=7").unwrap();
        let tag = vec!["a b".to_owned(), "ü&".to_owned()];
        let expected =
            Page { limit: 10, after: Some(-1.5), tag, deep: true, order: Some(Order::Down), id: Some(Id(7)) };
        assert_eq!(page, expected);
        let page: Page = read("limit=1").unwrap();
        assert_eq!((page.limit, page.after, page.tag.len(), page.deep), (1, None, 0, false));
        assert!(read::<Order>("a=b").is_err());
        let all: BTreeMap<String, Vec<String>> = read("b=1&a&b=2&&=").unwrap();
        let of = |name: &str| all.get(name).map(|values| values.join(","));
        assert_eq!(
            [of("a"), of("b"), of("")],
            [Some(String::new()), Some("1,2".to_owned()), Some(String::new())]
        );
    }

    #[test]
    fn an_error_names_the_parameter() {
        for (query, what) in [
            ("", "`limit` is missing"),
            ("limit=ten", "`limit`: a string where a whole number was expected"),
            ("limit=-1", "`limit`: a string where a whole number was expected"),
            ("limit=1&limit=2", "`limit`: more than one value where one was expected"),
            ("limit=1&deep=yes", "`deep`: a string where true or false was expected"),
            ("limit=1&order=sideways", "`order`: a name that is none of `up`, `down`"),
            ("limit=1&id=300", "`id`: a whole number that is not from 0 to 255"),
        ] {
            assert_eq!(read::<Page>(query).unwrap_err().to_string(), what, "{query}");
        }
    }
}
