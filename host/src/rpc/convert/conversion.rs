//! Stored objects, and the queries among them.

use std::fmt;

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::admission::status;
use crate::plugin::{Conversion, ConversionRequest, JSON, StoredObject};
use crate::proto::pluginv2::{self, ConversionResponse, PluginContext, RawObject};

/// Splits a request into its context, its id, and what is to be converted.
pub(crate) fn conversion_request(
    message: pluginv2::ConversionRequest,
) -> (Option<PluginContext>, String, ConversionRequest) {
    let pluginv2::ConversionRequest { plugin_context, uid, objects, target_version } = message;
    let pluginv2::GroupVersion { group, version } = target_version.unwrap_or_default();
    let stored = |RawObject { raw, content_type }| StoredObject { raw, content_type };
    let objects = objects.into_iter().map(stored).collect();
    (plugin_context, uid, ConversionRequest { group, version, objects })
}

/// Makes the answer to the request with that id.
pub(crate) fn converted(uid: String, conversion: Conversion) -> ConversionResponse {
    let raw = |StoredObject { raw, content_type }| RawObject { raw, content_type };
    match conversion {
        Ok(objects) => {
            ConversionResponse { uid, result: None, objects: objects.into_iter().map(raw).collect() }
        }
        Err(denial) => ConversionResponse { uid, result: Some(status(denial)), objects: Vec::new() },
    }
}

/// Returns the queries of each object, as they were saved. If one is no request with queries, says why.
pub(crate) fn stored_queries(objects: &[StoredObject]) -> Result<Vec<Vec<String>>, String> {
    objects.iter().enumerate().map(|(number, object)| queries(number + 1, object)).collect()
}

/// The member of a JSON object that Go's decoder, which reads it in a plugin on the Go SDK, takes for `Queries`: the last of that
/// name, in any case.
struct Queries<'a>(Option<&'a RawValue>);

fn queries(number: usize, object: &StoredObject) -> Result<Vec<String>, String> {
    let StoredObject { raw, content_type } = object;
    let why = |text: &str| format!("object {number} is no request with queries: {text}");
    if content_type != JSON {
        return Err(why("its content type is not application/json"));
    }
    let Queries(queries) = serde_json::from_slice(raw).map_err(|_| why("it is not a JSON object"))?;
    let Some(queries) = queries else { return Err(why("it has no `queries`")) };
    let queries = Vec::<&RawValue>::deserialize(queries);
    let queries = queries.map_err(|_| why("its `queries` are not a list"))?;
    let text = |query: &RawValue| query.get().starts_with('{').then(|| query.get().to_owned());
    queries.into_iter().map(text).collect::<Option<_>>().ok_or_else(|| why("a query is not an object"))
}

// === impl Queries ===

impl<'de> Deserialize<'de> for Queries<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Queries<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Queries<'de>, A::Error> {
                let mut queries = None;
                while let Some(name) = members.next_key::<String>()? {
                    if name.eq_ignore_ascii_case("queries") {
                        queries = Some(members.next_value()?);
                    } else {
                        members.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(Queries(queries))
            }
        }

        deserializer.deserialize_map(Members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content_type: &str, raw: &str) -> Result<Vec<Vec<String>>, String> {
        let content_type = content_type.to_owned();
        stored_queries(&[StoredObject { raw: raw.to_owned().into(), content_type }])
    }

    #[test]
    fn queries_stay_as_they_were_saved() {
        let raw = r#"{ "from": "now", "queries" : [ {"refId":"A", "n": 1.0e2} , {"a":[]} ] }"#;
        let queries = [r#"{"refId":"A", "n": 1.0e2}"#, r#"{"a":[]}"#].map(str::to_owned);
        assert_eq!(read(JSON, raw), Ok(vec![queries.to_vec()]));
        for raw in [
            r#"{"Queries":[{}]}"#,
            r#"{"QUERIES":[1],"queries":[{}]}"#,
            r#"{"queries":[1],"other":[1],"QUERIES":[{}]}"#,
        ] {
            assert_eq!(read(JSON, raw), Ok(vec![vec!["{}".to_owned()]]), "{raw}");
        }
        assert_eq!(stored_queries(&[]), Ok(vec![]));
    }

    #[test]
    fn what_has_no_queries_says_so() {
        for (content_type, raw, why) in [
            ("application/yaml", "{\"queries\":[]}", "its content type is not application/json"),
            (JSON, "[]", "it is not a JSON object"),
            (JSON, "{", "it is not a JSON object"),
            (JSON, "{}", "it has no `queries`"),
            (JSON, "{\"queries\":null}", "its `queries` are not a list"),
            (JSON, "{\"queries\":{}}", "its `queries` are not a list"),
            (JSON, "{\"queries\":[7]}", "a query is not an object"),
        ] {
            assert_eq!(read(content_type, raw), Err(format!("object 1 is no request with queries: {why}")));
        }
    }
}
