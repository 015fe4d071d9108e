//! Columns that are made cell by cell.

use super::super::kind::{Kind, bit, is_null};
use crate::bindings::base::gpx::plugin::frames as wit;

/// JSON where there is none.
const NULL: &[u8] = b"null";

/// A cell of a column that is being made.
#[derive(Clone, Copy)]
pub(super) enum Cell<'f> {
    /// A cell of another field of that type, null or not.
    Of(&'f wit::Field, usize),
    Null,
    /// Null in a nullable field, otherwise the type's zero.
    Zero,
    /// In a field that has no numbers the same as `Zero`.
    Number(f64),
}

/// A column that is being made.
pub(super) struct Builder {
    column: wit::Column,
    rows: usize,
    validity: Option<Vec<u8>>,
}

// === impl Builder ===

impl Builder {
    /// Makes a column of the field's type, nullable or not.
    pub(super) fn column<'f>(
        field: &wit::Field,
        is_nullable: bool,
        cells: impl IntoIterator<Item = Cell<'f>>,
    ) -> (wit::Column, Option<Vec<u8>>) {
        let validity = is_nullable.then(Vec::new);
        let mut builder = Self { column: empty(&field.column), rows: 0, validity };
        for cell in cells {
            builder.push(cell);
        }
        (builder.column, builder.validity)
    }

    fn push(&mut self, cell: Cell<'_>) {
        let (from, number) = match cell {
            Cell::Of(field, row) if !is_null(field, row) => (Some((&field.column, row)), None),
            Cell::Number(number) if Kind::of(&self.column) == Kind::Number => (None, Some(number)),
            _ => (None, None),
        };
        if let Some(bits) = &mut self.validity {
            push_bit(bits, self.rows, from.is_some() || number.is_some());
        }
        self.rows += 1;
        /// A column whose cells can be copied.
        macro_rules! push {
            ($case:ident, $values:ident, $number:expr) => {{
                let value = match from {
                    Some((wit::Column::$case(from), row)) => from.get(row).copied(),
                    _ => number.map($number),
                };
                $values.push(value.unwrap_or_default());
            }};
        }
        match &mut self.column {
            wit::Column::Time(values) => push!(Time, values, |_| 0),
            wit::Column::Enumeration(values) => push!(Enumeration, values, |_| 0),
            wit::Column::Int8(values) => push!(Int8, values, |number| number as i8),
            wit::Column::Int16(values) => push!(Int16, values, |number| number as i16),
            wit::Column::Int32(values) => push!(Int32, values, |number| number as i32),
            wit::Column::Int64(values) => push!(Int64, values, |number| number as i64),
            wit::Column::Uint8(values) => push!(Uint8, values, |number| number as u8),
            wit::Column::Uint16(values) => push!(Uint16, values, |number| number as u16),
            wit::Column::Uint32(values) => push!(Uint32, values, |number| number as u32),
            wit::Column::Uint64(values) => push!(Uint64, values, |number| number as u64),
            wit::Column::Float32(values) => push!(Float32, values, |number| number as f32),
            wit::Column::Float64(values) => push!(Float64, values, |number| number),
            wit::Column::Text(texts) => push_text(texts, from.and_then(bytes).unwrap_or_default()),
            wit::Column::Json(texts) => push_text(texts, from.and_then(bytes).unwrap_or(NULL)),
            wit::Column::Boolean(booleans) => {
                let value = matches!(from, Some((wit::Column::Boolean(from), row)) if bit(&from.bits, row));
                push_bit(&mut booleans.bits, booleans.rows as usize, value);
                booleans.rows += 1;
            }
        }
    }
}

/// A column of the same type without rows.
fn empty(column: &wit::Column) -> wit::Column {
    let texts = || wit::Texts { offsets: vec![0], bytes: Vec::new() };
    match column {
        wit::Column::Time(_) => wit::Column::Time(Vec::new()),
        wit::Column::Text(_) => wit::Column::Text(texts()),
        wit::Column::Boolean(_) => wit::Column::Boolean(wit::Booleans { rows: 0, bits: Vec::new() }),
        wit::Column::Int8(_) => wit::Column::Int8(Vec::new()),
        wit::Column::Int16(_) => wit::Column::Int16(Vec::new()),
        wit::Column::Int32(_) => wit::Column::Int32(Vec::new()),
        wit::Column::Int64(_) => wit::Column::Int64(Vec::new()),
        wit::Column::Uint8(_) => wit::Column::Uint8(Vec::new()),
        wit::Column::Uint16(_) => wit::Column::Uint16(Vec::new()),
        wit::Column::Uint32(_) => wit::Column::Uint32(Vec::new()),
        wit::Column::Uint64(_) => wit::Column::Uint64(Vec::new()),
        wit::Column::Float32(_) => wit::Column::Float32(Vec::new()),
        wit::Column::Float64(_) => wit::Column::Float64(Vec::new()),
        wit::Column::Json(_) => wit::Column::Json(texts()),
        wit::Column::Enumeration(_) => wit::Column::Enumeration(Vec::new()),
    }
}

/// The bytes of a text.
fn bytes((column, row): (&wit::Column, usize)) -> Option<&[u8]> {
    let (wit::Column::Text(texts) | wit::Column::Json(texts)) = column else { return None };
    let (start, end) = (texts.offsets.get(row)?, texts.offsets.get(row + 1)?);
    texts.bytes.get(usize::try_from(*start).ok()?..usize::try_from(*end).ok()?)
}

/// Offsets are 32 bits wide, as are a component's addresses.
fn push_text(texts: &mut wit::Texts, text: &[u8]) {
    texts.bytes.extend_from_slice(text);
    texts.offsets.push(texts.bytes.len() as i32);
}

fn push_bit(bits: &mut Vec<u8>, row: usize, value: bool) {
    if row.is_multiple_of(8) {
        bits.push(0);
    }
    if let Some(last) = bits.last_mut() {
        *last |= u8::from(value) << (row % 8);
    }
}
