//! A frame in parts, for a host that takes so many bytes at once.

use std::ops::Range;

use super::{Frame, column, wit};

/// How many bytes of columns a part has, unless one row has more. The host takes twice as much at once.
const PART: usize = 1 << 20;

// === impl Frame ===

impl Frame {
    /// Splits the frame into parts with some of its rows each, and with all that it says about itself.
    pub(crate) fn parts(self) -> impl Iterator<Item = wit::Frame> {
        let rows = self.rows();
        let mut whole = Some(wit::Frame::from(self));
        let mut next = 0;
        std::iter::from_fn(move || {
            let frame = whole.as_ref()?;
            // The host says what is wrong with columns of different lengths.
            let end = rows.map_or(next, |rows| end_of_part(frame, next, rows));
            let is_last = rows.is_none_or(|rows| end >= rows);
            if next == 0 && is_last {
                return whole.take();
            }
            let part = with_rows(frame, next..end);
            next = end;
            if is_last {
                whole = None;
            }
            Some(part)
        })
    }
}

/// Returns where a part ends that begins at a row.
fn end_of_part(frame: &wit::Frame, start: usize, rows: usize) -> usize {
    let mut bytes = 0;
    for row in start..rows {
        bytes += frame.fields.iter().map(|field| width(field, row)).sum::<usize>();
        if bytes > PART && row > start {
            return row;
        }
    }
    rows
}

/// The bytes of a row of a field, or a little more.
fn width(field: &wit::Field, row: usize) -> usize {
    let validity = usize::from(field.validity.is_some());
    validity
        + match &field.column {
            wit::Column::Boolean(_) | wit::Column::Int8(_) | wit::Column::Uint8(_) => 1,
            wit::Column::Int16(_) | wit::Column::Uint16(_) | wit::Column::Enumeration(_) => 2,
            wit::Column::Int32(_) | wit::Column::Uint32(_) | wit::Column::Float32(_) => 4,
            wit::Column::Time(_)
            | wit::Column::Int64(_)
            | wit::Column::Uint64(_)
            | wit::Column::Float64(_) => 8,
            wit::Column::Text(texts) | wit::Column::Json(texts) => {
                let [start, end] = [row, row + 1].map(|at| offset(texts, at));
                4 + end.saturating_sub(start)
            }
        }
}

fn with_rows(frame: &wit::Frame, rows: Range<usize>) -> wit::Frame {
    let field = |field: &wit::Field| wit::Field {
        name: field.name.clone(),
        labels: field.labels.clone(),
        config: field.config.clone(),
        // An empty bitmap means that no row is null.
        validity: field
            .validity
            .as_ref()
            .map(|bits| if bits.is_empty() { vec![] } else { some_bits(bits, &rows) }),
        column: some(&field.column, &rows),
    };
    wit::Frame {
        name: frame.name.clone(),
        ref_id: frame.ref_id.clone(),
        meta: frame.meta.clone(),
        fields: frame.fields.iter().map(field).collect(),
    }
}

fn some(column: &wit::Column, rows: &Range<usize>) -> wit::Column {
    match column {
        wit::Column::Time(values) => wit::Column::Time(some_values(values, rows)),
        wit::Column::Text(texts) => wit::Column::Text(some_texts(texts, rows)),
        wit::Column::Boolean(booleans) => {
            let bits = some_bits(&booleans.bits, rows);
            wit::Column::Boolean(wit::Booleans { rows: rows.len() as u32, bits })
        }
        wit::Column::Int8(values) => wit::Column::Int8(some_values(values, rows)),
        wit::Column::Int16(values) => wit::Column::Int16(some_values(values, rows)),
        wit::Column::Int32(values) => wit::Column::Int32(some_values(values, rows)),
        wit::Column::Int64(values) => wit::Column::Int64(some_values(values, rows)),
        wit::Column::Uint8(values) => wit::Column::Uint8(some_values(values, rows)),
        wit::Column::Uint16(values) => wit::Column::Uint16(some_values(values, rows)),
        wit::Column::Uint32(values) => wit::Column::Uint32(some_values(values, rows)),
        wit::Column::Uint64(values) => wit::Column::Uint64(some_values(values, rows)),
        wit::Column::Float32(values) => wit::Column::Float32(some_values(values, rows)),
        wit::Column::Float64(values) => wit::Column::Float64(some_values(values, rows)),
        wit::Column::Json(texts) => wit::Column::Json(some_texts(texts, rows)),
        wit::Column::Enumeration(values) => wit::Column::Enumeration(some_values(values, rows)),
    }
}

fn some_values<T: Copy>(values: &[T], rows: &Range<usize>) -> Vec<T> {
    values.get(rows.clone()).unwrap_or_default().to_vec()
}

fn some_bits(bits: &[u8], rows: &Range<usize>) -> Vec<u8> {
    let bit = |row: usize| bits.get(row / 8).is_some_and(|byte| byte >> (row % 8) & 1 == 1);
    column::bits(rows.clone().map(bit))
}

fn some_texts(texts: &wit::Texts, rows: &Range<usize>) -> wit::Texts {
    let (start, end) = (offset(texts, rows.start), offset(texts, rows.end));
    let offsets = texts.offsets.get(rows.start..=rows.end).unwrap_or_default();
    wit::Texts {
        offsets: offsets.iter().map(|offset| offset.saturating_sub(start as i32)).collect(),
        bytes: texts.bytes.get(start..end).unwrap_or_default().to_vec(),
    }
}

fn offset(texts: &wit::Texts, at: usize) -> usize {
    texts.offsets.get(at).and_then(|offset| usize::try_from(*offset).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Field;

    #[test]
    fn a_small_frame_is_one_part_and_so_is_an_empty_or_a_wrong_one() {
        for frame in [
            Frame::new("small").field("x", vec![1.0; 1000]),
            Frame::new("empty"),
            Frame::new("wrong").field("x", vec![1.0; 500_000]).field("y", [1.0]),
        ] {
            let whole = wit::Frame::from(frame.clone());
            let parts: Vec<_> = frame.parts().collect();
            assert_eq!(parts.len(), 1);
            assert_eq!(format!("{:?}", parts[0]), format!("{whole:?}"));
        }
    }

    #[test]
    fn a_large_frame_loses_nothing() {
        const ROWS: usize = 100_003;
        let of = |rows: Range<usize>| {
            let third = |row: usize| (!row.is_multiple_of(3)).then(|| "x".repeat(row % 40));
            Frame::new("large")
                .field("number", rows.clone().map(|row| row as f64).collect::<Vec<_>>())
                .with(Field::new("text", rows.clone().map(third).collect::<Vec<_>>()).label("a", "b"))
                .field("flag", rows.clone().map(|row| row.is_multiple_of(5)).collect::<Vec<_>>())
                .field(
                    "maybe",
                    rows.clone()
                        .map(|row| (!row.is_multiple_of(7)).then_some(row as i32))
                        .collect::<Vec<_>>(),
                )
        };
        let parts: Vec<_> = of(0..ROWS).parts().collect();
        assert!(parts.len() > 3, "{} parts", parts.len());
        let mut next = 0;
        for part in parts {
            let rows = column::rows(&part.fields[0].column);
            let expected = wit::Frame::from(of(next..next + rows));
            assert_eq!(format!("{part:?}"), format!("{expected:?}"), "from row {next}");
            next += rows;
        }
        assert_eq!(next, ROWS);
    }

    #[test]
    fn a_row_is_never_split() {
        let long = vec!["x".repeat(3 << 20), String::new(), "y".repeat(3 << 20)];
        let rows: Vec<_> = Frame::new("").field("text", long).parts().collect();
        let rows: Vec<_> = rows.iter().map(|part| column::rows(&part.fields[0].column)).collect();
        assert_eq!(rows, [1, 1, 1]);
    }
}
