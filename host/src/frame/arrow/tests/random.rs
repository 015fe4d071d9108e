//! Frames of any columns, with any nulls, names, labels, configs and metas: Arrow's own crate reads what they are, and
//! writes and reads that again.

use std::collections::{BTreeMap, HashMap};

use arrow_array::ArrayRef;
use arrow_array::types::{
    Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, TimestampNanosecondType, UInt8Type,
    UInt16Type, UInt32Type, UInt64Type,
};
use arrow_ipc::writer::FileWriter;
use arrow_schema::Field as ArrowField;

use super::columns::{bitmap, booleans, documents, numbers, strings};
use super::*;
use crate::frame::sample::Random;

const FRAMES: usize = 3_000;
const WORDS: [&str; 6] = ["", "a", "<é>", "🦀 and more", "\u{2028}\0", "{\"a\":\"b\"}"];
const DOCUMENTS: [&str; 4] = ["{}", "null", r#"{"a":["<é>"]}"#, "-1e9"];

impl Random {
    fn bits(&mut self) -> u64 {
        self.below(u64::MAX)
    }

    fn word(&mut self) -> &'static str {
        WORDS[self.below(WORDS.len() as u64) as usize]
    }

    /// A value for each row.
    fn values<T>(&mut self, rows: usize, of: impl Fn(u64) -> T) -> Vec<T> {
        (0..rows).map(|_| of(self.bits())).collect()
    }

    /// A column, the array that it is with these rows null, and Grafana's word for it.
    fn column(&mut self, valid: &[bool]) -> (Column, ArrayRef, &'static str) {
        let rows = valid.len();
        let number = |(column, array)| (column, array, "number");
        match self.below(15) {
            0 => number(numbers::<Int8Type>(Column::Int8, &self.values(rows, |bits| bits as i8), valid)),
            1 => number(numbers::<Int16Type>(Column::Int16, &self.values(rows, |bits| bits as i16), valid)),
            2 => number(numbers::<Int32Type>(Column::Int32, &self.values(rows, |bits| bits as i32), valid)),
            3 => number(numbers::<Int64Type>(Column::Int64, &self.values(rows, |bits| bits as i64), valid)),
            4 => number(numbers::<UInt8Type>(Column::Uint8, &self.values(rows, |bits| bits as u8), valid)),
            5 => number(numbers::<UInt16Type>(Column::Uint16, &self.values(rows, |bits| bits as u16), valid)),
            6 => number(numbers::<UInt32Type>(Column::Uint32, &self.values(rows, |bits| bits as u32), valid)),
            7 => number(numbers::<UInt64Type>(Column::Uint64, &self.values(rows, |bits| bits), valid)),
            8 => {
                let values = self.values(rows, |bits| f32::from_bits(bits as u32));
                number(numbers::<Float32Type>(Column::Float32, &values, valid))
            }
            9 => number(numbers::<Float64Type>(Column::Float64, &self.values(rows, f64::from_bits), valid)),
            10 => {
                let values = self.values(rows, |bits| bits as i64);
                let (column, array) = numbers::<TimestampNanosecondType>(Column::Time, &values, valid);
                (column, array, "time")
            }
            11 => {
                let values = self.values(rows, |bits| bits as u16);
                let (column, array) = numbers::<UInt16Type>(Column::Enumeration, &values, valid);
                (column, array, "enum")
            }
            12 => {
                let (column, array) = booleans(&self.values(rows, |bits| bits % 2 == 0), valid);
                (column, array, "boolean")
            }
            13 => {
                let (column, array) =
                    strings(&self.values(rows, |bits| WORDS[bits as usize % WORDS.len()]), valid);
                (column, array, "string")
            }
            _ => {
                let values = self.values(rows, |bits| DOCUMENTS[bits as usize % DOCUMENTS.len()]);
                let (column, array) = documents(&values, valid);
                (column, array, "other")
            }
        }
    }

    /// A field, and what it is in Arrow. Its metadata are JSON, and compared as such.
    fn sampled(&mut self, rows: usize) -> (Field, ArrowField, ArrayRef) {
        let nulls = self.below(3);
        let valid: Vec<bool> = (0..rows).map(|_| nulls == 0 || self.below(3) < nulls).collect();
        let (column, array, word) = self.column(&valid);
        // The bits behind the last row mean nothing, and there can be any number of them.
        let tail = self.below(20) as usize;
        let is_nullable = nulls > 0 || self.below(2) == 0;
        let validity = is_nullable.then(|| match self.below(2) {
            0 if nulls == 0 => vec![],
            _ => bitmap(valid.iter().copied().chain((0..tail).map(|_| self.below(2) == 0))),
        });
        let labels: Option<BTreeMap<&str, &str>> =
            (self.below(2) == 0).then(|| (0..self.below(3)).map(|_| (self.word(), self.word())).collect());
        let config = (self.below(3) == 0).then(|| serde_json::json!({ "unit": self.word() }).to_string());
        let mut metadata = HashMap::from([("tstype".to_owned(), word.to_owned())]);
        metadata.extend(config.clone().map(|config| ("config".to_owned(), config)));
        metadata.extend(
            labels.as_ref().map(|labels| ("labels".to_owned(), serde_json::json!(labels).to_string())),
        );
        let name = self.word();
        let arrow = ArrowField::new(name, array.data_type().clone(), is_nullable).with_metadata(metadata);
        let labels =
            labels.map(|labels| labels.into_iter().map(|(name, value)| label(name, value)).collect());
        (Field { labels, config, validity, ..named(name, column) }, arrow, array)
    }
}

/// Metadata, with the JSON in them read. Those of a frame and those of a field have no key in common.
fn meaning(metadata: &HashMap<String, String>) -> BTreeMap<&str, serde_json::Value> {
    let value = |key: &str, text: &str| match key {
        "meta" | "config" | "labels" => serde_json::from_str(text).unwrap(),
        _ => text.into(),
    };
    // An empty unit is none.
    let value = |key: &str, text: &str| match value(key, text) {
        config if config == serde_json::json!({ "unit": "" }) => serde_json::json!({}),
        value => value,
    };
    metadata.iter().map(|(key, text)| (key.as_str(), value(key, text))).collect()
}

#[test]
fn arrow_reads_any_frame_as_what_it_is_and_writes_it_again() {
    let mut random = Random::new();
    let (mut cells, mut nulls, mut batches) = (0, 0, 0);
    for _ in 0..FRAMES {
        let rows = [0, 1, 7, 8, 9, 63, 64, 65][random.below(8) as usize] + random.below(3) as usize;
        let sampled: Vec<_> = (0..random.below(6)).map(|_| random.sampled(rows)).collect();
        let path = random.word();
        let sent = Frame {
            name: random.word().to_owned(),
            meta: (random.below(2) == 0)
                .then(|| serde_json::json!({ "path": path, "custom": [path] }).to_string()),
            ..frame(sampled.iter().map(|(field, ..)| field.clone()).collect())
        };
        let (schema, batch) = read(&file(&sent));

        let metadata = meaning(schema.metadata());
        assert_eq!((&metadata["name"], &metadata["refId"]), (&sent.name.as_str().into(), &"A".into()));
        assert_eq!(
            metadata.get("meta").map(|meta| meta["custom"][0].clone()),
            sent.meta.as_ref().map(|_| path.into())
        );
        assert_eq!(schema.fields().len(), sampled.len());
        for (found, (_, expected, _)) in schema.fields().iter().zip(&sampled) {
            assert_eq!(meaning(found.metadata()), meaning(expected.metadata()));
            let bare = |field: &ArrowField| field.clone().with_metadata(HashMap::new());
            assert_eq!(bare(found), bare(expected));
        }
        let Some(batch) = batch else {
            assert!(rows == 0 || sampled.is_empty());
            continue;
        };
        for (found, (_, _, expected)) in batch.columns().iter().zip(&sampled) {
            assert_eq!((found, found.null_count()), (expected, expected.null_count()));
            cells += rows;
            nulls += found.null_count();
        }
        batches += 1;

        let mut again = Vec::new();
        let mut writer = FileWriter::try_new(&mut again, &schema).unwrap();
        writer.write(&batch).unwrap();
        writer.finish().unwrap();
        drop(writer);
        let reader = FileReader::try_new(Cursor::new(again), None).unwrap();
        assert_eq!(reader.schema(), schema);
        assert_eq!(reader.map(Result::unwrap).collect::<Vec<_>>(), [batch]);
    }
    assert!(cells > 200_000 && nulls > 50_000 && batches > FRAMES / 2, "{cells} cells, {nulls} nulls");
    eprintln!("{FRAMES} frames, {batches} of them with rows: {cells} cells, {nulls} nulls");
}
