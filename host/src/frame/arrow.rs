//! The Arrow IPC file format: magic, schema, at most one record batch, end of stream, footer, magic.

use bytes::Bytes;

use super::error::Mistake;
use super::table::Table;
use body::Body;
use schema::Schema;

mod body;
mod message;
#[cfg(test)]
mod read;
mod schema;

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

#[cfg(test)]
mod tests {
    use super::super::check::check;
    use super::super::sample::{frame, label, named, texts};
    use super::read::{self, number};
    use super::*;
    use crate::bindings::gpx::plugin::frames::{Booleans, Column, Field, Frame};

    fn file(frame: &Frame) -> Vec<u8> {
        encode(&check(frame, "A").unwrap()).unwrap().to_vec()
    }

    /// The message at `at`, and where it ends.
    fn message(file: &[u8], at: usize) -> (read::Table<'_>, usize) {
        assert_eq!(file[at..at + 4], CONTINUATION);
        assert_eq!(at % ALIGNMENT, 0);
        let end = at + 8 + number(file, at + 4, 4) as usize;
        (read::Table::root(&file[at + 8..end]), end)
    }

    fn footer(file: &[u8]) -> read::Table<'_> {
        let end = file.len() - 10;
        assert_eq!(&file[end + 4..], MAGIC);
        let start = end - number(file, end, 4) as usize;
        assert_eq!(number(file, start - 8, 8), 0xFFFF_FFFF, "the end of the stream precedes the footer");
        read::Table::root(&file[start..end])
    }

    fn pairs(tables: Vec<read::Table<'_>>) -> Vec<(&str, &str)> {
        tables.into_iter().map(|pair| (pair.text(0), pair.text(1))).collect()
    }

    /// The buffers of a frame of one field, with the batch's rows and null count.
    fn batch(field: Field) -> (i64, i64, Vec<Vec<u8>>) {
        let file = file(&frame(vec![field]));
        let [[offset, metadata, body]] = footer(&file).structs::<3>(3)[..] else { panic!("one batch") };
        let (message, end) = message(&file, offset as usize);
        assert_eq!(end, (offset + metadata) as usize);
        assert_eq!((message.number(0, 2), message.number(1, 1), message.number(3, 8)), (4, 3, body));
        let batch = message.table(2);
        let [[rows, nulls]] = batch.structs::<2>(1)[..] else { panic!("one node") };
        assert_eq!(batch.number(0, 8), rows);
        let buffers = batch.structs::<2>(2).into_iter().map(|[offset, len]| {
            assert_eq!(offset % 64, 0);
            assert!(offset + len <= body);
            file[end + offset as usize..][..len as usize].to_vec()
        });
        (rows, nulls, buffers.collect())
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
        let (message, _) = message(&file, 8);
        assert_eq!((message.number(0, 2), message.number(1, 1)), (4, 1));
        for schema in [message.table(2), footer(&file).table(1)] {
            assert_eq!(schema.number(0, 2), 0, "little endian");
            assert_eq!(pairs(schema.tables(2)), [("meta", "{}"), ("name", "response"), ("refId", "A")]);
            let [time, value] = schema.tables(1)[..] else { panic!("two fields") };
            assert_eq!((time.text(0), time.number(1, 1)), ("time", 0));
            assert_eq!(pairs(time.tables(6)), [("tstype", "time")]);
            assert_eq!((value.text(0), value.number(1, 1)), ("value", 1));
            assert_eq!(
                pairs(value.tables(6)),
                [
                    ("config", r#"{"unit":"\u003c"}"#),
                    ("labels", r#"{"a":"1","b":"\u003c"}"#),
                    ("tstype", "number")
                ]
            );
        }
    }

    #[test]
    fn types() {
        let booleans = Booleans { rows: 0, bits: vec![] };
        let of = |column| {
            let file = file(&frame(vec![named("", column)]));
            let field = footer(&file).table(1).tables(1)[0];
            let members = match field.number(2, 1) {
                2 => vec![field.table(3).number(0, 4), field.table(3).number(1, 1)],
                3 | 10 => vec![field.table(3).number(0, 2)],
                _ => vec![],
            };
            (field.number(2, 1), members, field.tables(6)[0].text(1).to_owned())
        };
        let expect = |kind, members: &[i64], word: &str| (kind, members.to_vec(), word.to_owned());
        assert_eq!(of(Column::Int8(vec![])), expect(2, &[8, 1], "number"));
        assert_eq!(of(Column::Int16(vec![])), expect(2, &[16, 1], "number"));
        assert_eq!(of(Column::Int32(vec![])), expect(2, &[32, 1], "number"));
        assert_eq!(of(Column::Int64(vec![])), expect(2, &[64, 1], "number"));
        assert_eq!(of(Column::Uint8(vec![])), expect(2, &[8, 0], "number"));
        assert_eq!(of(Column::Uint16(vec![])), expect(2, &[16, 0], "number"));
        assert_eq!(of(Column::Uint32(vec![])), expect(2, &[32, 0], "number"));
        assert_eq!(of(Column::Uint64(vec![])), expect(2, &[64, 0], "number"));
        assert_eq!(of(Column::Float32(vec![])), expect(3, &[1], "number"));
        assert_eq!(of(Column::Float64(vec![])), expect(3, &[2], "number"));
        assert_eq!(of(Column::Json(texts(&[]))), expect(4, &[], "other"));
        assert_eq!(of(Column::Text(texts(&[]))), expect(5, &[], "string"));
        assert_eq!(of(Column::Boolean(booleans)), expect(6, &[], "boolean"));
        assert_eq!(of(Column::Time(vec![])), expect(10, &[3], "time"));
        assert_eq!(of(Column::Enumeration(vec![])), expect(2, &[16, 0], "enum"));
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
            let file = file(&frame(fields));
            assert!(footer(&file).structs::<3>(3).is_empty());
            let (_, end) = message(&file, 8);
            assert_eq!(number(&file, end, 8), 0xFFFF_FFFF, "the stream ends after the schema");
        }
    }

    #[test]
    fn what_grafana_cannot_read_is_refused() {
        let large = frame(vec![named("", Column::Uint8(vec![0; (BODY_LIMIT + 1) as usize]))]);
        let result = encode(&check(&large, "").unwrap());
        assert_eq!(result, Err(Mistake::LargeBody { bytes: BODY_LIMIT + 64, limit: BODY_LIMIT }));

        let name = "x".repeat(SCHEMA_LIMIT as usize);
        let wordy = frame(vec![named(&name, Column::Uint8(vec![]))]);
        assert!(matches!(encode(&check(&wordy, "").unwrap()), Err(Mistake::LargeSchema { .. })));
    }
}
