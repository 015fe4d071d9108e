//! A frame in chunks: what is encoded of each, and what they have in common.

use std::mem::Discriminant;

use crate::capability::bindings::gpx::plugin::frames::{Column, Frame};

/// Which part of a frame is encoded. Arrow always has all of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Include {
    All,
    /// What follows rows that were encoded with all that the frame says about itself.
    Rows,
    /// Only what the frame says about itself.
    Schema,
}

/// The types of a frame's fields. Grafana appends the rows of a chunk to those before it, and panics if they do not fit.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct FieldTypes(Vec<FieldType>);

/// The type of a field's values, and whether it is nullable.
type FieldType = (Discriminant<Column>, bool);

// === impl FieldTypes ===

impl FieldTypes {
    pub(crate) fn of(frame: &Frame) -> Self {
        let of = |column, validity: &Option<Vec<u8>>| (std::mem::discriminant(column), validity.is_some());
        Self(frame.fields.iter().map(|field| of(&field.column, &field.validity)).collect())
    }

    /// Returns the memory that it takes, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(self.0.as_slice())
    }
}
