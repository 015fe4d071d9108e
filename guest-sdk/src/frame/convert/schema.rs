//! Which fields of a frame are for what, by the rules of the Go SDK's `TimeSeriesSchema`.

use super::super::column;
use super::super::kind::{Kind, is_null};
use super::error::Mistake;
use super::shape::Shape;
use crate::bindings::base::gpx::plugin::frames as wit;

/// The numbers of a frame's fields.
pub(super) struct Schema {
    pub(super) shape: Shape,
    /// The first field of times.
    pub(super) time: usize,
    /// Texts and booleans.
    pub(super) factors: Vec<usize>,
    /// All others.
    pub(super) values: Vec<usize>,
}

// === impl Schema ===

impl Schema {
    pub(super) fn of(fields: &[wit::Field]) -> Self {
        let mut schema = Self { shape: Shape::Not, time: 0, factors: Vec::new(), values: Vec::new() };
        let mut has_time = false;
        for (number, field) in fields.iter().enumerate() {
            match Kind::of(&field.column) {
                Kind::Time if !has_time => (schema.time, has_time) = (number, true),
                Kind::Text | Kind::Boolean => schema.factors.push(number),
                _ => schema.values.push(number),
            }
        }
        if has_time && !schema.values.is_empty() {
            schema.shape = if schema.factors.is_empty() { Shape::Wide } else { Shape::Long };
        }
        schema
    }

    /// The field of the time, with other times.
    pub(super) fn time_field(&self, fields: &[wit::Field], times: Vec<i64>) -> Option<wit::Field> {
        fields.get(self.time).map(|field| wit::Field {
            name: field.name.clone(),
            labels: None,
            config: field.config.clone(),
            validity: None,
            column: wit::Column::Time(times),
        })
    }

    /// The time of a row, in nanoseconds.
    pub(super) fn time_at(&self, fields: &[wit::Field], row: usize) -> Result<i64, Mistake> {
        let time = fields.get(self.time).filter(|field| !is_null(field, row)).and_then(|field| match &field
            .column
        {
            wit::Column::Time(times) => times.get(row).copied(),
            _ => None,
        });
        time.ok_or(Mistake::NullTime { row })
    }
}

/// The number of rows of all fields.
pub(super) fn rows(fields: &[wit::Field]) -> Result<usize, Mistake> {
    let mut rows = fields.iter().map(|field| column::rows(&field.column));
    let first = rows.next().unwrap_or_default();
    if rows.all(|other| other == first) { Ok(first) } else { Err(Mistake::Lengths) }
}
