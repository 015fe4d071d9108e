//! Frames for this room's tests.

use crate::capability::bindings::gpx::plugin::frames::{Column, Field, Frame, Label, Texts};

pub(super) fn frame(fields: Vec<Field>) -> Frame {
    Frame { name: String::new(), ref_id: String::new(), meta: None, fields }
}

/// A field that is not nullable.
pub(super) fn named(name: &str, column: Column) -> Field {
    Field { name: name.to_owned(), labels: None, config: None, validity: None, column }
}

pub(super) fn label(name: &str, value: &str) -> Label {
    Label { name: name.to_owned(), value: value.to_owned() }
}

pub(super) fn texts(rows: &[&str]) -> Texts {
    let ends = rows.iter().scan(0, |end, row| {
        *end += row.len() as i32;
        Some(*end)
    });
    Texts { offsets: [0].into_iter().chain(ends).collect(), bytes: rows.concat().into_bytes() }
}
