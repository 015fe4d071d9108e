//! Stored objects, and the queries among them.

use std::collections::HashMap;

use serde::Deserialize;
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

fn queries(number: usize, object: &StoredObject) -> Result<Vec<String>, String> {
    let StoredObject { raw, content_type } = object;
    let why = |text: &str| format!("object {number} is no request with queries: {text}");
    if content_type != JSON {
        return Err(why("its content type is not application/json"));
    }
    let members: HashMap<String, &RawValue> =
        serde_json::from_slice(raw).map_err(|_| why("it is not a JSON object"))?;
    // Go's decoder, which reads this in a plugin on the Go SDK, takes names in any case.
    let named = members.iter().filter(|(name, _)| name.eq_ignore_ascii_case("queries"));
    let named = named.max_by_key(|(name, _)| name.as_str() == "queries");
    let Some((_, queries)) = named else { return Err(why("it has no `queries`")) };
    let queries = Vec::<&RawValue>::deserialize(*queries);
    let queries = queries.map_err(|_| why("its `queries` are not a list"))?;
    let text = |query: &RawValue| query.get().starts_with('{').then(|| query.get().to_owned());
    queries.into_iter().map(text).collect::<Option<_>>().ok_or_else(|| why("a query is not an object"))
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
        for raw in [r#"{"Queries":[{}]}"#, r#"{"QUERIES":[1],"queries":[{}]}"#] {
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
