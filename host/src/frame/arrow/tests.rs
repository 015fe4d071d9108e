//! What is written, as the `arrow-ipc` crate reads it.

use std::io::Cursor;

use arrow_array::RecordBatch;
use arrow_ipc::reader::{FileReader, StreamReader};
use arrow_ipc::{Footer, KeyValue, Message, MessageHeader, MetadataVersion, root_as_footer, root_as_message};
use arrow_schema::{Schema, SchemaRef};
use flatbuffers::{ForwardsUOffset, Vector};

use super::super::check::check;
use super::super::limit::ARROW_SCHEMA;
use super::super::pace::PIECE;
use super::super::sample::{frame, label, named, polls, texts};
use super::*;
use crate::capability::bindings::gpx::plugin::frames::{Booleans, Column, Field, Frame};

mod columns;
mod random;

fn file(frame: &Frame) -> Bytes {
    encoded(frame).unwrap()
}

fn encoded(frame: &Frame) -> Result<Bytes, Mistake> {
    encoded_within(frame, usize::MAX).0
}

/// The file of a frame, and how many polls it takes to write it, besides checking the frame.
fn encoded_within(frame: &Frame, limit: usize) -> (Result<Bytes, Mistake>, usize) {
    let mut pace = Pace::new();
    let (table, _) = polls(check(frame, "A", &mut pace));
    polls(encode(&table.unwrap(), limit, &mut pace))
}

/// The schema and the record batch, if there is one. Read by the footer, and again as the stream that the file holds:
/// both must be the same.
pub(in crate::frame) fn read(file: &[u8]) -> (SchemaRef, Option<RecordBatch>) {
    let reader = FileReader::try_new(Cursor::new(file), None).unwrap();
    let schema = reader.schema();
    let mut batches: Vec<_> = reader.map(Result::unwrap).collect();

    let (footer, start) = footer(file);
    let mut stream = StreamReader::try_new(Cursor::new(&file[ALIGNMENT..start]), None).unwrap();
    assert_eq!(stream.schema(), schema);
    assert_eq!(stream.by_ref().map(Result::unwrap).collect::<Vec<_>>(), batches);
    let end = ALIGNMENT + stream.get_ref().position() as usize;
    assert_eq!(
        (end, &file[end - 8..end]),
        (start, &[0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0][..]),
        "the stream ends"
    );
    assert_eq!(footer.version(), MetadataVersion::V5);
    assert!(batches.len() <= 1);
    (schema, batches.pop())
}

/// The footer, and where it begins.
fn footer(file: &[u8]) -> (Footer<'_>, usize) {
    let (rest, magic) = file.split_last_chunk::<6>().unwrap();
    assert_eq!(magic, MAGIC);
    let (rest, len) = rest.split_last_chunk().unwrap();
    let start = rest.len() - u32::from_le_bytes(*len) as usize;
    (root_as_footer(&rest[start..]).unwrap(), start)
}

/// The message at `at`, and where it ends.
fn message(file: &[u8], at: usize) -> (Message<'_>, usize) {
    assert_eq!((at % ALIGNMENT, &file[at..at + 4]), (0, &CONTINUATION[..]));
    let (len, metadata) = file[at + 4..].split_first_chunk().unwrap();
    let len = u32::from_le_bytes(*len) as usize;
    (root_as_message(&metadata[..len]).unwrap(), at + 8 + len)
}

/// The rows, the null count and the buffers of a frame of one field.
fn batch(field: Field) -> (i64, i64, Vec<Vec<u8>>) {
    let file = file(&frame(vec![field]));
    let blocks = footer(&file).0.recordBatches().unwrap();
    assert_eq!(blocks.len(), 1);
    let (message, end) = message(&file, blocks.get(0).offset() as usize);
    assert_eq!(end, blocks.get(0).offset() as usize + blocks.get(0).metaDataLength() as usize);
    assert_eq!((message.version(), message.bodyLength()), (MetadataVersion::V5, blocks.get(0).bodyLength()));
    let batch = message.header_as_record_batch().unwrap();
    let nodes = batch.nodes().unwrap();
    assert_eq!((nodes.len(), nodes.get(0).length()), (1, batch.length()));
    let buffers = batch.buffers().unwrap().iter().map(|buffer| {
        assert_eq!(buffer.offset() % 64, 0);
        assert!(buffer.offset() + buffer.length() <= message.bodyLength());
        file[end + buffer.offset() as usize..][..buffer.length() as usize].to_vec()
    });
    (batch.length(), nodes.get(0).null_count(), buffers.collect())
}

#[test]
fn the_schema_is_in_a_message_and_in_the_footer() {
    let mut value = named("value", Column::Float64(vec![1.0]));
    value.labels = Some(vec![label("b", "<"), label("a", "1")]);
    value.config = Some(r#"{"unit":"<"}"#.to_owned());
    value.validity = Some(vec![]);
    let mut frame = frame(vec![named("time", Column::Time(vec![1])), value]);
    frame.name = "response".to_owned();
    frame.meta = Some("{}".to_owned());
    let file = file(&frame);
    assert_eq!(&file[..8], b"ARROW1\0\0");

    fn pairs<'a>(pairs: Vector<'a, ForwardsUOffset<KeyValue<'a>>>) -> Vec<(&'a str, &'a str)> {
        pairs.iter().map(|pair| (pair.key().unwrap(), pair.value().unwrap())).collect()
    }
    // Through the tables, as `arrow-schema` forgets the order of metadata.
    let (message, _) = message(&file, 8);
    assert_eq!((message.version(), message.header_type()), (MetadataVersion::V5, MessageHeader::Schema));
    for schema in [message.header_as_schema().unwrap(), footer(&file).0.schema().unwrap()] {
        assert_eq!(schema.endianness(), arrow_ipc::Endianness::Little);
        let of_the_frame = pairs(schema.custom_metadata().unwrap());
        let meta = r#"{"typeVersion":[0,0]}"#;
        assert_eq!(of_the_frame, [("meta", meta), ("name", "response"), ("refId", "A")]);
        let fields = schema.fields().unwrap();
        let (time, value) = (fields.get(0), fields.get(1));
        assert_eq!((fields.len(), time.name(), value.name()), (2, Some("time"), Some("value")));
        assert_eq!((time.nullable(), value.nullable()), (false, true));
        assert_eq!(pairs(time.custom_metadata().unwrap()), [("tstype", "time")]);
        assert_eq!(
            pairs(value.custom_metadata().unwrap()),
            [
                ("config", r#"{"unit":"\u003c"}"#),
                ("labels", r#"{"a":"1","b":"\u003c"}"#),
                ("tstype", "number")
            ]
        );
    }
}

#[test]
fn texts_of_the_schema_keep_their_meaning() {
    let odd = "\u{2028}\u{2029}<&>\"\\ \t\u{0}é🦀";
    let json = serde_json::json!({ "custom": { odd: [odd] } }).to_string();
    for labels in [None, Some(vec![]), Some(vec![label("", odd), label(odd, "")])] {
        let mut field = named(odd, Column::Text(texts(&["", odd])));
        (field.labels, field.config) = (labels.clone(), Some(json.clone()));
        let mut frame = frame(vec![field, named("", Column::Json(texts(&[&json, "1"])))]);
        (frame.name, frame.ref_id, frame.meta) = (odd.to_owned(), "B".to_owned(), Some(json.clone()));
        let (schema, _) = read(&file(&frame));

        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        let Schema { fields, metadata } = &*schema;
        assert_eq!((metadata["name"].as_str(), metadata["refId"].as_str(), metadata.len()), (odd, "B", 3));
        assert_eq!(value(&metadata["meta"])["custom"], value(&json)["custom"]);
        assert_eq!((fields[0].name().as_str(), fields[1].name().as_str()), (odd, ""));
        let metadata = fields[0].metadata();
        assert_eq!(metadata.len(), 2 + usize::from(labels.is_some()));
        assert_eq!(value(&metadata["config"]), value(&json));
        let found = metadata.get("labels").map(|labels| value(labels));
        let expected = labels.map(|labels| labels.into_iter().map(|label| (label.name, label.value.into())));
        assert_eq!(found, expected.map(|labels| serde_json::Value::Object(labels.collect())));
        assert_eq!(fields[1].metadata().len(), 1);
    }
}

#[test]
fn columns_are_their_memory() {
    let (rows, nulls, buffers) = batch(named("", Column::Int32(vec![1, -2])));
    assert_eq!((rows, nulls), (2, 0));
    assert_eq!(buffers, [vec![], vec![1, 0, 0, 0, 0xFE, 0xFF, 0xFF, 0xFF]]);

    let (rows, _, buffers) = batch(named("", Column::Text(texts(&["a", "", "é"]))));
    assert_eq!(rows, 3);
    let offsets = [0_i32, 1, 1, 3].iter().flat_map(|offset| offset.to_le_bytes()).collect();
    assert_eq!(buffers, [vec![], offsets, "aé".as_bytes().to_vec()]);

    let booleans = Booleans { rows: 9, bits: vec![0xA5, 1, 0xFF] };
    let (rows, _, buffers) = batch(named("", Column::Boolean(booleans)));
    assert_eq!((rows, buffers), (9, vec![vec![], vec![0xA5, 1]]));
}

#[test]
fn only_a_column_with_nulls_has_a_bitmap() {
    let mut field = named("", Column::Uint8(vec![7, 8, 9]));
    field.validity = Some(vec![0b101, 0xFF]);
    let (_, nulls, buffers) = batch(field.clone());
    assert_eq!((nulls, buffers), (1, vec![vec![0b101], vec![7, 8, 9]]));
    field.validity = Some(vec![0b111]);
    let (_, nulls, buffers) = batch(field);
    assert_eq!((nulls, buffers), (0, vec![vec![], vec![7, 8, 9]]));
}

#[test]
fn a_frame_without_cells_has_no_batch() {
    for fields in [vec![], vec![named("a", Column::Float64(vec![]))]] {
        let (schema, batch) = read(&file(&frame(fields.clone())));
        assert_eq!((schema.fields().len(), batch), (fields.len(), None));
    }
}

#[test]
fn what_grafana_cannot_read_is_refused() {
    let large = frame(vec![named("", Column::Uint8(vec![0; (ARROW_BODY + 1) as usize]))]);
    assert_eq!(encoded(&large), Err(Mistake::LargeBody { bytes: ARROW_BODY + 64 }));

    let name = "x".repeat(ARROW_SCHEMA);
    let wordy = frame(vec![named(&name, Column::Uint8(vec![]))]);
    assert_eq!(encoded(&wordy), Err(Mistake::LargeSchema));
    let many = frame(vec![named("", Column::Uint8(vec![])); ARROW_SCHEMA / 256]);
    assert_eq!(encoded(&many), Err(Mistake::LargeSchema));
    // Escaping turns one byte into six.
    let mut field = named("", Column::Uint8(vec![]));
    field.config = Some(format!(r#"{{"unit":"{}"}}"#, "<".repeat(ARROW_SCHEMA / 6)));
    assert_eq!(encoded(&frame(vec![field])), Err(Mistake::LargeSchema));
}

#[test]
fn a_file_is_refused_before_it_takes_memory() {
    let frame = frame(vec![named("", Column::Uint8(vec![0; 100]))]);
    let len = file(&frame).len();
    assert!(encoded_within(&frame, len).0.is_ok());
    assert_eq!(encoded_within(&frame, len - 1).0, Err(Mistake::LargeAnswer));
}

#[test]
fn everything_long_takes_many_steps() {
    const PIECES: usize = 20;
    let text = "x".repeat(PIECES * PIECE);
    let json = Some(format!(r#"{{"path":"{text}"}}"#));
    let empty = || named("", Column::Uint8(vec![]));
    let labels = Some(vec![label("a", &text)]);
    let rows = 8 * text.len();
    let bits = vec![0x55; rows / 8];
    let booleans = Column::Boolean(Booleans { rows: rows as u32, bits: bits.clone() });
    let meta = Frame { meta: json.clone(), ..frame(vec![]) };
    // A string of the schema is escaped, then pushed into message and footer, then copied from there. Four bytes are
    // copied in the time that it takes to format one.
    let copies = PIECES / 4;
    for (pieces, frame) in [
        (2 * PIECES + 2 * copies, frame(vec![named(&text, Column::Uint8(vec![]))])),
        (3 * PIECES + 2 * copies, frame(vec![Field { config: json, ..empty() }])),
        (3 * PIECES + 2 * copies, frame(vec![Field { labels, ..empty() }])),
        (3 * PIECES + 2 * copies, meta),
        (copies, frame(vec![named("", Column::Uint64(vec![0; text.len() / 8]))])),
        (copies, frame(vec![named("", Column::Text(texts(&[&text])))])),
        (2 * copies, frame(vec![Field { validity: Some(bits), ..named("", booleans) }])),
        (2 * PIECES, frame(vec![empty(); PIECES * PIECE / 256])),
    ] {
        let (file, count) = encoded_within(&frame, usize::MAX);
        read(&file.unwrap());
        assert!(count >= pieces * 9 / 10, "{count} polls for {pieces} pieces");
    }
}

#[test]
fn the_estimate_of_a_schema_is_never_too_small() {
    for len in [0, 1, 2, 3, 4, 5, 100] {
        let text = "x".repeat(len);
        let json = Some(format!(r#"{{"path":"{text}"}}"#));
        let field = Field {
            config: json.clone(),
            labels: Some(vec![label("a", &text)]),
            validity: Some(vec![]),
            ..named(&text, Column::Int8(vec![]))
        };
        for fields in [0, 1, 2, 100] {
            let frame =
                Frame { meta: json.clone(), name: text.clone(), ..frame(vec![field.clone(); fields]) };
            let mut pace = Pace::new();
            let (table, _) = polls(check(&frame, "A", &mut pace));
            let table = table.unwrap();
            let (schema, _) = polls(schema::Schema::new(&table, &mut pace));
            let schema = schema.unwrap();
            let (message, _) = polls(message::footer(&schema, None, &mut pace));
            assert!(message.bytes().len() <= schema.size(), "{fields} fields, texts of {len} bytes");
        }
    }
}
