//! A column of strings, short and long ones.

use std::ops::Range;

use super::super::super::draft::{Draft, Full, SHORT};
use super::super::super::escape::{self, Style};
use super::super::super::pace::PIECE;
use super::super::super::table::{Nulls, text};
use super::array::write_cell;
use crate::capability::bindings::gpx::plugin::frames::Texts;

/// How the cells of a column of strings are written.
#[derive(Clone, Copy)]
pub(super) enum Cells {
    Texts,
    Json,
}

/// Appends an array of the strings.
pub(super) async fn write_texts(
    draft: &mut Draft<'_>,
    texts: &Texts,
    rows: usize,
    nulls: Option<Nulls<'_>>,
    cells: Cells,
) -> Result<(), Full> {
    draft.bytes.push(b'[');
    let mut row = 0;
    while row < rows {
        let next = write_short_texts(&mut draft.bytes, texts, row..rows, nulls, cells);
        if next == row {
            if row > 0 {
                draft.bytes.push(b',');
            }
            let long = text(texts, row);
            match cells {
                Cells::Texts => draft.string(long, Style::Html).await?,
                Cells::Json => draft.copy(long).await?,
            }
            row += 1;
        } else {
            row = next;
        }
        draft.pause(0).await?;
    }
    draft.bytes.push(b']');
    Ok(())
}

/// Appends cells up to a long one, or a piece of them. Returns the row of the next one.
fn write_short_texts(
    out: &mut Vec<u8>,
    texts: &Texts,
    rows: Range<usize>,
    nulls: Option<Nulls<'_>>,
    cells: Cells,
) -> usize {
    let full = out.len() + PIECE;
    let mut cell = |out: &mut Vec<u8>, row| match cells {
        Cells::Texts => escape::string(out, text(texts, row), Style::Html),
        Cells::Json => out.extend_from_slice(text(texts, row)),
    };
    for row in rows.clone() {
        let is_long = text(texts, row).len() > SHORT && nulls.is_none_or(|nulls| !nulls.is_null(row));
        if is_long || out.len() >= full {
            return row;
        }
        write_cell(out, row, nulls, &mut cell);
    }
    rows.end
}
