//! What kind of values a column holds, and single values of it, for code that looks into frames.

use crate::bindings::base::gpx::plugin::frames as wit;

/// What a column can be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Time,
    Number,
    Boolean,
    Text,
    Json,
    Enumeration,
}

// === impl Kind ===

impl Kind {
    pub(super) fn of(column: &wit::Column) -> Self {
        match column {
            wit::Column::Time(_) => Self::Time,
            wit::Column::Text(_) => Self::Text,
            wit::Column::Boolean(_) => Self::Boolean,
            wit::Column::Json(_) => Self::Json,
            wit::Column::Enumeration(_) => Self::Enumeration,
            wit::Column::Int8(_)
            | wit::Column::Int16(_)
            | wit::Column::Int32(_)
            | wit::Column::Int64(_)
            | wit::Column::Uint8(_)
            | wit::Column::Uint16(_)
            | wit::Column::Uint32(_)
            | wit::Column::Uint64(_)
            | wit::Column::Float32(_)
            | wit::Column::Float64(_) => Self::Number,
        }
    }
}

/// Whether a row of a field is null. Bitmaps that are empty have no null.
pub(super) fn is_null(field: &wit::Field, row: usize) -> bool {
    field.validity.as_ref().is_some_and(|bits| !bits.is_empty() && !bit(bits, row))
}

/// Bit 0 is the least significant one of the first byte.
pub(super) fn bit(bits: &[u8], row: usize) -> bool {
    bits.get(row / 8).is_some_and(|byte| byte >> (row % 8) & 1 == 1)
}

/// The text of a row. It is empty if the row is null or broken.
pub(super) fn text<'t>(field: &wit::Field, texts: &'t wit::Texts, row: usize) -> &'t str {
    let bounds = (texts.offsets.get(row), texts.offsets.get(row + 1));
    let (Some(&start), Some(&end)) = bounds else { return "" };
    let bytes = texts.bytes.get(start as usize..end as usize);
    match bytes.and_then(|bytes| str::from_utf8(bytes).ok()) {
        Some(text) if !is_null(field, row) => text,
        _ => "",
    }
}
