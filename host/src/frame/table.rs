//! A frame that keeps what the contract promises: what both encoders read.

use crate::capability::bindings::gpx::plugin::frames::{Column, Label, Texts};

/// A checked frame.
pub(super) struct Table<'a> {
    pub(super) name: &'a str,
    pub(super) ref_id: &'a str,
    pub(super) meta: Option<&'a str>,
    pub(super) rows: usize,
    pub(super) series: Vec<Series<'a>>,
}

/// A checked field.
pub(super) struct Series<'a> {
    pub(super) name: &'a str,
    /// Sorted by name, as Grafana's own encoder writes them.
    pub(super) labels: Option<Vec<&'a Label>>,
    pub(super) config: Option<&'a str>,
    pub(super) nullable: bool,
    /// Only where some row is null.
    pub(super) nulls: Option<Nulls<'a>>,
    pub(super) column: &'a Column,
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
    /// Whether there is no cell at all.
    pub(super) fn is_empty(&self) -> bool {
        self.rows == 0 || self.series.is_empty()
    }
}

// === impl Series ===

impl Series<'_> {
    /// The word for the column's type in Grafana's front end.
    pub(super) fn type_word(&self) -> &'static str {
        match self.column {
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
    /// Reads a bitmap that has a bit for each row.
    pub(super) fn new(bitmap: &'a [u8], rows: usize) -> Option<Nulls<'a>> {
        let validity = first_bits(bitmap, rows);
        let (whole, last) = validity.split_at_checked(rows / 8)?;
        let mask = (1_u8 << (rows % 8)) - 1;
        let values = whole.iter().map(|byte| byte.count_ones() as usize).sum::<usize>()
            + last.iter().map(|byte| (byte & mask).count_ones() as usize).sum::<usize>();
        (values < rows).then_some(Nulls { count: rows - values, validity })
    }

    pub(super) fn is_null(&self, row: usize) -> bool {
        !bit(self.validity, row)
    }
}

/// The bytes that hold the first `rows` bits.
pub(super) fn first_bits(bits: &[u8], rows: usize) -> &[u8] {
    bits.get(..rows.div_ceil(8)).unwrap_or(bits)
}

/// Bit `row`, least significant bit of the first byte first.
pub(super) fn bit(bits: &[u8], row: usize) -> bool {
    bits.get(row / 8).is_some_and(|byte| byte >> (row % 8) & 1 == 1)
}

/// The rows of a checked column of texts.
pub(super) fn text_rows(texts: &Texts) -> impl Iterator<Item = &[u8]> {
    texts.offsets.windows(2).map(|pair| match pair {
        [start, end] => texts.bytes.get(*start as usize..*end as usize).unwrap_or_default(),
        _ => &[],
    })
}
