//! The body of the record batch: the columns' memory, as it came from the component.

use zerocopy::IntoBytes as _;

use super::super::draft::{Draft, Full};
use super::super::pace::{FIELD_WORK, Pace};
use super::super::table::{Series, Table, first_bits};
use crate::capability::bindings::gpx::plugin::frames::Column;

/// The buffers of all columns, and where each of them is.
pub(super) struct Body<'a> {
    /// The null count of each column.
    pub(super) nulls: Vec<usize>,
    pub(super) buffers: Vec<Buffer<'a>>,
    len: u64,
}

/// One buffer of a column: at `offset` from the body's start.
pub(super) struct Buffer<'a> {
    pub(super) offset: u64,
    pub(super) bytes: &'a [u8],
}

/// Arrow recommends that buffers begin at a multiple of 64 bytes: the width of the widest vector registers.
const ALIGNMENT: u64 = 64;

// === impl Body ===

impl<'a> Body<'a> {
    pub(super) async fn new(table: &Table<'a>, pace: &mut Pace) -> Body<'a> {
        let columns = table.series.len();
        let mut body =
            Body { nulls: Vec::with_capacity(columns), buffers: Vec::with_capacity(columns * 2), len: 0 };
        for series in &table.series {
            body.add(series, table.rows);
            pace.spend(FIELD_WORK).await;
        }
        body
    }

    /// The padded length.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Appends the buffers with their padding.
    pub(super) async fn write(&self, draft: &mut Draft<'_>) -> Result<(), Full> {
        let start = draft.bytes.len();
        let mut ends = self.buffers.iter().skip(1).map(|buffer| buffer.offset);
        for buffer in &self.buffers {
            draft.copy(buffer.bytes).await?;
            draft.bytes.resize(start + ends.next().unwrap_or(self.len) as usize, 0);
            draft.pause(size_of::<Buffer<'_>>()).await?;
        }
        Ok(())
    }

    fn add(&mut self, series: &Series<'a>, rows: usize) {
        self.nulls.push(series.nulls.map_or(0, |nulls| nulls.count));
        // A column without nulls has an empty bitmap.
        self.push(series.nulls.map_or(&[], |nulls| nulls.validity));
        match &series.field.column {
            Column::Text(texts) | Column::Json(texts) => {
                self.push(texts.offsets.as_bytes());
                self.push(&texts.bytes);
            }
            Column::Boolean(booleans) => self.push(first_bits(&booleans.bits, rows)),
            Column::Time(values) | Column::Int64(values) => self.push(values.as_bytes()),
            Column::Int8(values) => self.push(values.as_bytes()),
            Column::Int16(values) => self.push(values.as_bytes()),
            Column::Int32(values) => self.push(values.as_bytes()),
            Column::Uint8(values) => self.push(values),
            Column::Uint16(values) | Column::Enumeration(values) => self.push(values.as_bytes()),
            Column::Uint32(values) => self.push(values.as_bytes()),
            Column::Uint64(values) => self.push(values.as_bytes()),
            Column::Float32(values) => self.push(values.as_bytes()),
            Column::Float64(values) => self.push(values.as_bytes()),
        }
    }

    fn push(&mut self, bytes: &'a [u8]) {
        self.buffers.push(Buffer { offset: self.len, bytes });
        self.len += (bytes.len() as u64).next_multiple_of(ALIGNMENT);
    }
}
