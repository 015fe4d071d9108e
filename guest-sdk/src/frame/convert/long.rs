//! From long to wide, by the rules of the Go SDK's `data.LongToWide`.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::super::kind::{bit, is_null, text};
use super::builder::{Builder, Cell};
use super::error::Mistake;
use super::fill::Fill;
use super::schema::{Schema, rows};
use super::shape::Shape;
use crate::bindings::base::gpx::plugin::frames as wit;

/// How many values a wide frame may have, with those that are filled. As numbers they take 128 MiB, of the 256 MiB that an
/// instance may have by default.
const VALUES: usize = 1 << 24;

/// A set of labels, in the order of the fields that they were, and which row of the long frame is in which of the wide.
struct Series {
    factors: Vec<String>,
    rows: BTreeMap<usize, usize>,
}

pub(super) fn long_to_wide(fields: Vec<wit::Field>, fill: Option<Fill>) -> Result<Vec<wit::Field>, Mistake> {
    let schema = Schema::of(&fields);
    if schema.shape != Shape::Long {
        return Err(Mistake::Shape { is: schema.shape, wanted: Shape::Long });
    }
    let pick =
        |numbers: &[usize]| numbers.iter().filter_map(|number| fields.get(*number)).collect::<Vec<_>>();
    let (values, factors) = (pick(&schema.values), pick(&schema.factors));
    let rows = rows(&fields)?;
    if rows == 0 {
        return Err(Mistake::NoRows);
    }
    let mut times = vec![schema.time_at(&fields, 0)?];
    let mut names = HashSet::new();
    if let Some(twice) = factors.iter().find(|factor| !names.insert(&factor.name)) {
        return Err(Mistake::SameName { name: twice.name.clone() });
    }
    let mut known = HashMap::new();
    let mut series: Vec<Series> = Vec::new();
    for row in 0..rows {
        let time = schema.time_at(&fields, row)?;
        match times.last() {
            Some(last) if time < *last => return Err(Mistake::Unsorted { row }),
            Some(last) if time > *last => times.push(time),
            _ => {}
        }
        let factors: Vec<_> = factors.iter().map(|field| factor(field, row)).collect();
        let at = *known.entry(factors).or_insert_with_key(|factors| {
            series.push(Series { factors: factors.clone(), rows: BTreeMap::new() });
            series.len() - 1
        });
        if let Some(series) = series.get_mut(at) {
            series.rows.insert(times.len() - 1, row);
        }
    }
    let count = times.len().saturating_mul(series.len()).saturating_mul(values.len());
    if count > VALUES {
        return Err(Mistake::ManyValues { values: count, most: VALUES });
    }
    let mut wide = Vec::new();
    for series in &series {
        for field in &values {
            wide.push((series, field, values_of(series, field, times.len(), fill)));
        }
    }
    // Go sorts stably, but takes the last field to the front before.
    wide.rotate_right(1);
    wide.sort_by(|(a, of_a, _), (b, of_b, _)| (&of_a.name, &a.factors).cmp(&(&of_b.name, &b.factors)));
    let time = schema.time_field(&fields, times);
    let labels = |series: &Series| {
        let pairs = factors.iter().zip(&series.factors);
        pairs.map(|(field, value)| wit::Label { name: field.name.clone(), value: value.clone() }).collect()
    };
    let wide = wide.into_iter().map(|(series, field, (column, validity))| wit::Field {
        name: field.name.clone(),
        labels: Some(labels(series)),
        config: field.config.clone(),
        validity,
        column,
    });
    Ok(time.into_iter().chain(wide).collect())
}

/// A field of one series.
fn values_of(
    series: &Series,
    field: &wit::Field,
    rows: usize,
    fill: Option<Fill>,
) -> (wit::Column, Option<Vec<u8>>) {
    let is_nullable = field.validity.is_some() || matches!(fill, Some(Fill::Previous | Fill::Null));
    let mut last = Cell::Null;
    let cells = (0..rows).map(|row| {
        last = match (series.rows.get(&row), fill) {
            (Some(row), _) => Cell::Of(field, *row),
            (None, Some(Fill::Previous)) => last,
            (None, Some(Fill::Null)) => Cell::Null,
            (None, Some(Fill::Value(number))) => Cell::Number(number),
            (None, None) => Cell::Zero,
        };
        last
    });
    Builder::column(field, is_nullable, cells)
}

/// The value of a label.
fn factor(field: &wit::Field, row: usize) -> String {
    match &field.column {
        wit::Column::Text(texts) => text(field, texts, row).to_owned(),
        wit::Column::Boolean(booleans) => (!is_null(field, row) && bit(&booleans.bits, row)).to_string(),
        // No other field is a factor.
        _ => String::new(),
    }
}
