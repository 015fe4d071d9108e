//! The Arrow IPC file format: magic, schema, at most one record batch, end of stream, footer, magic.

use bytes::Bytes;

use super::error::Mistake;
use super::table::Table;
use body::Body;
use schema::Schema;

mod body;
mod message;
mod schema;
#[cfg(test)]
pub(super) mod tests;

const MAGIC: &[u8] = b"ARROW1";
/// Begins each message, before the length of its metadata.
const CONTINUATION: [u8; 4] = [0xFF; 4];
/// Metadata and messages begin at a multiple of this.
const ALIGNMENT: usize = 8;

/// What Grafana's reader (arrow-go) takes at most as the body of one message.
const BODY_LIMIT: u64 = 256 << 20;
/// The same for a message's metadata.
const SCHEMA_LIMIT: u64 = 64 << 20;

/// Writes the file: all small parts first, so that one allocation of the right size takes each column in one copy.
pub(super) fn encode(table: &Table<'_>) -> Result<Bytes, Mistake> {
    let schema = Schema::new(table);
    if schema.size() > SCHEMA_LIMIT {
        return Err(Mistake::LargeSchema { bytes: schema.size(), limit: SCHEMA_LIMIT });
    }
    // Grafana's own encoder writes no batch for a frame without cells.
    let body = (!table.is_empty()).then(|| Body::new(table));
    if let Some(bytes) = body.as_ref().map(Body::len).filter(|bytes| *bytes > BODY_LIMIT) {
        return Err(Mistake::LargeBody { bytes, limit: BODY_LIMIT });
    }

    let head = framed(&message::schema(&schema));
    let batch = body.as_ref().map(|body| (framed(&message::record_batch(body, table.rows)), body));
    let start = MAGIC.len().next_multiple_of(ALIGNMENT) + head.len();
    let block = batch.as_ref().map(|(metadata, body)| message::Block {
        offset: start,
        metadata: metadata.len(),
        body: body.len(),
    });
    let footer = message::footer(&schema, block);

    let batch_len = batch.as_ref().map_or(0, |(metadata, body)| metadata.len() + body.len() as usize);
    let mut file = Vec::with_capacity(start + batch_len + 8 + footer.len() + 4 + MAGIC.len());
    file.extend_from_slice(MAGIC);
    pad(&mut file, ALIGNMENT);
    file.extend_from_slice(&head);
    if let Some((metadata, body)) = batch {
        file.extend_from_slice(&metadata);
        body.write(&mut file);
    }
    file.extend_from_slice(&CONTINUATION);
    file.extend_from_slice(&[0; 4]);
    file.extend_from_slice(&footer);
    file.extend_from_slice(&(footer.len() as u32).to_le_bytes());
    file.extend_from_slice(MAGIC);
    Ok(Bytes::from(file))
}

/// A message's metadata with its prefix and padding; the length counts the padding.
fn framed(metadata: &[u8]) -> Vec<u8> {
    let len = metadata.len().next_multiple_of(ALIGNMENT);
    let mut out = Vec::with_capacity(CONTINUATION.len() + 4 + len);
    out.extend_from_slice(&CONTINUATION);
    out.extend_from_slice(&(len as u32).to_le_bytes());
    out.extend_from_slice(metadata);
    pad(&mut out, ALIGNMENT);
    out
}

fn pad(out: &mut Vec<u8>, alignment: usize) {
    out.resize(out.len().next_multiple_of(alignment), 0);
}
