//! Attributes as JSON, which tests compare.

use serde_json::{Map, Value as Json, json};

use crate::{Attribute, Value};

/// A key that appears twice has its last value.
pub(super) fn object(attributes: &[Attribute]) -> Map<String, Json> {
    attributes.iter().map(|attribute| (attribute.key.clone(), value(&attribute.value))).collect()
}

/// Returns them as a line of the test's output shows them.
pub(crate) fn pairs(attributes: &Map<String, Json>) -> String {
    attributes.iter().map(|(key, value)| format!(" {key}={value}")).collect()
}

fn value(value: &Value) -> Json {
    match value {
        Value::Text(text) => json!(text),
        Value::Boolean(boolean) => json!(boolean),
        Value::Integer(integer) => json!(integer),
        Value::Float(float) => json!(float),
        Value::Texts(texts) => json!(texts),
        Value::Booleans(booleans) => json!(booleans),
        Value::Integers(integers) => json!(integers),
        Value::Floats(floats) => json!(floats),
    }
}
