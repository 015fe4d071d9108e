//! What the array of a column's values cannot carry: nanoseconds, and the floats that are not numbers in JSON.

use super::super::super::draft::{Draft, Full};
use super::super::super::escape::{self, Style};
use super::super::super::number::{self, Float};
use super::super::super::table::{Nulls, Series};
use super::array::{ROWS, write_array};
use crate::capability::bindings::gpx::plugin::frames::Column;

/// Which of these a column has.
#[derive(Clone, Copy)]
pub(in super::super) enum Rest {
    Nothing,
    /// Some rows hold no finite number.
    Entities(Entities),
    /// Some times are not whole milliseconds.
    Nanos,
}

/// Which floats without a number in JSON a column has.
#[derive(Clone, Copy, Default)]
pub(in super::super) struct Entities {
    nan: bool,
    inf: bool,
    neg_inf: bool,
}

/// Distinguishes one kind of entity from other floats.
type IsMeant = fn(f64) -> bool;

pub(super) const NANOS_PER_MILLI: i64 = 1_000_000;

/// Appends the rows of the column's entities, or null.
pub(in super::super) async fn write_entities(
    draft: &mut Draft<'_>,
    series: &Series<'_>,
    rest: Rest,
) -> Result<(), Full> {
    let Rest::Entities(Entities { nan, inf, neg_inf }) = rest else {
        draft.bytes.extend_from_slice(b"null");
        return Ok(());
    };
    draft.bytes.push(b'{');
    let mut is_first = true;
    let named: [(&[u8], bool, IsMeant); 3] = [
        (b"NaN", nan, f64::is_nan),
        (b"Inf", inf, |value| value == f64::INFINITY),
        (b"NegInf", neg_inf, |value| value == f64::NEG_INFINITY),
    ];
    for (name, _, is_meant) in named.into_iter().filter(|(_, exists, _)| *exists) {
        if !std::mem::take(&mut is_first) {
            draft.bytes.push(b',');
        }
        escape::string(&mut draft.bytes, name, Style::Plain);
        draft.bytes.push(b':');
        match &series.field.column {
            Column::Float32(values) => write_rows(draft, values, series.nulls, is_meant).await?,
            Column::Float64(values) => write_rows(draft, values, series.nulls, is_meant).await?,
            _ => {}
        }
    }
    draft.bytes.push(b'}');
    Ok(())
}

/// Appends the nanoseconds that each time has beyond its milliseconds, or null.
pub(in super::super) async fn write_nanos(
    draft: &mut Draft<'_>,
    series: &Series<'_>,
    rest: Rest,
) -> Result<(), Full> {
    match (rest, &series.field.column) {
        (Rest::Nanos, Column::Time(times)) => {
            let nanos = |row| match times.get(row) {
                Some(time) if !series.is_null(row) => time.rem_euclid(NANOS_PER_MILLI),
                _ => 0,
            };
            write_array(draft, times.len(), None, |out, row| number::integer(out, nanos(row))).await
        }
        _ => {
            draft.bytes.extend_from_slice(b"null");
            Ok(())
        }
    }
}

/// Appends an array of the rows whose values are selected.
async fn write_rows<T: Float>(
    draft: &mut Draft<'_>,
    values: &[T],
    nulls: Option<Nulls<'_>>,
    is_meant: IsMeant,
) -> Result<(), Full> {
    draft.bytes.push(b'[');
    let mut is_first = true;
    for (piece, start) in values.chunks(ROWS).zip((0..).step_by(ROWS)) {
        for (row, value) in (start..).zip(piece) {
            if is_meant((*value).into()) && nulls.is_none_or(|nulls| !nulls.is_null(row)) {
                if !std::mem::take(&mut is_first) {
                    draft.bytes.push(b',');
                }
                number::integer(&mut draft.bytes, row);
            }
        }
        draft.pause(size_of_val(piece)).await?;
    }
    draft.bytes.push(b']');
    Ok(())
}

// === impl Entities ===

impl Entities {
    pub(super) fn add(&mut self, value: f64) {
        match value {
            f64::INFINITY => self.inf = true,
            f64::NEG_INFINITY => self.neg_inf = true,
            _ => self.nan = true,
        }
    }
}
