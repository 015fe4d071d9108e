//! How much memory the frames of an answer take, as they came from the component.

use crate::capability::bindings::gpx::plugin::frames::{Column, Field, Frame, Label};

/// What an allocator adds to a small block, and rounds it up to, in bytes.
const ALLOCATION: usize = 32;

/// Returns the bytes of the frames.
pub(super) fn weight(frames: &[Frame]) -> usize {
    frames.iter().map(frame).sum()
}

fn frame(Frame { name, ref_id, meta, fields }: &Frame) -> usize {
    let texts = name.len() + ref_id.len() + meta.as_ref().map_or(0, String::len);
    size_of::<Frame>() + 4 * ALLOCATION + texts + fields.iter().map(field).sum::<usize>()
}

fn field(Field { name, labels, config, column: values, validity }: &Field) -> usize {
    let texts = name.len() + config.as_ref().map_or(0, String::len);
    let labels = labels
        .iter()
        .flatten()
        .map(|Label { name, value }| size_of::<Label>() + 2 * ALLOCATION + name.len() + value.len());
    let validity = validity.as_ref().map_or(0, Vec::len);
    size_of::<Field>() + 4 * ALLOCATION + texts + labels.sum::<usize>() + validity + column(values)
}

fn column(column: &Column) -> usize {
    match column {
        Column::Time(values) => size_of_val(values.as_slice()),
        Column::Text(texts) | Column::Json(texts) => {
            size_of_val(texts.offsets.as_slice()) + texts.bytes.len()
        }
        Column::Boolean(booleans) => booleans.bits.len(),
        Column::Int8(values) => values.len(),
        Column::Int16(values) => size_of_val(values.as_slice()),
        Column::Int32(values) => size_of_val(values.as_slice()),
        Column::Int64(values) => size_of_val(values.as_slice()),
        Column::Uint8(values) => values.len(),
        Column::Uint16(values) | Column::Enumeration(values) => size_of_val(values.as_slice()),
        Column::Uint32(values) => size_of_val(values.as_slice()),
        Column::Uint64(values) => size_of_val(values.as_slice()),
        Column::Float32(values) => size_of_val(values.as_slice()),
        Column::Float64(values) => size_of_val(values.as_slice()),
    }
}
