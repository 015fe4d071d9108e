//! What is in a frame: for tests, which compare frames and show where they differ.

use std::fmt;

use serde_json::{Value, json};

use super::{Field, Frame, column, wit};
use crate::Time;

/// Returns the values of a field. A null is one, whatever value the row has.
pub(crate) fn cells(field: &wit::Field) -> Vec<Value> {
    let mut cells = values(&field.column);
    if let Some(validity) = field.validity.as_ref().filter(|validity| !validity.is_empty()) {
        for (row, cell) in cells.iter_mut().enumerate() {
            if validity.get(row / 8).is_none_or(|byte| byte >> (row % 8) & 1 == 0) {
                *cell = Value::Null;
            }
        }
    }
    cells
}

fn values(column: &wit::Column) -> Vec<Value> {
    match column {
        wit::Column::Time(times) => {
            times.iter().map(|nanos| json!(Time::from_unix_nanos(*nanos).to_string())).collect()
        }
        wit::Column::Text(texts) => texts_of(texts).map(|text| json!(text)).collect(),
        wit::Column::Json(texts) => {
            texts_of(texts).map(|text| serde_json::from_str(&text).unwrap_or_else(|_| json!(text))).collect()
        }
        wit::Column::Boolean(wit::Booleans { rows, bits }) => (0..*rows as usize)
            .map(|row| json!(bits.get(row / 8).is_some_and(|byte| byte >> (row % 8) & 1 == 1)))
            .collect(),
        wit::Column::Int8(numbers) => numbers.iter().map(|number| json!(number)).collect(),
        wit::Column::Int16(numbers) => numbers.iter().map(|number| json!(number)).collect(),
        wit::Column::Int32(numbers) => numbers.iter().map(|number| json!(number)).collect(),
        wit::Column::Int64(numbers) => numbers.iter().map(|number| json!(number)).collect(),
        wit::Column::Uint8(numbers) => numbers.iter().map(|number| json!(number)).collect(),
        wit::Column::Uint16(numbers) | wit::Column::Enumeration(numbers) => {
            numbers.iter().map(|number| json!(number)).collect()
        }
        wit::Column::Uint32(numbers) => numbers.iter().map(|number| json!(number)).collect(),
        wit::Column::Uint64(numbers) => numbers.iter().map(|number| json!(number)).collect(),
        wit::Column::Float32(numbers) => numbers.iter().map(|number| float(f64::from(*number))).collect(),
        wit::Column::Float64(numbers) => numbers.iter().map(|number| float(*number)).collect(),
    }
}

fn float(number: f64) -> Value {
    if number.is_finite() { json!(number) } else { json!(number.to_string()) }
}

fn texts_of(texts: &wit::Texts) -> impl Iterator<Item = String> {
    let ends = texts.offsets.iter().zip(texts.offsets.iter().skip(1));
    ends.map(|(start, end)| {
        let text = texts.bytes.get(*start as usize..*end as usize).unwrap_or_default();
        String::from_utf8_lossy(text).into_owned()
    })
}

/// Two fields are equal if Grafana gets the same. So is NaN to itself, and a null to any other one.
fn is_same(one: &wit::Field, other: &wit::Field) -> bool {
    let labels = |field: &wit::Field| {
        let pairs = field.labels.as_ref()?.iter().map(|label| (label.name.clone(), label.value.clone()));
        Some(pairs.collect::<Vec<_>>())
    };
    one.name == other.name
        && labels(one) == labels(other)
        && one.config == other.config
        && one.validity.is_some() == other.validity.is_some()
        && std::mem::discriminant(&one.column) == std::mem::discriminant(&other.column)
        && column::rows(&one.column) == column::rows(&other.column)
        && cells(one) == cells(other)
}

impl PartialEq for Field {
    fn eq(&self, other: &Self) -> bool {
        is_same(&self.0, &other.0)
    }
}

impl PartialEq for Frame {
    fn eq(&self, other: &Self) -> bool {
        let (one, other) = (wit::Frame::from(self.clone()), wit::Frame::from(other.clone()));
        one.name == other.name
            && one.ref_id == other.ref_id
            && one.meta == other.meta
            && one.fields.len() == other.fields.len()
            && one.fields.iter().zip(&other.fields).all(|(one, other)| is_same(one, other))
    }
}

fn show(field: &wit::Field, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let wit::Field { name, labels, config, validity, column } = field;
    let kind = match column {
        wit::Column::Time(_) => "time",
        wit::Column::Text(_) => "string",
        wit::Column::Boolean(_) => "bool",
        wit::Column::Int8(_) => "int8",
        wit::Column::Int16(_) => "int16",
        wit::Column::Int32(_) => "int32",
        wit::Column::Int64(_) => "int64",
        wit::Column::Uint8(_) => "uint8",
        wit::Column::Uint16(_) => "uint16",
        wit::Column::Uint32(_) => "uint32",
        wit::Column::Uint64(_) => "uint64",
        wit::Column::Float32(_) => "float32",
        wit::Column::Float64(_) => "float64",
        wit::Column::Json(_) => "json",
        wit::Column::Enumeration(_) => "enum",
    };
    write!(f, "{name:?} {kind}{}", if validity.is_some() { "?" } else { "" })?;
    let pairs = labels.iter().flatten().map(|label| format!("{}={:?}", label.name, label.value));
    if labels.is_some() {
        write!(f, " {{{}}}", pairs.collect::<Vec<_>>().join(", "))?;
    }
    if let Some(config) = config {
        write!(f, " {config}")?;
    }
    write!(f, " {}", Value::Array(cells(field)))
}

/// Values as JSON, such as `"price" float64? {host="a"} [1.5,null]`.
impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(&self.0, f)
    }
}

/// A line for each field.
impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wit::Frame { name, ref_id, meta, fields } = wit::Frame::from(self.clone());
        write!(f, "Frame {name:?}")?;
        if !ref_id.is_empty() {
            write!(f, " of {ref_id}")?;
        }
        if let Some(meta) = meta {
            write!(f, " {meta}")?;
        }
        fields.iter().try_for_each(|field| {
            f.write_str("\n  ")?;
            show(field, f)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FieldConfig;
    use crate::frame::{Json, Meta};

    fn frame() -> Frame {
        Frame::new("prices")
            .time("time", [Time::from_unix_millis(0), Time::from_unix_millis(250)])
            .field("price", [Some(f64::NAN), None])
            .with(Field::new("exchange", ["a", "ü"]).label("zone", "b").config(FieldConfig::new().unit("s")))
            .field("open", [true, false])
            .field("detail", [Json("{\"a\":1}".to_owned()), Json("[]".to_owned())])
    }

    #[test]
    fn frames_are_equal_if_grafana_gets_the_same() {
        assert_eq!(frame(), frame());
        let time = || Frame::new("").time("time", [Time::from_unix_seconds(0)]);
        for other in [
            time().field("v", [2_i64]),
            time().field("v", [1_i32]),
            time().field("v", [Some(1_i64)]),
            time().field("w", [1_i64]),
            time().with(Field::new("v", [1_i64]).label("a", "b")),
            time().with(Field::new("v", [1_i64]).no_labels()),
            time().with(Field::new("v", [1_i64]).config(FieldConfig::new().unit("s"))),
            time().field("v", [1_i64]).ref_id("B"),
            time().field("v", [1_i64]).meta(Meta::new().channel("a")),
            time(),
        ] {
            assert_ne!(time().field("v", [1_i64]), other);
        }
    }

    #[test]
    fn debug_shows_a_line_for_each_field() {
        let lines = [
            "Frame \"prices\"",
            "  \"time\" time [\"1970-01-01T00:00:00Z\",\"1970-01-01T00:00:00.25Z\"]",
            "  \"price\" float64? [\"NaN\",null]",
            "  \"exchange\" string {zone=\"b\"} {\"unit\":\"s\"} [\"a\",\"ü\"]",
            "  \"open\" bool [true,false]",
            "  \"detail\" json [{\"a\":1},[]]",
        ];
        assert_eq!(format!("{:?}", frame()), lines.join("\n"));
    }
}
