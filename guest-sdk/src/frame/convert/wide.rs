//! From wide to long, by the rules of the Go SDK's `data.WideToLong`.

use std::collections::{BTreeMap, BTreeSet};
use std::mem::discriminant;

use super::super::Labels;
use super::super::column::Item;
use super::builder::{Builder, Cell};
use super::error::Mistake;
use super::schema::{Schema, rows};
use super::shape::Shape;
use crate::bindings::base::gpx::plugin::frames as wit;

/// The fields of a set of labels.
struct Set<'f> {
    labels: Labels,
    fields: BTreeMap<&'f str, &'f wit::Field>,
}

pub(super) fn wide_to_long(fields: Vec<wit::Field>) -> Result<Vec<wit::Field>, Mistake> {
    let schema = Schema::of(&fields);
    if schema.shape != Shape::Wide {
        return Err(Mistake::Shape { is: schema.shape, wanted: Shape::Wide });
    }
    let rows = rows(&fields)?;
    if rows == 0 {
        return Err(Mistake::NoRows);
    }
    let mut names = BTreeMap::<&str, &wit::Field>::new();
    let mut sets = BTreeMap::<String, Set<'_>>::new();
    for &number in &schema.values {
        let Some(field) = fields.get(number) else { continue };
        let first = *names.entry(&field.name).or_insert(field);
        if discriminant(&first.column) != discriminant(&field.column)
            || first.validity.is_some() != field.validity.is_some()
        {
            return Err(Mistake::Types { name: field.name.clone(), field: number });
        }
        let labels = Labels::of(field);
        let set = sets.entry(key(&labels)).or_insert_with(|| Set { labels, fields: BTreeMap::new() });
        // Of fields with the same name and labels the last one counts.
        set.fields.insert(&field.name, field);
    }
    let mut times = Vec::with_capacity(rows * sets.len());
    for row in 0..rows {
        let time = schema.time_at(&fields, row)?;
        times.extend(sets.values().map(|_| time));
    }
    let mut long = Vec::from_iter(schema.time_field(&fields, times));
    for (name, first) in names {
        let named: Vec<_> = sets.values().map(|set| set.fields.get(name).copied()).collect();
        let cells = (0..rows).flat_map(|row| {
            named.iter().map(move |field| field.map_or(Cell::Zero, |field| Cell::Of(field, row)))
        });
        let (column, validity) = Builder::column(first, first.validity.is_some(), cells);
        let config = first.config.clone();
        long.push(wit::Field { name: name.to_owned(), labels: None, config, validity, column });
    }
    let labels: BTreeSet<&str> =
        sets.values().flat_map(|set| set.labels.iter()).map(|(name, _)| name).collect();
    for name in labels {
        let values =
            (0..rows).flat_map(|_| sets.values().map(|set| set.labels.get(name).unwrap_or_default()));
        let column = <&str>::column(values.collect()).column;
        long.push(wit::Field { name: name.to_owned(), labels: None, config: None, validity: None, column });
    }
    Ok(long)
}

/// Go sorts sets of labels by this JSON text, in which a set comes after those that begin with it.
fn key(labels: &Labels) -> String {
    let pairs: Vec<_> = labels.iter().collect();
    // Texts can always be written.
    let text = serde_json::to_string(&pairs).unwrap_or_default();
    ESCAPED.iter().fold(text, |text, (plain, escaped)| text.replace(*plain, escaped))
}

/// What Go's JSON escapes besides what all others do.
const ESCAPED: [(char, &str); 5] =
    [('<', "\\u003c"), ('>', "\\u003e"), ('&', "\\u0026"), ('\u{2028}', "\\u2028"), ('\u{2029}', "\\u2029")];
