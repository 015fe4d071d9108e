//! What the file says of a frame besides its cells: names, types, and Grafana's own facts as metadata.

use super::super::escape;
use super::super::table::{Series, Table};
use crate::capability::bindings::gpx::plugin::frames::Column;

/// A frame's schema, its JSON texts written out; message and footer both hold it.
pub(super) struct Schema<'a> {
    pub(super) fields: Vec<Field<'a>>,
    /// Sorted by key, as are those of each field.
    pub(super) metadata: Vec<Pair<'a>>,
}

pub(super) struct Field<'a> {
    pub(super) name: &'a str,
    pub(super) nullable: bool,
    pub(super) column: &'a Column,
    pub(super) metadata: Vec<Pair<'a>>,
}

/// A key and its value.
pub(super) type Pair<'a> = (&'static str, Text<'a>);

/// A text of the frame, or one made for it.
pub(super) enum Text<'a> {
    Given(&'a str),
    Made(Vec<u8>),
}

/// Roughly what flatbuffers add to a field's texts: tables, offsets, keys.
const FIELD: u64 = 256;

// === impl Schema ===

impl<'a> Schema<'a> {
    pub(super) fn new(table: &Table<'a>) -> Schema<'a> {
        let meta = table.meta.map(|meta| ("meta", document(meta)));
        let always = [("name", Text::Given(table.name)), ("refId", Text::Given(table.ref_id))];
        Schema {
            fields: table.series.iter().map(Field::new).collect(),
            metadata: meta.into_iter().chain(always).collect(),
        }
    }

    /// About as many bytes as it takes in a message.
    pub(super) fn size(&self) -> u64 {
        let texts = |pairs: &[Pair<'_>]| pairs.iter().map(|(_, text)| text.bytes().len() as u64).sum::<u64>();
        let fields = self.fields.iter().map(|field| FIELD + field.name.len() as u64 + texts(&field.metadata));
        FIELD + texts(&self.metadata) + fields.sum::<u64>()
    }
}

// === impl Field ===

impl<'a> Field<'a> {
    fn new(series: &Series<'a>) -> Field<'a> {
        let config = series.config.map(|config| ("config", document(config)));
        let labels = series.labels.as_ref().map(|labels| {
            let mut out = Vec::new();
            escape::labels(&mut out, labels);
            ("labels", Text::Made(out))
        });
        let word = ("tstype", Text::Given(series.type_word()));
        Field {
            name: series.name,
            nullable: series.nullable,
            column: series.column,
            metadata: config.into_iter().chain(labels).chain([word]).collect(),
        }
    }
}

// === impl Text ===

impl Text<'_> {
    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Text::Given(text) => text.as_bytes(),
            Text::Made(text) => text,
        }
    }
}

fn document(json: &str) -> Text<'_> {
    let mut out = Vec::with_capacity(json.len());
    escape::document(&mut out, json);
    Text::Made(out)
}
