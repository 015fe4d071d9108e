//! One column as a JSON array, and the information that the array cannot carry.

use itoa::Integer;

use super::super::draft::{Draft, Full};
use super::super::number::{self, Float};
use super::super::table::{Nulls, Series, bit};
use crate::capability::bindings::gpx::plugin::frames::Column;
use array::write_array;
use rest::{Entities, NANOS_PER_MILLI};
use texts::{Cells, write_texts};

pub(super) use rest::{Rest, write_entities, write_nanos};

mod array;
mod rest;
#[cfg(test)]
mod tests;
mod texts;

/// Returns the most bytes that the column's numbers can take. For strings, it is what they take if nothing is escaped.
/// Reserving memory without writing to it costs nothing, whereas growing the text step by step does.
pub(super) fn estimate(column: &Column, rows: usize) -> usize {
    let width = match column {
        Column::Int8(_) | Column::Uint8(_) => 5,
        Column::Boolean(_) | Column::Uint16(_) | Column::Enumeration(_) => 6,
        Column::Int16(_) => 7,
        Column::Int32(_) | Column::Uint32(_) => 12,
        Column::Time(_) => 15,
        Column::Float32(_) => 17,
        Column::Int64(_) | Column::Uint64(_) => 21,
        Column::Float64(_) => 26,
        Column::Text(texts) | Column::Json(texts) => {
            return texts.bytes.len().saturating_add(rows.saturating_mul(3));
        }
    };
    rows.saturating_mul(width)
}

/// Returns the least number of bytes that the column takes, judged by its type.
pub(super) fn least(column: &Column, rows: usize) -> usize {
    let width = match column {
        Column::Boolean(_) => 5,
        Column::Text(_) => 3,
        _ => 2,
    };
    rows.saturating_mul(width)
}

/// Appends the column's values.
pub(super) async fn write(draft: &mut Draft<'_>, series: &Series<'_>, rows: usize) -> Result<Rest, Full> {
    let nulls = series.nulls;
    match &series.field.column {
        Column::Time(values) => return write_times(draft, values, nulls).await,
        Column::Float32(values) => return write_floats(draft, values, nulls).await,
        Column::Float64(values) => return write_floats(draft, values, nulls).await,
        Column::Text(texts) => write_texts(draft, texts, rows, nulls, Cells::Texts).await?,
        Column::Json(texts) => write_texts(draft, texts, rows, nulls, Cells::Json).await?,
        Column::Boolean(booleans) => {
            let word = |row| if bit(&booleans.bits, row) { b"true".as_slice() } else { b"false" };
            write_array(draft, rows, nulls, |out, row| out.extend_from_slice(word(row))).await?;
        }
        Column::Int8(values) => write_integers(draft, values, nulls).await?,
        Column::Int16(values) => write_integers(draft, values, nulls).await?,
        Column::Int32(values) => write_integers(draft, values, nulls).await?,
        Column::Int64(values) => write_integers(draft, values, nulls).await?,
        Column::Uint8(values) => write_integers(draft, values, nulls).await?,
        Column::Uint16(values) | Column::Enumeration(values) => write_integers(draft, values, nulls).await?,
        Column::Uint32(values) => write_integers(draft, values, nulls).await?,
        Column::Uint64(values) => write_integers(draft, values, nulls).await?,
    }
    Ok(Rest::Nothing)
}

async fn write_times(draft: &mut Draft<'_>, times: &[i64], nulls: Option<Nulls<'_>>) -> Result<Rest, Full> {
    let mut nanos = false;
    write_array(draft, times.len(), nulls, |out, row| {
        let time = times.get(row).copied().unwrap_or_default();
        number::integer(out, time.div_euclid(NANOS_PER_MILLI));
        nanos |= time % NANOS_PER_MILLI != 0;
    })
    .await?;
    Ok(if nanos { Rest::Nanos } else { Rest::Nothing })
}

async fn write_floats<T: Float>(
    draft: &mut Draft<'_>,
    values: &[T],
    nulls: Option<Nulls<'_>>,
) -> Result<Rest, Full> {
    let mut entities = None;
    write_array(draft, values.len(), nulls, |out, row| {
        let Some(value) = values.get(row) else { return };
        if !number::float(out, *value) {
            out.extend_from_slice(b"null");
            entities.get_or_insert_with(Entities::default).add((*value).into());
        }
    })
    .await?;
    Ok(entities.map_or(Rest::Nothing, Rest::Entities))
}

async fn write_integers<T: Integer + Copy>(
    draft: &mut Draft<'_>,
    values: &[T],
    nulls: Option<Nulls<'_>>,
) -> Result<(), Full> {
    write_array(draft, values.len(), nulls, |out, row| {
        if let Some(value) = values.get(row) {
            number::integer(out, *value);
        }
    })
    .await
}
