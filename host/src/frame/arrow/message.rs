//! The flatbuffers tables of Arrow's `Message.fbs`, `Schema.fbs` and `File.fbs`. A slot's number is the field's place
//! in its table there.

use flatbuffers::{FlatBufferBuilder, ForwardsUOffset, Push, TableFinishedWIPOffset, Vector, WIPOffset};

use super::body::Body;
use super::schema::{Pair, Schema};
use crate::capability::bindings::gpx::plugin::frames::Column;

/// Where the record batch lies in the file.
pub(super) struct Block {
    pub(super) offset: usize,
    /// With its prefix and padding.
    pub(super) metadata: usize,
    pub(super) body: u64,
}

type Builder<'b> = FlatBufferBuilder<'b>;
type Finished = WIPOffset<TableFinishedWIPOffset>;
type Tables<'b> = WIPOffset<Vector<'b, ForwardsUOffset<TableFinishedWIPOffset>>>;

/// `MetadataVersion.V5`.
const VERSION: i16 = 4;
/// `MessageHeader`, a union: its type's number.
const HEADER_SCHEMA: u8 = 1;
const HEADER_RECORD_BATCH: u8 = 3;
/// `Endianness`. Columns are in this machine's order, as wasmtime lifted them.
const ENDIANNESS: i16 = cfg!(target_endian = "big") as i16;

/// A `Message` that holds a `Schema`.
pub(super) fn schema(schema: &Schema<'_>) -> Vec<u8> {
    let mut builder = Builder::with_capacity(schema.size() as usize);
    let header = schema_table(&mut builder, schema);
    message(builder, HEADER_SCHEMA, header, 0)
}

/// A `Message` that holds a `RecordBatch`.
pub(super) fn record_batch(body: &Body<'_>, rows: usize) -> Vec<u8> {
    let mut builder = Builder::with_capacity(256 + body.nulls.len() * 16 + body.buffers.len() * 16);
    let nodes = structs(&mut builder, body.nulls.iter().map(|nulls| [rows as i64, *nulls as i64]));
    let buffers = body.buffers.iter().map(|buffer| [buffer.offset as i64, buffer.bytes.len() as i64]);
    let buffers = structs(&mut builder, buffers);
    let header = table(&mut builder, |builder| {
        set(builder, 0, rows as i64); // length
        set(builder, 1, nodes);
        set(builder, 2, buffers);
    });
    message(builder, HEADER_RECORD_BATCH, header, body.len() as i64)
}

/// The file's `Footer`.
pub(super) fn footer(schema: &Schema<'_>, batch: Option<Block>) -> Vec<u8> {
    let mut builder = Builder::with_capacity(schema.size() as usize);
    let schema = schema_table(&mut builder, schema);
    let dictionaries = structs::<3>(&mut builder, [].into_iter());
    // The second member is an i32 with four bytes of padding: the same bytes as a small i64.
    let block = |block: Block| [block.offset as i64, block.metadata as i64, block.body as i64];
    let batches = structs(&mut builder, batch.map(block).into_iter());
    let footer = table(&mut builder, |builder| {
        set(builder, 0, VERSION);
        set(builder, 1, schema);
        set(builder, 2, dictionaries);
        set(builder, 3, batches);
    });
    builder.finish_minimal(footer);
    builder.finished_data().to_vec()
}

fn message(mut builder: Builder<'_>, header_type: u8, header: Finished, body: i64) -> Vec<u8> {
    let message = table(&mut builder, |builder| {
        set(builder, 0, VERSION);
        set(builder, 1, header_type);
        set(builder, 2, header);
        set(builder, 3, body); // bodyLength
    });
    builder.finish_minimal(message);
    builder.finished_data().to_vec()
}

fn schema_table(builder: &mut Builder<'_>, schema: &Schema<'_>) -> Finished {
    let fields: Vec<Finished> = schema
        .fields
        .iter()
        .map(|field| {
            let name = builder.create_string(field.name);
            let (kind, data_type) = data_type(builder, field.column);
            let children = builder.create_vector::<Finished>(&[]);
            let metadata = pairs(builder, &field.metadata);
            table(builder, |builder| {
                set(builder, 0, name);
                set(builder, 1, field.nullable);
                set(builder, 2, kind);
                set(builder, 3, data_type);
                set(builder, 5, children);
                set(builder, 6, metadata);
            })
        })
        .collect();
    let fields = builder.create_vector(&fields);
    let metadata = pairs(builder, &schema.metadata);
    table(builder, |builder| {
        set(builder, 0, ENDIANNESS);
        set(builder, 1, fields);
        set(builder, 2, metadata);
    })
}

/// A member of the union `Type`, and its number.
fn data_type(builder: &mut Builder<'_>, column: &Column) -> (u8, Finished) {
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

/// A list of `KeyValue`.
fn pairs<'b>(builder: &mut Builder<'b>, pairs: &[Pair<'_>]) -> Tables<'b> {
    let tables: Vec<Finished> = pairs
        .iter()
        .map(|(key, value)| {
            let key = builder.create_shared_string(key);
            let value = builder.create_byte_string(value.bytes());
            table(builder, |builder| {
                set(builder, 0, key);
                set(builder, 1, value);
            })
        })
        .collect();
    builder.create_vector(&tables)
}

/// A list of structs of `N` 64-bit members.
fn structs<'b, const N: usize>(
    builder: &mut Builder<'b>,
    items: impl DoubleEndedIterator<Item = [i64; N]> + ExactSizeIterator,
) -> WIPOffset<Vector<'b, i64>> {
    let len = items.len();
    builder.start_vector::<i64>(len * N);
    // Flatbuffers are written back to front.
    for item in items.rev() {
        for member in item.into_iter().rev() {
            builder.push(member);
        }
    }
    builder.end_vector(len)
}

fn table<'b>(builder: &mut Builder<'b>, members: impl FnOnce(&mut Builder<'b>)) -> Finished {
    let start = builder.start_table();
    members(builder);
    let end = builder.end_table(start);
    WIPOffset::new(end.value())
}

fn set<T: Push>(builder: &mut Builder<'_>, slot: u16, value: T) {
    builder.push_slot_always(4 + 2 * slot, value);
}
