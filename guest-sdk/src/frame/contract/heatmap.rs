//! Heatmaps.

use super::super::kind::Kind;
use super::breach::Breach::*;
use super::breach::Check;
use super::time::{Repetition, ascending};
use crate::bindings::base::gpx::plugin::frames as wit;

/// The upper bound of a row's bucket.
const BOUND: &str = "le";

/// The first field is the x axis. Each other field has the counts of a row.
pub(super) fn rows(fields: &[wit::Field]) -> Check {
    let Some((x, counts)) = fields.split_first() else { return Ok(()) };
    match (&x.column, Kind::of(&x.column)) {
        (wit::Column::Time(times), _) => ascending(0, x, times, Repetition::No)?,
        (_, Kind::Number) => {}
        _ => return Err((Some(0), NoAxis)),
    }
    if counts.is_empty() {
        return Err((None, NoValue));
    }
    let mut last: Option<f64> = None;
    let bound = |field: &wit::Field| {
        let labels = field.labels.iter().flatten();
        labels.into_iter().find(|label| label.name == BOUND).map(|label| label.value.clone())
    };
    let has_bounds = counts.iter().any(|field| bound(field).is_some());
    for (number, field) in counts.iter().enumerate().map(|(number, field)| (number + 1, field)) {
        if Kind::of(&field.column) != Kind::Number {
            return Err((Some(number), WrongKind { kind: Kind::Number }));
        }
        if !has_bounds {
            continue;
        }
        let text = bound(field).ok_or((Some(number), NoBound))?;
        let value: f64 = text
            .parse()
            .ok()
            .filter(|value: &f64| !value.is_nan())
            .ok_or((Some(number), OddBound { text }))?;
        if last.is_some_and(|last| value <= last) {
            return Err((Some(number), UnsortedBound));
        }
        last = Some(value);
    }
    Ok(())
}

/// Each row is a cell, whose place the names of the fields tell.
pub(super) fn cells(fields: &[wit::Field]) -> Check {
    let is_x = |field: &wit::Field| matches!(field.name.as_str(), "x" | "xMin" | "xMax");
    let is_y = |field: &wit::Field| matches!(field.name.as_str(), "y" | "yMin" | "yMax");
    for (number, field) in fields.iter().enumerate() {
        let kind = Kind::of(&field.column);
        if is_x(field) && !matches!(kind, Kind::Time | Kind::Number) {
            return Err((Some(number), NoAxis));
        }
        if is_y(field) && kind != Kind::Number {
            return Err((Some(number), WrongKind { kind: Kind::Number }));
        }
        if (is_x(field) || is_y(field))
            && let Some(first) = fields.iter().take(number).position(|other| other.name == field.name)
        {
            return Err((Some(number), SameName { first }));
        }
    }
    if !fields.iter().any(is_x) {
        return Err((None, MissingAxis { axis: 'x' }));
    }
    if !fields.iter().any(is_y) {
        return Err((None, MissingAxis { axis: 'y' }));
    }
    let is_value =
        |field: &&wit::Field| !is_x(field) && !is_y(field) && Kind::of(&field.column) == Kind::Number;
    match fields.iter().any(|field| is_value(&field)) {
        true => Ok(()),
        false => Err((None, NoValue)),
    }
}
