//! Data frames in the JSON format, as far as the tests need them. The Go peer checks the Arrow format, with the code
//! that Grafana itself uses to decode it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

#[derive(Clone, Debug)]
pub struct Frame {
    pub name: String,
    pub ref_id: String,
    pub meta: Option<Value>,
    pub fields: Vec<Field>,
    /// The whole document, including what the fields above leave out.
    pub json: Value,
}

#[derive(Clone, Debug)]
pub struct Field {
    pub name: String,
    /// "time", "string", "number", "boolean", …
    pub kind: String,
    /// Grafana's item type: "time.Time", "float64", …
    pub item: String,
    pub nullable: bool,
    pub labels: Option<Map<String, Value>>,
    pub config: Option<Value>,
    pub values: Vec<Value>,
}

#[derive(Deserialize)]
struct Document {
    schema: Schema,
    data: Option<Data>,
}

#[derive(Deserialize)]
struct Schema {
    #[serde(default)]
    name: String,
    #[serde(default, rename = "refId")]
    ref_id: String,
    meta: Option<Value>,
    fields: Vec<FieldSchema>,
}

#[derive(Deserialize)]
struct FieldSchema {
    #[serde(default)]
    name: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(rename = "typeInfo")]
    info: TypeInfo,
    labels: Option<Map<String, Value>>,
    config: Option<Value>,
}

#[derive(Deserialize)]
struct TypeInfo {
    frame: String,
    #[serde(default)]
    nullable: bool,
}

#[derive(Deserialize)]
struct Data {
    values: Vec<Vec<Value>>,
}

// === impl Frame ===

impl Frame {
    pub fn from_json(bytes: &[u8]) -> anyhow::Result<Self> {
        let json: Value = serde_json::from_slice(bytes)?;
        let Document { schema, data } = Document::deserialize(&json)?;
        let columns = data.map(|data| data.values).unwrap_or_default();
        anyhow::ensure!(
            columns.len() == schema.fields.len() || columns.is_empty(),
            "{} fields and {} columns",
            schema.fields.len(),
            columns.len()
        );
        let mut columns = columns.into_iter();
        let fields = schema
            .fields
            .into_iter()
            .map(|field| Field {
                name: field.name,
                kind: field.kind,
                item: field.info.frame,
                nullable: field.info.nullable,
                labels: field.labels,
                config: field.config,
                values: columns.next().unwrap_or_default(),
            })
            .collect();
        Ok(Self { name: schema.name, ref_id: schema.ref_id, meta: schema.meta, fields, json })
    }

    pub fn field(&self, name: &str) -> &Field {
        let names: Vec<_> = self.fields.iter().map(|field| &field.name).collect();
        self.fields
            .iter()
            .find(|field| field.name == name)
            .unwrap_or_else(|| panic!("no field {name:?} among {names:?}"))
    }

    /// Returns the rows of a table of names and values, which is how the probe reports what it received.
    pub fn pairs(&self) -> BTreeMap<&str, &str> {
        let texts = |name| self.field(name).values.iter().map(|value| value.as_str().expect("a string"));
        texts("name").zip(texts("value")).collect()
    }

    pub fn rows(&self) -> usize {
        self.fields.first().map_or(0, |field| field.values.len())
    }
}

// === impl Field ===

impl Field {
    pub fn numbers(&self) -> Vec<f64> {
        self.values.iter().map(|value| value.as_f64().expect("a number")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_schema_and_data() {
        let frame = Frame::from_json(
            br#"{"schema":{"name":"response","refId":"A","fields":[
                {"name":"time","type":"time","typeInfo":{"frame":"time.Time"}},
                {"name":"values","type":"number","typeInfo":{"frame":"float64","nullable":true}}]},
                "data":{"values":[[1,2],[0.5,1]]}}"#,
        )
        .unwrap();
        assert_eq!((frame.name.as_str(), frame.ref_id.as_str(), frame.rows()), ("response", "A", 2));
        assert!(frame.field("values").nullable);
        assert_eq!(frame.field("values").numbers(), [0.5, 1.0]);
    }

    #[test]
    fn refuses_columns_that_do_not_match_the_schema() {
        assert!(Frame::from_json(br#"{"schema":{"fields":[]},"data":{"values":[[1]]}}"#).is_err());
    }
}
