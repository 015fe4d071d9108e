//! The Arrow IPC file format: magic, schema, at most one record batch, end of stream, footer, magic.

use bytes::Bytes;

use super::draft::{Draft, Full};
use super::error::Mistake;
use super::limit::ARROW_BODY;
use super::pace::Pace;
use super::table::Table;
use body::Body;
use message::Flatbuffer;
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

/// Writes the file if it takes at most `limit` bytes. All small parts come first, so that one allocation of the right
/// size takes each column in one copy.
pub(super) async fn encode(table: &Table<'_>, limit: usize, pace: &mut Pace) -> Result<Bytes, Mistake> {
    let schema = Schema::new(table, pace).await?;
    // Grafana's own encoder writes no batch for a frame without cells.
    let body = if table.is_empty() { None } else { Some(Body::new(table, pace).await) };
    if let Some(bytes) = body.as_ref().map(Body::len).filter(|bytes| *bytes > ARROW_BODY) {
        return Err(Mistake::LargeBody { bytes });
    }

    let head = message::schema(&schema, pace).await;
    let start = MAGIC.len().next_multiple_of(ALIGNMENT) + framed_len(&head);
    let batch = match &body {
        Some(body) => Some((message::record_batch(body, table.rows, pace).await, body)),
        None => None,
    };
    let block = batch.as_ref().map(|(metadata, body)| message::Block {
        offset: start,
        metadata: framed_len(metadata),
        body: body.len(),
    });
    let batch_len = block.as_ref().map_or(0, |block| block.metadata + block.body as usize);
    let footer = message::footer(&schema, block, pace).await;
    let footer = footer.bytes();

    let len = start + batch_len + CONTINUATION.len() + 4 + footer.len() + 4 + MAGIC.len();
    if len > limit {
        return Err(Mistake::LargeAnswer);
    }
    let mut file = Draft::new(len, limit, pace);
    file.bytes.extend_from_slice(MAGIC);
    file.pad(ALIGNMENT);
    write_framed(&mut file, &head).await?;
    if let Some((metadata, body)) = batch {
        write_framed(&mut file, &metadata).await?;
        body.write(&mut file).await?;
    }
    file.bytes.extend_from_slice(&CONTINUATION);
    file.bytes.extend_from_slice(&[0; 4]);
    file.copy(footer).await?;
    file.bytes.extend_from_slice(&(footer.len() as u32).to_le_bytes());
    file.bytes.extend_from_slice(MAGIC);
    Ok(file.finish_answer()?)
}

/// Returns how many bytes a message's metadata takes with its prefix and padding.
fn framed_len(metadata: &Flatbuffer) -> usize {
    CONTINUATION.len() + 4 + metadata.bytes().len().next_multiple_of(ALIGNMENT)
}

/// Appends a message's metadata with its prefix and padding; the length counts the padding.
async fn write_framed(file: &mut Draft<'_>, metadata: &Flatbuffer) -> Result<(), Full> {
    let metadata = metadata.bytes();
    file.bytes.extend_from_slice(&CONTINUATION);
    file.bytes.extend_from_slice(&(metadata.len().next_multiple_of(ALIGNMENT) as u32).to_le_bytes());
    file.copy(metadata).await?;
    file.pad(ALIGNMENT);
    Ok(())
}
