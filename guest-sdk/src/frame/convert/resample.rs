//! A point at each interval, by the rules of the Go SDK's `sqlutil.ResampleWideFrame`.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::super::kind::Kind;
use super::builder::{Builder, Cell};
use super::error::Mistake;
use super::fill::Fill;
use super::schema::{Schema, rows};
use super::shape::Shape;
use crate::Time;
use crate::bindings::base::gpx::plugin::frames as wit;

/// A row takes 24 bytes while it is made, and then those of its values. An instance may have 256 MiB by default.
const ROWS: u64 = 1 << 22;

/// What a row of the result is made of.
struct Row {
    time: i64,
    /// The last row of the interval.
    within: Option<usize>,
    /// The last row until then.
    seen: Option<usize>,
}

pub(super) fn resample(
    fields: Vec<wit::Field>,
    range: RangeInclusive<Time>,
    interval: Duration,
    fill: Option<Fill>,
) -> Result<Vec<wit::Field>, Mistake> {
    let schema = Schema::of(&fields);
    if schema.shape == Shape::Not {
        return Err(Mistake::NoSeries);
    }
    let interval = i64::try_from(interval.as_nanos()).unwrap_or(i64::MAX);
    if interval == 0 {
        return Ok(fields);
    }
    let (start, end) = (range.start().unix_nanos(), range.end().unix_nanos());
    let rows = found(&schema, &fields, start..=end, interval)?;
    let resampled = fields.iter().enumerate().map(|(number, field)| {
        if number == schema.time {
            let times = rows.iter().map(|row| row.time).collect();
            // An empty bitmap has no nulls.
            let validity = field.validity.as_ref().map(|_| Vec::new());
            return wit::Field { column: wit::Column::Time(times), validity, ..described(field) };
        }
        let is_value = schema.values.contains(&number);
        let cell = |row: &Row| match (row.within, row.seen, fill) {
            (Some(within), ..) if is_value => Cell::Of(field, within),
            (_, Some(seen), _) if !is_value => Cell::Of(field, seen),
            (_, Some(seen), Some(Fill::Previous)) if is_value => Cell::Of(field, seen),
            (_, _, Some(Fill::Value(number))) if is_value && Kind::of(&field.column) == Kind::Number => {
                Cell::Number(number)
            }
            _ => Cell::Null,
        };
        let is_nullable = field.validity.is_some() || rows.iter().any(|row| matches!(cell(row), Cell::Null));
        let (column, validity) = Builder::column(field, is_nullable, rows.iter().map(cell));
        wit::Field { column, validity, ..described(field) }
    });
    Ok(resampled.collect())
}

/// Looks for the rows of each interval. Each ends at the time of its point, and begins after that of the one before.
fn found(
    schema: &Schema,
    fields: &[wit::Field],
    range: RangeInclusive<i64>,
    interval: i64,
) -> Result<Vec<Row>, Mistake> {
    let len = rows(fields)?;
    let (start, end) = range.into_inner();
    let count =
        if start > end { 0 } else { (end.abs_diff(start) / interval.unsigned_abs()).saturating_add(1) };
    if count > ROWS {
        return Err(Mistake::ManyRows { rows: count, most: ROWS });
    }
    let mut found = Vec::with_capacity(count as usize);
    let (mut time, mut next) = (start, 0);
    for _ in 0..count {
        let mut within = None;
        while next < len {
            let at = schema.time_at(fields, next)?;
            if at > time {
                break;
            }
            if at > time.saturating_sub(interval) {
                within = Some(next);
            }
            next += 1;
        }
        found.push(Row { time, within, seen: next.checked_sub(1) });
        time = time.saturating_add(interval);
    }
    Ok(found)
}

/// The field without its values.
fn described(field: &wit::Field) -> wit::Field {
    let wit::Field { name, labels, config, .. } = field;
    let column = wit::Column::Time(Vec::new());
    wit::Field { name: name.clone(), labels: labels.clone(), config: config.clone(), validity: None, column }
}
