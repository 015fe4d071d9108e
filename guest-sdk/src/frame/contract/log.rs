//! Lines of a log.

use super::super::kind::{Kind, text};
use super::breach::Breach::*;
use super::breach::Check;
use crate::bindings::base::gpx::plugin::frames as wit;

/// The fields that the contract names, what they hold, and whether they are required and so have no nulls.
const FIELDS: &[(&str, Kind, bool)] = &[
    ("timestamp", Kind::Time, true),
    ("body", Kind::Text, true),
    ("severity", Kind::Text, false),
    ("id", Kind::Text, false),
    ("labels", Kind::Json, false),
    ("labelTypes", Kind::Json, false),
];

pub(super) fn lines(fields: &[wit::Field], rows: usize) -> Check {
    for &(name, kind, is_required) in FIELDS {
        let mut named = fields.iter().enumerate().filter(|(_, field)| field.name == name);
        let Some((number, field)) = named.next() else {
            if is_required {
                return Err((None, Missing { name, kind }));
            }
            continue;
        };
        if let Some((second, _)) = named.next() {
            return Err((Some(second), SameName { first: number }));
        }
        if Kind::of(&field.column) != kind {
            return Err((Some(number), WrongKind { kind }));
        }
        if is_required && field.validity.is_some() {
            return Err((Some(number), NullableLine));
        }
        if let wit::Column::Json(texts) = &field.column {
            let is_object = |row: &usize| {
                matches!(text(field, texts, *row).trim_start().chars().next(), None | Some('{'))
            };
            if let Some(row) = (0..rows).find(|row| !is_object(row)) {
                return Err((Some(number), NoObject { row }));
            }
        }
    }
    Ok(())
}
