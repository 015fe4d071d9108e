//! The flatbuffers tables of Arrow's `Message.fbs`, `Schema.fbs` and `File.fbs`. A slot's number is the field's place
//! in its table there.

use flatbuffers::{FlatBufferBuilder, ForwardsUOffset, Push, TableFinishedWIPOffset, Vector, WIPOffset};

use super::super::draft::SHORT;
use super::super::pace::{FIELD_WORK, Pace, drop_buffer};
use super::body::Body;
use super::schema::{Pair, Schema};
use crate::capability::bindings::gpx::plugin::frames::Column;

/// Where the record batch is in the file.
pub(super) struct Block {
    pub(super) offset: usize,
    /// With its prefix and padding.
    pub(super) metadata: usize,
    pub(super) body: u64,
}

/// A flatbuffer, being written or finished: a message or the footer.
pub(super) struct Flatbuffer(FlatBuilder);

type FlatBuilder = FlatBufferBuilder<'static>;

type Finished = WIPOffset<TableFinishedWIPOffset>;
type Tables = WIPOffset<Vector<'static, ForwardsUOffset<TableFinishedWIPOffset>>>;

/// `MetadataVersion.V5`.
const VERSION: i16 = 4;
/// `MessageHeader`, a union: its type's number.
const HEADER_SCHEMA: u8 = 1;
const HEADER_RECORD_BATCH: u8 = 3;
/// `Endianness`. Columns are in this machine's order, as wasmtime lifted them.
const ENDIANNESS: i16 = cfg!(target_endian = "big") as i16;

/// A `Message` that holds a `Schema`.
pub(super) async fn schema(schema: &Schema<'_>, pace: &mut Pace) -> Flatbuffer {
    let mut metadata = Flatbuffer(FlatBuilder::with_capacity(schema.size()));
    let builder = &mut metadata.0;
    let header = schema_table(builder, schema, pace).await;
    finish_message(builder, HEADER_SCHEMA, header, 0);
    metadata
}

/// A `Message` that holds a `RecordBatch`.
pub(super) async fn record_batch(body: &Body<'_>, rows: usize, pace: &mut Pace) -> Flatbuffer {
    let mut metadata =
        Flatbuffer(FlatBuilder::with_capacity(256 + body.nulls.len() * 16 + body.buffers.len() * 16));
    let builder = &mut metadata.0;
    let nodes = body.nulls.iter().map(|nulls| [rows as i64, *nulls as i64]);
    let nodes = structs(builder, nodes, pace).await;
    let buffers = body.buffers.iter().map(|buffer| [buffer.offset as i64, buffer.bytes.len() as i64]);
    let buffers = structs(builder, buffers, pace).await;
    let header = table(builder, |builder| {
        set(builder, 0, rows as i64); // length
        set(builder, 1, nodes);
        set(builder, 2, buffers);
    });
    finish_message(builder, HEADER_RECORD_BATCH, header, body.len() as i64);
    metadata
}

/// The file's `Footer`.
pub(super) async fn footer(schema: &Schema<'_>, batch: Option<Block>, pace: &mut Pace) -> Flatbuffer {
    let mut metadata = Flatbuffer(FlatBuilder::with_capacity(schema.size()));
    let builder = &mut metadata.0;
    let schema = schema_table(builder, schema, pace).await;
    let dictionaries = structs::<3>(builder, [].into_iter(), pace).await;
    // The second member is an i32 with four bytes of padding: the same bytes as a small i64.
    let block = |block: Block| [block.offset as i64, block.metadata as i64, block.body as i64];
    let batches = structs(builder, batch.map(block).into_iter(), pace).await;
    let footer = table(builder, |builder| {
        set(builder, 0, VERSION);
        set(builder, 1, schema);
        set(builder, 2, dictionaries);
        set(builder, 3, batches);
    });
    builder.finish_minimal(footer);
    metadata
}

// === impl Flatbuffer ===

impl Flatbuffer {
    pub(super) fn bytes(&self) -> &[u8] {
        self.0.finished_data()
    }
}

impl Drop for Flatbuffer {
    fn drop(&mut self) {
        drop_buffer(std::mem::take(&mut self.0).collapse().0);
    }
}

fn finish_message(builder: &mut FlatBuilder, header_type: u8, header: Finished, body: i64) {
    let message = table(builder, |builder| {
        set(builder, 0, VERSION);
        set(builder, 1, header_type);
        set(builder, 2, header);
        set(builder, 3, body); // bodyLength
    });
    builder.finish_minimal(message);
}

async fn schema_table(builder: &mut FlatBuilder, schema: &Schema<'_>, pace: &mut Pace) -> Finished {
    let mut fields = Vec::with_capacity(schema.fields().len());
    for field in schema.fields() {
        let name = string(builder, field.series.field.name.as_bytes(), pace).await;
        let (kind, data_type) = data_type(builder, &field.series.field.column);
        let children = builder.create_vector::<Finished>(&[]);
        let metadata = pairs(builder, field.metadata(), pace).await;
        fields.push(table(builder, |builder| {
            set(builder, 0, name);
            set(builder, 1, field.series.is_nullable());
            set(builder, 2, kind);
            set(builder, 3, data_type);
            set(builder, 5, children);
            set(builder, 6, metadata);
        }));
        pace.spend(FIELD_WORK).await;
    }
    let fields = builder.create_vector(&fields);
    let metadata = pairs(builder, schema.metadata(), pace).await;
    table(builder, |builder| {
        set(builder, 0, ENDIANNESS);
        set(builder, 1, fields);
        set(builder, 2, metadata);
    })
}

/// A member of the union `Type`, and its number.
fn data_type(builder: &mut FlatBuilder, column: &Column) -> (u8, Finished) {
    let (bits, signed) = match column {
        Column::Int8(_) => (8, true),
        Column::Int16(_) => (16, true),
        Column::Int32(_) => (32, true),
        Column::Int64(_) => (64, true),
        Column::Uint8(_) => (8, false),
        Column::Uint16(_) | Column::Enumeration(_) => (16, false),
        Column::Uint32(_) => (32, false),
        Column::Uint64(_) => (64, false),
        // Precision: single, double.
        Column::Float32(_) => return (3, table(builder, |builder| set(builder, 0, 1_i16))),
        Column::Float64(_) => return (3, table(builder, |builder| set(builder, 0, 2_i16))),
        Column::Json(_) => return (4, table(builder, |_| {})), // Binary
        Column::Text(_) => return (5, table(builder, |_| {})), // Utf8
        Column::Boolean(_) => return (6, table(builder, |_| {})),
        // Unit: nanoseconds; no time zone.
        Column::Time(_) => return (10, table(builder, |builder| set(builder, 0, 3_i16))),
    };
    let int = table(builder, |builder| {
        set(builder, 0, bits);
        set(builder, 1, signed);
    });
    (2, int)
}

/// A list of `KeyValue`, of which there are at most three.
async fn pairs(builder: &mut FlatBuilder, pairs: impl Iterator<Item = Pair<'_>>, pace: &mut Pace) -> Tables {
    let mut tables = Vec::with_capacity(3);
    for (key, value) in pairs {
        let key = builder.create_shared_string(key);
        let value = string(builder, value, pace).await;
        tables.push(table(builder, |builder| {
            set(builder, 0, key);
            set(builder, 1, value);
        }));
    }
    builder.create_vector(&tables)
}

/// A string, which is UTF-8 already. A long one is pushed byte by byte, as only that can be done in pieces.
async fn string(builder: &mut FlatBuilder, text: &[u8], pace: &mut Pace) -> WIPOffset<Vector<'static, u8>> {
    if text.len() <= SHORT {
        pace.spend(text.len()).await;
        return WIPOffset::new(builder.create_byte_string(text).value());
    }
    builder.start_vector::<u8>(text.len() + 1);
    builder.push(0_u8);
    // Flatbuffers are written back to front.
    for piece in text.rchunks(SHORT) {
        for byte in piece.iter().rev() {
            builder.push(*byte);
        }
        pace.spend(piece.len()).await;
    }
    builder.end_vector(text.len())
}

/// A list of structs of `N` 64-bit members.
async fn structs<const N: usize>(
    builder: &mut FlatBuilder,
    items: impl DoubleEndedIterator<Item = [i64; N]> + ExactSizeIterator,
    pace: &mut Pace,
) -> WIPOffset<Vector<'static, i64>> {
    let len = items.len();
    builder.start_vector::<i64>(len * N);
    for item in items.rev() {
        for member in item.into_iter().rev() {
            builder.push(member);
        }
        pace.spend(size_of_val(&item)).await;
    }
    builder.end_vector(len)
}

fn table(builder: &mut FlatBuilder, members: impl FnOnce(&mut FlatBuilder)) -> Finished {
    let start = builder.start_table();
    members(builder);
    let end = builder.end_table(start);
    WIPOffset::new(end.value())
}

fn set<T: Push>(builder: &mut FlatBuilder, slot: u16, value: T) {
    builder.push_slot_always(4 + 2 * slot, value);
}
