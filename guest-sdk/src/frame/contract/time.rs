//! Times, which are in order.

use super::breach::Breach::{self, *};
use super::breach::Check;
use crate::bindings::base::gpx::plugin::frames as wit;

/// Whether a time may be that of several rows.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Repetition {
    Yes,
    No,
}

/// There is one field of times.
pub(super) fn time(fields: &[wit::Field], repetition: Repetition) -> Check {
    let mut times = fields.iter().enumerate().filter_map(|(number, field)| match &field.column {
        wit::Column::Time(times) => Some((number, field, times)),
        _ => None,
    });
    let (number, field, values) = times.next().ok_or((None, NoTime))?;
    if let Some((second, ..)) = times.next() {
        return Err((Some(second), SecondTime { first: number }));
    }
    ascending(number, field, values, repetition)
}

/// Times are what each row has, in this order.
pub(super) fn ascending(number: usize, field: &wit::Field, times: &[i64], repetition: Repetition) -> Check {
    if field.validity.is_some() {
        return Err((Some(number), NullableTime));
    }
    if field.labels.as_ref().is_some_and(|labels| !labels.is_empty()) {
        return Err((Some(number), LabelledTime));
    }
    in_order(times, repetition).map_err(|breach| (Some(number), breach))
}

/// Each time is after the one before it, or at least not before it.
pub(crate) fn in_order(times: &[i64], repetition: Repetition) -> Result<(), Breach> {
    let pairs = times.iter().zip(times.iter().skip(1));
    for (row, (before, time)) in (1..).zip(pairs) {
        if time < before {
            return Err(Unsorted { row });
        }
        if time == before && repetition == Repetition::No {
            return Err(RepeatedTime { row });
        }
    }
    Ok(())
}
