//! What the file says about a frame besides its cells: names, types, and Grafana's own information as metadata.

use std::ops::Range;

use super::super::draft::{Draft, Full};
use super::super::error::Mistake;
use super::super::escape::Style;
use super::super::limit::ARROW_SCHEMA;
use super::super::meta::{self, FIELD_CONFIG, FRAME_META, Root};
use super::super::pace::{FIELD_WORK, Pace, drop_buffer};
use super::super::table::{Series, Table};
use crate::capability::bindings::gpx::plugin::frames::Field;

/// A frame's schema, with its JSON strings written out. Both the message and the footer contain it.
pub(super) struct Schema<'a> {
    table: &'a Table<'a>,
    /// All JSON strings, end to end: many small buffers would take long to free.
    texts: Vec<u8>,
    meta: Option<Range<usize>>,
    fields: Vec<FieldTexts>,
    size: usize,
}

/// One field of a schema.
pub(super) struct SchemaField<'a> {
    pub(super) series: &'a Series<'a>,
    config: Option<&'a [u8]>,
    labels: Option<&'a [u8]>,
}

/// A key and its value.
pub(super) type Pair<'a> = (&'static str, &'a [u8]);

/// Where a field's JSON strings are.
struct FieldTexts {
    config: Option<Range<usize>>,
    labels: Option<Range<usize>>,
}

/// More than flatbuffers add to the strings of a field or a frame: tables, offsets, keys.
const FIELD: usize = 256;

// === impl Schema ===

impl<'a> Schema<'a> {
    pub(super) async fn new(table: &'a Table<'a>, pace: &mut Pace) -> Result<Schema<'a>, Mistake> {
        let mut size = FIELD * (table.series.len() + 1) + table.name.len() + table.ref_id.len();
        let mut texts = table.meta.map_or(0, str::len);
        if size > ARROW_SCHEMA {
            return Err(Mistake::LargeSchema);
        }
        for series in &table.series {
            size += series.field.name.len();
            texts += series.config.map_or(0, str::len);
            pace.spend(size_of::<Field>()).await;
        }
        let mut fields = Vec::with_capacity(table.series.len());
        let mut draft = Draft::new(texts, ARROW_SCHEMA.saturating_sub(size), pace);
        let written = async {
            let meta = match table.meta {
                Some(meta) => Some(write(&mut draft, meta, &FRAME_META).await?),
                None => None,
            };
            for series in &table.series {
                fields.push(FieldTexts::write(&mut draft, series).await?);
            }
            Ok(meta)
        };
        let meta = written.await.map_err(Mistake::of_schema)?;
        let texts = draft.finish();
        size += texts.len();
        if size > ARROW_SCHEMA {
            return Err(Mistake::LargeSchema);
        }
        Ok(Schema { table, texts, meta, fields, size })
    }

    /// Returns an upper bound of what it takes in a message, so that flatbuffers never have to be moved to a larger
    /// buffer.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    pub(super) fn fields(&self) -> impl ExactSizeIterator<Item = SchemaField<'_>> {
        self.table.series.iter().zip(&self.fields).map(|(series, texts)| SchemaField {
            series,
            config: texts.config.clone().and_then(|at| self.texts.get(at)),
            labels: texts.labels.clone().and_then(|at| self.texts.get(at)),
        })
    }

    /// Sorted by key.
    pub(super) fn metadata(&self) -> impl Iterator<Item = Pair<'_>> {
        let meta = self.meta.clone().and_then(|at| self.texts.get(at)).map(|meta| ("meta", meta));
        let always = [("name", self.table.name.as_bytes()), ("refId", self.table.ref_id.as_bytes())];
        meta.into_iter().chain(always)
    }
}

impl Drop for Schema<'_> {
    fn drop(&mut self) {
        drop_buffer(std::mem::take(&mut self.texts));
    }
}

// === impl SchemaField ===

impl<'a> SchemaField<'a> {
    /// Sorted by key.
    pub(super) fn metadata(&self) -> impl Iterator<Item = Pair<'a>> {
        let config = self.config.map(|config| ("config", config));
        let labels = self.labels.map(|labels| ("labels", labels));
        config.into_iter().chain(labels).chain([("tstype", self.series.type_word().as_bytes())])
    }
}

// === impl FieldTexts ===

impl FieldTexts {
    async fn write(draft: &mut Draft<'_>, series: &Series<'_>) -> Result<FieldTexts, Full> {
        let config = match series.config {
            Some(config) => Some(write(draft, config, &FIELD_CONFIG).await?),
            None => None,
        };
        let labels = match &series.field.labels {
            Some(labels) => {
                let start = draft.bytes.len();
                draft.labels(labels, Style::Html).await?;
                Some(start..draft.bytes.len())
            }
            None => None,
        };
        draft.pause(FIELD_WORK).await?;
        Ok(FieldTexts { config, labels })
    }
}

async fn write(draft: &mut Draft<'_>, text: &str, root: &'static Root) -> Result<Range<usize>, Full> {
    let start = draft.bytes.len();
    meta::write(draft, text, root, Style::Standard).await?;
    Ok(start..draft.bytes.len())
}
