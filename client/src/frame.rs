//! A data frame, read from the Arrow file in which Grafana gets it.

use std::collections::BTreeMap;
use std::io::Cursor;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{
    Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use arrow_array::{Array as _, ArrayRef, RecordBatch};
use arrow_ipc::reader::FileReader;
use arrow_schema::{ArrowError, DataType, TimeUnit};
use bytes::Bytes;
use serde_json::Value;

#[derive(Clone, Debug)]
pub struct Frame {
    pub name: String,
    pub ref_id: String,
    pub meta: Option<Value>,
    pub fields: Vec<Field>,
    batches: Vec<RecordBatch>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    pub name: String,
    /// `time`, `float64`, `string`, …
    pub kind: String,
    pub labels: BTreeMap<String, String>,
    pub config: Option<Value>,
}

/// The value of a field in one row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Float32(f32),
    Float64(f64),
    Text(&'a str),
    Bytes(&'a [u8]),
    /// Nanoseconds since 1970.
    Time(i128),
}

#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    #[error("the frame is not a file in Arrow's format")]
    Arrow(#[source] ArrowError),
    #[error("{0} of the frame is not JSON")]
    Json(String, #[source] serde_json::Error),
}

// === impl Frame ===

impl Frame {
    pub fn from_arrow(bytes: Bytes) -> Result<Self, FrameError> {
        let reader = FileReader::try_new(Cursor::new(bytes), None).map_err(FrameError::Arrow)?;
        let schema = reader.schema();
        let text = |key: &str| schema.metadata().get(key).cloned().unwrap_or_default();
        let fields = schema.fields().iter().map(|field| Field::of(field)).collect::<Result<_, _>>()?;
        Ok(Self {
            name: text("name"),
            ref_id: text("refId"),
            meta: json("meta", schema.metadata().get("meta"))?,
            fields,
            batches: reader.collect::<Result<_, _>>().map_err(FrameError::Arrow)?,
        })
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    /// The rows in order, each with a cell for each field.
    pub fn cells(&self) -> impl Iterator<Item = impl Iterator<Item = Cell<'_>>> {
        self.batches.iter().flat_map(|batch| {
            (0..batch.num_rows()).map(move |row| batch.columns().iter().map(move |column| cell(column, row)))
        })
    }
}

// === impl Field ===

impl Field {
    fn of(field: &arrow_schema::Field) -> Result<Self, FrameError> {
        let metadata =
            |key: &str| json(&format!("{key} of field {:?}", field.name()), field.metadata().get(key));
        let labels = metadata("labels")?.and_then(|labels| serde_json::from_value(labels).ok());
        Ok(Self {
            name: field.name().clone(),
            kind: kind(field.data_type(), field.metadata().get("tstype").map(String::as_str)),
            labels: labels.unwrap_or_default(),
            config: metadata("config")?,
        })
    }

    /// The unit in which panels show it.
    pub fn unit(&self) -> Option<&str> {
        self.config.as_ref()?.get("unit")?.as_str()
    }
}

fn json(what: &str, text: Option<&String>) -> Result<Option<Value>, FrameError> {
    let parsed = text.map(|text| serde_json::from_str(text)).transpose();
    parsed.map_err(|error| FrameError::Json(what.to_owned(), error))
}

/// Grafana's words for types, as far as Arrow's differ.
fn kind(of: &DataType, word: Option<&str>) -> String {
    match (of, word) {
        (DataType::UInt16, Some("enum")) => "enum".to_owned(),
        (DataType::Timestamp(..), _) => "time".to_owned(),
        (DataType::Utf8 | DataType::LargeUtf8, _) => "string".to_owned(),
        (DataType::Boolean, _) => "bool".to_owned(),
        (DataType::Binary | DataType::LargeBinary, _) => "json".to_owned(),
        (other, _) => other.to_string().to_lowercase(),
    }
}

/// The row is one of the column's.
fn cell(column: &ArrayRef, row: usize) -> Cell<'_> {
    if column.is_null(row) {
        return Cell::Null;
    }
    macro_rules! number {
        ($kind:ty, $cell:ident) => {
            column.as_primitive_opt::<$kind>().map(|values| Cell::$cell(values.value(row).into()))
        };
    }
    macro_rules! time {
        ($kind:ty, $nanoseconds:literal) => {
            column
                .as_primitive_opt::<$kind>()
                .map(|values| Cell::Time(i128::from(values.value(row)) * $nanoseconds))
        };
    }
    let found = match column.data_type() {
        DataType::Boolean => column.as_boolean_opt().map(|values| Cell::Bool(values.value(row))),
        DataType::Int8 => number!(Int8Type, Int),
        DataType::Int16 => number!(Int16Type, Int),
        DataType::Int32 => number!(Int32Type, Int),
        DataType::Int64 => number!(Int64Type, Int),
        DataType::UInt8 => number!(UInt8Type, Uint),
        DataType::UInt16 => number!(UInt16Type, Uint),
        DataType::UInt32 => number!(UInt32Type, Uint),
        DataType::UInt64 => number!(UInt64Type, Uint),
        DataType::Float32 => number!(Float32Type, Float32),
        DataType::Float64 => number!(Float64Type, Float64),
        DataType::Utf8 => column.as_string_opt::<i32>().map(|values| Cell::Text(values.value(row))),
        DataType::LargeUtf8 => column.as_string_opt::<i64>().map(|values| Cell::Text(values.value(row))),
        DataType::Binary => column.as_binary_opt::<i32>().map(|values| Cell::Bytes(values.value(row))),
        DataType::LargeBinary => column.as_binary_opt::<i64>().map(|values| Cell::Bytes(values.value(row))),
        DataType::Timestamp(TimeUnit::Second, _) => time!(TimestampSecondType, 1_000_000_000),
        DataType::Timestamp(TimeUnit::Millisecond, _) => time!(TimestampMillisecondType, 1_000_000),
        DataType::Timestamp(TimeUnit::Microsecond, _) => time!(TimestampMicrosecondType, 1_000),
        DataType::Timestamp(TimeUnit::Nanosecond, _) => time!(TimestampNanosecondType, 1),
        _ => None,
    };
    // Grafana has no other types.
    found.unwrap_or(Cell::Text("?"))
}
