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
    #[error("the frame is a damaged file in Arrow's format")]
    Damaged,
    #[error("{0} of the frame is not JSON")]
    Json(String, #[source] serde_json::Error),
}

// === impl Frame ===

impl Frame {
    pub fn from_arrow(bytes: Bytes) -> Result<Self, FrameError> {
        if !has_all_batches(&bytes) {
            return Err(FrameError::Damaged);
        }
        // Arrow's reader panics on files whose columns do not have the bytes that they name.
        std::panic::catch_unwind(|| Self::read(bytes)).unwrap_or(Err(FrameError::Damaged))
    }

    fn read(bytes: Bytes) -> Result<Self, FrameError> {
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

/// Whether each batch that the footer names is within the file: Arrow's reader allocates what a footer says.
fn has_all_batches(file: &[u8]) -> bool {
    let footer = || {
        let (rest, _magic) = file.split_last_chunk::<6>()?;
        let (rest, length) = rest.split_last_chunk::<4>()?;
        let start = rest.len().checked_sub(u32::from_le_bytes(*length) as usize)?;
        arrow_ipc::root_as_footer(rest.get(start..)?).ok()
    };
    let Some(footer) = footer() else { return false };
    let blocks =
        footer.recordBatches().into_iter().flatten().chain(footer.dictionaries().into_iter().flatten());
    let mut blocks =
        blocks.map(|block| (block.offset(), i64::from(block.metaDataLength()), block.bodyLength()));
    let size = i64::try_from(file.len()).unwrap_or(i64::MAX);
    blocks.all(|(offset, metadata, body)| {
        let end = offset.checked_add(metadata).and_then(|end| end.checked_add(body));
        offset >= 0 && metadata >= 0 && body >= 0 && end.is_some_and(|end| end <= size)
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{Float64Array, Int64Array, StringArray, TimestampNanosecondArray};
    use arrow_ipc::writer::FileWriter;
    use arrow_schema::Schema;

    use super::*;

    fn file() -> Vec<u8> {
        let columns: [(&str, ArrayRef); 4] = [
            ("time", Arc::new(TimestampNanosecondArray::from(vec![1, -1]))),
            ("float", Arc::new(Float64Array::from(vec![Some(0.5), None]))),
            ("int", Arc::new(Int64Array::from(vec![i64::MIN, i64::MAX]))),
            ("text", Arc::new(StringArray::from(vec!["a", "é"]))),
        ];
        let field = |(name, column): &(&str, ArrayRef)| {
            let labels = [("labels".to_owned(), r#"{"host":"a"}"#.to_owned())];
            arrow_schema::Field::new(*name, column.data_type().clone(), true).with_metadata(labels.into())
        };
        let fields: Vec<_> = columns.iter().map(field).collect();
        let metadata = [("name", "f"), ("refId", "A"), ("meta", r#"{"custom":1}"#)];
        let metadata = metadata.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let schema = Arc::new(Schema::new(fields).with_metadata(metadata.into()));
        let columns = columns.map(|(_, column)| column);
        let batch = RecordBatch::try_new(schema.clone(), columns.into()).unwrap();
        let mut writer = FileWriter::try_new(Vec::new(), &schema).unwrap();
        // Grafana's frames are in one batch; nothing depends on it.
        writer.write(&batch).unwrap();
        writer.write(&batch).unwrap();
        writer.into_inner().unwrap()
    }

    #[test]
    fn reads_all_batches() {
        let frame = Frame::from_arrow(file().into()).unwrap();
        assert_eq!((frame.name.as_str(), frame.ref_id.as_str(), frame.rows()), ("f", "A", 4));
        assert_eq!(frame.meta, Some(serde_json::json!({ "custom": 1 })));
        assert_eq!(frame.fields[1].labels["host"], "a");
        let rows: Vec<Vec<_>> = frame.cells().map(Iterator::collect).collect();
        assert_eq!(rows[3], [Cell::Time(-1), Cell::Null, Cell::Int(i64::MAX), Cell::Text("é")]);
    }

    #[test]
    fn a_damaged_file_is_an_error_or_another_frame() {
        let whole = file();
        for place in 0..whole.len() {
            for flipped in [0x01, 0x80, 0xFF] {
                let mut damaged = whole.clone();
                damaged[place] ^= flipped;
                if let Ok(frame) = Frame::from_arrow(damaged.into()) {
                    frame.cells().for_each(|row| row.for_each(drop));
                }
            }
            assert!(Frame::from_arrow(whole[..place].to_vec().into()).is_err());
        }
    }
}
