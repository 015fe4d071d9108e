//! What holds for any frames that a component returns.

use std::io::Cursor;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use arrow_array::cast::AsArray as _;
use arrow_array::types::Int64Type;
use arrow_array::{Array as _, RecordBatch};
use arrow_ipc::reader::FileReader;
use bytes::Bytes;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::grammar::Grammar;
use super::pace::Pace;
use super::{Format, FrameError, encode};
use crate::budget::{MemoryAccount, MemoryKind};
use crate::capability::bindings::gpx::plugin::frames::{Booleans, Column, Field, Frame, Label, Texts};

/// What a frame is made from. When there is no more, everything else is zero and empty.
struct Parts<'a>(&'a [u8]);

/// A frame as Grafana reads it.
#[derive(Deserialize)]
struct Shown<'a> {
    #[serde(borrow)]
    schema: ShownSchema<'a>,
    #[serde(borrow)]
    data: ShownData<'a>,
}

#[derive(Deserialize)]
struct ShownSchema<'a> {
    #[serde(borrow)]
    fields: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct ShownData<'a> {
    #[serde(borrow)]
    values: Vec<Vec<&'a RawValue>>,
}

/// Both formats take the same frames, and say the same about the others. What they write can be read, and has the values
/// that the component has given.
pub(crate) fn frames(input: &[u8]) {
    let mut parts = Parts(input);
    let frame = parts.frame();
    let both = [Format::Arrow, Format::Json].map(|format| encoded(&frame, format));
    match both {
        [Ok(arrow), Ok(json)] => {
            in_json(&frame, &json);
            in_arrow(&frame, &arrow);
        }
        [Err(arrow), Err(json)] => assert_eq!(arrow.to_string(), json.to_string()),
        [arrow, json] => unreachable!("one of {:?} and {:?}", arrow.err(), json.err()),
    }
}

/// The grammar takes what another reader of JSON takes, in pieces too.
pub(crate) fn grammar(text: &[u8]) {
    let Ok(text) = str::from_utf8(text) else { return };
    let ours = polled(Grammar::default().read_all(text.as_bytes(), &mut Pace::paid_by(None)));
    let theirs = serde_json::from_str::<IgnoredAny>(text);
    assert_eq!(ours.is_ok(), theirs.is_ok(), "{text:?}: {ours:?}, {theirs:?}");
}

fn encoded(frame: &Frame, format: Format) -> Result<Bytes, FrameError> {
    let memory = MemoryAccount::new(usize::MAX).owner().nothing(MemoryKind::Answers);
    let mut frames = polled(encode(vec![frame.clone()], "A", format, memory))?;
    assert_eq!(frames.len(), 1);
    Ok(frames.remove(0))
}

fn in_json(frame: &Frame, json: &[u8]) {
    let Ok(shown) = serde_json::from_slice::<Shown<'_>>(json) else {
        unreachable!("{} is not a frame", json.escape_ascii());
    };
    assert_eq!(
        (shown.schema.fields.len(), shown.data.values.len()),
        (frame.fields.len(), frame.fields.len())
    );
    for (field, cells) in frame.fields.iter().zip(shown.data.values) {
        for (row, cell) in cells.iter().enumerate() {
            let shown = cell.get();
            let same =
                if is_null(field, row) { shown == "null" } else { is_shown(&field.column, row, shown) };
            assert!(same, "row {row} of {:?} is {shown}", field.column);
        }
        assert_eq!(cells.len(), rows(&field.column));
    }
}

fn is_shown(column: &Column, row: usize, shown: &str) -> bool {
    fn is<T: ToString>(values: &[T], row: usize, shown: &str) -> bool {
        values.get(row).is_some_and(|value| value.to_string() == shown)
    }
    match column {
        Column::Time(values) => {
            values.get(row).is_some_and(|time| time.div_euclid(1_000_000).to_string() == shown)
        }
        Column::Boolean(booleans) => (if bit(&booleans.bits, row) { "true" } else { "false" }) == shown,
        Column::Text(texts) => serde_json::from_str::<String>(shown).ok() == text(texts, row),
        Column::Json(texts) => {
            text(texts, row).is_some_and(|text| text.trim_matches([' ', '\n', '\r', '\t']) == shown)
        }
        Column::Float32(values) => values.get(row).is_some_and(|value| match value.is_finite() {
            true => shown.parse() == Ok(*value),
            false => shown == "null",
        }),
        Column::Float64(values) => values.get(row).is_some_and(|value| match value.is_finite() {
            true => shown.parse() == Ok(*value),
            false => shown == "null",
        }),
        Column::Int8(values) => is(values, row, shown),
        Column::Int16(values) => is(values, row, shown),
        Column::Int32(values) => is(values, row, shown),
        Column::Int64(values) => is(values, row, shown),
        Column::Uint8(values) => is(values, row, shown),
        Column::Uint16(values) | Column::Enumeration(values) => is(values, row, shown),
        Column::Uint32(values) => is(values, row, shown),
        Column::Uint64(values) => is(values, row, shown),
    }
}

fn in_arrow(frame: &Frame, file: &[u8]) {
    let reader = FileReader::try_new(Cursor::new(file), None);
    let Ok(reader) = reader else { unreachable!("the file cannot be read: {:?}", reader.err()) };
    let schema = reader.schema();
    assert_eq!(schema.fields().len(), frame.fields.len());
    let batches: Result<Vec<RecordBatch>, _> = reader.collect();
    let Ok(batches) = batches else { unreachable!("the columns cannot be read: {:?}", batches.err()) };
    let rows = frame.fields.first().map_or(0, |field| rows(&field.column));
    assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), rows);
    for batch in &batches {
        for (field, column) in frame.fields.iter().zip(batch.columns()) {
            for row in 0..rows {
                assert_eq!(column.is_null(row), is_null(field, row), "row {row} of {:?}", field.column);
                let same = match &field.column {
                    _ if column.is_null(row) => true,
                    Column::Text(texts) => {
                        let strings = column.as_string_opt::<i32>();
                        strings.map(|strings| strings.value(row).to_owned()) == text(texts, row)
                    }
                    Column::Int64(values) => {
                        let numbers = column.as_primitive_opt::<Int64Type>();
                        numbers.map(|numbers| numbers.value(row)) == values.get(row).copied()
                    }
                    Column::Boolean(booleans) => column
                        .as_boolean_opt()
                        .is_some_and(|bits| bits.value(row) == bit(&booleans.bits, row)),
                    _ => true,
                };
                assert!(same, "row {row} of {:?} is not that of {column:?}", field.column);
            }
        }
    }
}

fn is_null(field: &Field, row: usize) -> bool {
    field.validity.as_ref().is_some_and(|bits| !bits.is_empty() && !bit(bits, row))
}

fn bit(bits: &[u8], row: usize) -> bool {
    bits.get(row / 8).is_some_and(|byte| byte >> (row % 8) & 1 == 1)
}

fn text(texts: &Texts, row: usize) -> Option<String> {
    let [start, end] =
        [row, row + 1].map(|at| texts.offsets.get(at).and_then(|at| usize::try_from(*at).ok()));
    String::from_utf8(texts.bytes.get(start?..end?)?.to_vec()).ok()
}

fn rows(column: &Column) -> usize {
    match column {
        Column::Time(values) | Column::Int64(values) => values.len(),
        Column::Text(texts) | Column::Json(texts) => texts.offsets.len().saturating_sub(1),
        Column::Boolean(booleans) => booleans.rows as usize,
        Column::Int8(values) => values.len(),
        Column::Uint8(values) => values.len(),
        Column::Int16(values) => values.len(),
        Column::Uint16(values) | Column::Enumeration(values) => values.len(),
        Column::Int32(values) => values.len(),
        Column::Uint32(values) => values.len(),
        Column::Uint64(values) => values.len(),
        Column::Float32(values) => values.len(),
        Column::Float64(values) => values.len(),
    }
}

fn polled<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
}

// === impl Parts ===

impl Parts<'_> {
    fn byte(&mut self) -> u8 {
        self.bytes(1).first().copied().unwrap_or_default()
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        let (bytes, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        bytes.to_vec()
    }

    /// As many bytes as the next one says.
    fn some(&mut self) -> Vec<u8> {
        let count = self.byte();
        self.bytes(count.into())
    }

    fn text(&mut self) -> String {
        String::from_utf8_lossy(&self.some()).into_owned()
    }

    fn words<const SIZE: usize, T>(&mut self, count: usize, of: fn([u8; SIZE]) -> T) -> Vec<T> {
        let mut word = || {
            let bytes = self.bytes(SIZE);
            of(std::array::from_fn(|at| bytes.get(at).copied().unwrap_or_default()))
        };
        (0..count).map(|_| word()).collect()
    }

    fn frame(&mut self) -> Frame {
        let (fields, rows) = (self.byte() % 4, usize::from(self.byte() % 32));
        let meta = self.optional(Self::text);
        let fields = (0..fields).map(|_| self.field(rows)).collect();
        Frame { name: self.text(), ref_id: self.text(), meta, fields }
    }

    fn field(&mut self, rows: usize) -> Field {
        // Mostly as many rows as the others.
        let rows = self.optional(|parts| parts.byte().into()).unwrap_or(rows);
        let column = self.column(rows);
        let label = |parts: &mut Self| Label { name: parts.text(), value: parts.text() };
        Field {
            validity: self.optional(|parts| parts.bytes(rows.div_ceil(8))),
            config: self.optional(Self::text),
            labels: self.optional(|parts| (0..parts.byte() % 4).map(|_| label(parts)).collect()),
            name: self.text(),
            column,
        }
    }

    fn optional<T>(&mut self, part: impl FnOnce(&mut Self) -> T) -> Option<T> {
        (self.byte() % 4 == 3).then(|| part(self))
    }

    fn column(&mut self, rows: usize) -> Column {
        match self.byte() % 15 {
            0 => Column::Time(self.words(rows, i64::from_le_bytes)),
            1 => Column::Text(self.texts(rows)),
            2 => {
                let count = self.optional(|parts| u32::from(parts.byte()) << 8).unwrap_or(rows as u32);
                Column::Boolean(Booleans { rows: count, bits: self.bytes(rows.div_ceil(8)) })
            }
            3 => Column::Int8(self.words(rows, i8::from_le_bytes)),
            4 => Column::Int16(self.words(rows, i16::from_le_bytes)),
            5 => Column::Int32(self.words(rows, i32::from_le_bytes)),
            6 => Column::Int64(self.words(rows, i64::from_le_bytes)),
            7 => Column::Uint8(self.words(rows, u8::from_le_bytes)),
            8 => Column::Uint16(self.words(rows, u16::from_le_bytes)),
            9 => Column::Uint32(self.words(rows, u32::from_le_bytes)),
            10 => Column::Uint64(self.words(rows, u64::from_le_bytes)),
            11 => Column::Float32(self.words(rows, f32::from_le_bytes)),
            12 => Column::Float64(self.words(rows, f64::from_le_bytes)),
            13 => Column::Json(self.texts(rows)),
            _ => Column::Enumeration(self.words(rows, u16::from_le_bytes)),
        }
    }

    fn texts(&mut self, rows: usize) -> Texts {
        let texts: Vec<_> = (0..rows).map(|_| self.some()).collect();
        let ends = texts.iter().scan(0_i32, |end, text| {
            *end += i32::try_from(text.len()).unwrap_or_default();
            Some(*end)
        });
        let mut offsets: Vec<_> = [0].into_iter().chain(ends).collect();
        let mistake = self.optional(|parts| (parts.byte(), parts.words(1, i32::from_le_bytes)));
        if let Some((at, offset)) = mistake
            && let Some(place) = offsets.get_mut(usize::from(at))
        {
            *place = offset.first().copied().unwrap_or_default();
        }
        Texts { offsets, bytes: texts.concat() }
    }
}
