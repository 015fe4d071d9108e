//! Frames on their way to Grafana: a component's columns, checked once, in one of the two formats that Grafana reads.

use bytes::Bytes;

use crate::capability::bindings::gpx::plugin::frames::Frame;

pub use error::Error;

mod arrow;
mod check;
mod error;
mod escape;
mod json;
#[cfg(test)]
mod sample;
mod table;

/// What Grafana asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Format {
    /// An Arrow IPC file.
    Arrow,
    /// Grafana's own JSON object of a schema and columns.
    Json,
}

/// Encodes one frame; `ref_id` is used where the frame's own is empty.
pub fn encode(frame: &Frame, ref_id: &str, format: Format) -> Result<Bytes, Error> {
    let table = check::check(frame, ref_id)?;
    let encoded = match format {
        Format::Arrow => arrow::encode(&table),
        Format::Json => json::encode(&table),
    };
    encoded.map_err(|mistake| Error::in_frame(table.name, table.ref_id, mistake))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capability::bindings::gpx::plugin::frames::{Booleans, Column, Field, Texts};

    /// A xorshift generator: the same frames in each run.
    struct Random(u64);

    impl Random {
        fn below(&mut self, bound: u64) -> u64 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            self.0 % bound
        }

        /// Mostly `len`.
        fn len(&mut self, len: usize) -> usize {
            if self.below(8) == 0 { self.below(20) as usize } else { len }
        }

        fn bytes(&mut self, len: usize) -> Vec<u8> {
            (0..self.len(len)).map(|_| b"\0\xFF{}[]\"1a<\xC3\xA9"[self.below(12) as usize]).collect()
        }

        fn texts(&mut self, rows: usize) -> Texts {
            let bytes = self.bytes(rows);
            let mut offsets: Vec<i32> = (0..=self.len(rows)).map(|row| row.min(bytes.len()) as i32).collect();
            if self.below(4) == 0 {
                let at = self.below(offsets.len() as u64) as usize;
                offsets[at] = [i32::MIN, -1, 0, 1, i32::MAX][self.below(5) as usize];
            }
            Texts { offsets, bytes }
        }

        fn field(&mut self, rows: usize) -> Field {
            let column = match self.below(6) {
                0 => Column::Text(self.texts(rows)),
                1 => Column::Json(self.texts(rows)),
                2 => {
                    let bits = self.bytes(rows.div_ceil(8));
                    let rows = if self.below(8) == 0 { u32::MAX } else { self.len(rows) as u32 };
                    Column::Boolean(Booleans { rows, bits })
                }
                3 => Column::Time(vec![[i64::MIN, i64::MAX, 1][self.below(3) as usize]; self.len(rows)]),
                4 => Column::Float32(vec![[f32::NAN, f32::MIN][self.below(2) as usize]; self.len(rows)]),
                _ => Column::Uint8(self.bytes(rows)),
            };
            let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
            let config = (self.below(4) == 0).then(|| text(self.bytes(2)));
            let validity = (self.below(2) == 0).then(|| self.bytes(rows.div_ceil(8)));
            Field { name: text(self.bytes(3)), labels: None, config, validity, column }
        }
    }

    #[test]
    fn whatever_a_component_sends_is_encoded_or_refused() {
        let mut random = Random(0x9E37_79B9_7F4A_7C15);
        let mut encoded = 0;
        for _ in 0..20_000 {
            let rows = random.below(20) as usize;
            let fields = (0..random.below(4)).map(|_| random.field(rows)).collect();
            let frame = Frame { name: String::new(), ref_id: String::new(), meta: None, fields };
            let arrow = encode(&frame, "A", Format::Arrow);
            match encode(&frame, "A", Format::Json) {
                Ok(json) => {
                    assert!(serde_json::from_slice::<serde::de::IgnoredAny>(&json).is_ok(), "{json:?}");
                    let (schema, batch) = arrow::tests::read(&arrow.unwrap());
                    assert_eq!(schema.fields().len(), frame.fields.len());
                    assert!(batch.is_none_or(|batch| batch.num_columns() == frame.fields.len()));
                    encoded += 1;
                }
                Err(error) => assert_eq!(error.to_string(), arrow.unwrap_err().to_string()),
            }
        }
        assert!((1_000..19_000).contains(&encoded), "{encoded} frames were encoded: both ends are tried");
    }
}
