//! A frame that follows the contract: what both encoders read.

use super::pace::{PIECE, Pace};
use crate::capability::bindings::gpx::plugin::frames::{Column, Field, Label, Texts};

/// A checked frame.
pub(super) struct Table<'a> {
    pub(super) name: &'a str,
    pub(super) ref_id: &'a str,
    /// As the component wrote it.
    pub(super) meta: Option<&'a str>,
    pub(super) rows: usize,
    pub(super) series: Vec<Series<'a>>,
}

/// A checked field. An answer may have a million of them, so it is small.
pub(super) struct Series<'a> {
    pub(super) field: &'a Field,
    /// The field's config, as the component wrote it.
    pub(super) config: Option<&'a str>,
    /// Present only if some row is null.
    pub(super) nulls: Option<Nulls<'a>>,
}

/// Which rows are null.
#[derive(Clone, Copy)]
pub(super) struct Nulls<'a> {
    pub(super) count: usize,
    /// As many bytes as the rows need; a set bit is a value.
    pub(super) validity: &'a [u8],
}

// === impl Table ===

impl Table<'_> {
    /// Returns whether there is no cell at all.
    pub(super) fn is_empty(&self) -> bool {
        self.rows == 0 || self.series.is_empty()
    }
}

// === impl Series ===

impl Series<'_> {
    pub(super) fn is_null(&self, row: usize) -> bool {
        self.nulls.is_some_and(|nulls| nulls.is_null(row))
    }

    /// Returns whether the field's type is nullable. It may be even if no row is null.
    pub(super) fn is_nullable(&self) -> bool {
        self.field.validity.is_some()
    }

    /// Returns the name of the column's type in Grafana's frontend.
    pub(super) fn type_word(&self) -> &'static str {
        match self.field.column {
            Column::Time(_) => "time",
            Column::Text(_) => "string",
            Column::Boolean(_) => "boolean",
            Column::Json(_) => "other",
            Column::Enumeration(_) => "enum",
            Column::Int8(_) | Column::Int16(_) | Column::Int32(_) | Column::Int64(_) => "number",
            Column::Uint8(_) | Column::Uint16(_) | Column::Uint32(_) | Column::Uint64(_) => "number",
            Column::Float32(_) | Column::Float64(_) => "number",
        }
    }
}

// === impl Nulls ===

impl<'a> Nulls<'a> {
    /// Reads a bitmap that has a bit for each row. Returns `None` if no row is null.
    pub(super) async fn new(bitmap: &'a [u8], rows: usize, pace: &mut Pace) -> Option<Nulls<'a>> {
        let validity = first_bits(bitmap, rows);
        let (whole, last) = validity.split_at_checked(rows / 8)?;
        let mut values = 0;
        for piece in whole.chunks(PIECE) {
            values += piece.iter().map(|byte| byte.count_ones() as usize).sum::<usize>();
            pace.spend(piece.len()).await;
        }
        let mask = (1_u8 << (rows % 8)) - 1;
        values += last.iter().map(|byte| (byte & mask).count_ones() as usize).sum::<usize>();
        (values < rows).then_some(Nulls { count: rows - values, validity })
    }

    pub(super) fn is_null(&self, row: usize) -> bool {
        !bit(self.validity, row)
    }
}

/// Returns the bytes that hold the first `rows` bits.
pub(super) fn first_bits(bits: &[u8], rows: usize) -> &[u8] {
    bits.get(..rows.div_ceil(8)).unwrap_or(bits)
}

/// Returns bit `row`, counted from the least significant bit of the first byte.
pub(super) fn bit(bits: &[u8], row: usize) -> bool {
    bits.get(row / 8).is_some_and(|byte| byte >> (row % 8) & 1 == 1)
}

/// Returns the string in a row of a checked column. It is empty if there is no such row.
pub(super) fn text(texts: &Texts, row: usize) -> &[u8] {
    match (texts.offsets.get(row), texts.offsets.get(row + 1)) {
        (Some(start), Some(end)) => texts.bytes.get(*start as usize..*end as usize).unwrap_or_default(),
        _ => &[],
    }
}

/// Sorts a field's labels by name, as Grafana's own encoder writes them.
pub(super) fn sorted(labels: &[Label]) -> Vec<&Label> {
    let mut sorted: Vec<&Label> = labels.iter().collect();
    sorted.sort_unstable_by_key(|label| label.name.as_str());
    sorted
}
