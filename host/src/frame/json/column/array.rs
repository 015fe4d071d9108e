//! An array that is written in small steps.

use super::super::super::draft::{Draft, Full};
use super::super::super::pace::PIECE;
use super::super::super::table::Nulls;

/// How many rows are written between two pauses. As text, a number takes up to 26 bytes.
pub(super) const ROWS: usize = PIECE / 32;

/// Appends an array that has a short cell, or null, for each row.
pub(super) async fn write_array(
    draft: &mut Draft<'_>,
    rows: usize,
    nulls: Option<Nulls<'_>>,
    mut cell: impl FnMut(&mut Vec<u8>, usize),
) -> Result<(), Full> {
    draft.bytes.push(b'[');
    let mut row = 0;
    while row < rows {
        let end = rows.min(row + ROWS);
        for row in row..end {
            write_cell(&mut draft.bytes, row, nulls, &mut cell);
        }
        row = end;
        draft.pause(0).await?;
    }
    draft.bytes.push(b']');
    Ok(())
}

/// Appends a cell, or null, and what separates it from the one before it.
#[inline]
pub(super) fn write_cell(
    out: &mut Vec<u8>,
    row: usize,
    nulls: Option<Nulls<'_>>,
    cell: &mut impl FnMut(&mut Vec<u8>, usize),
) {
    if row > 0 {
        out.push(b',');
    }
    if nulls.is_some_and(|nulls| nulls.is_null(row)) {
        out.extend_from_slice(b"null");
    } else {
        cell(out, row);
    }
}
