//! Every type of column, with and without nulls, beside the array that Arrow's own crate makes of the same values.

use std::sync::Arc;

use arrow_array::types::{
    ArrowPrimitiveType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimestampNanosecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{ArrayRef, BinaryArray, BooleanArray, PrimitiveArray, StringArray};

use super::*;

/// A column, Grafana's word for it, and the array that it is.
struct Sample {
    column: Column,
    word: &'static str,
    array: ArrayRef,
}

/// A column of each type. It has as many rows as `valid`, and those that are not are null.
fn samples(valid: &[bool]) -> Vec<Sample> {
    let sample = |word, (column, array)| Sample { column, word, array };
    let number = |sampled| sample("number", sampled);
    vec![
        number(numbers::<Int8Type>(Column::Int8, &[0, 1, -1, i8::MIN, i8::MAX], valid)),
        number(numbers::<Int16Type>(Column::Int16, &[0, 1, -1, i16::MIN, i16::MAX], valid)),
        number(numbers::<Int32Type>(Column::Int32, &[0, 1, -1, i32::MIN, i32::MAX], valid)),
        number(numbers::<Int64Type>(Column::Int64, &[0, 1, -1, i64::MIN, i64::MAX], valid)),
        number(numbers::<UInt8Type>(Column::Uint8, &[0, 1, u8::MAX], valid)),
        number(numbers::<UInt16Type>(Column::Uint16, &[0, 1, u16::MAX], valid)),
        number(numbers::<UInt32Type>(Column::Uint32, &[0, 1, u32::MAX], valid)),
        number(numbers::<UInt64Type>(Column::Uint64, &[0, 1, u64::MAX], valid)),
        number(numbers::<Float32Type>(Column::Float32, &[0.0, -0.0, 1.5, f32::NAN, f32::INFINITY], valid)),
        number(numbers::<Float64Type>(Column::Float64, &[0.0, -0.0, 1.5, f64::NAN, f64::INFINITY], valid)),
        sample("time", numbers::<TimestampNanosecondType>(Column::Time, &[0, -1, i64::MIN, i64::MAX], valid)),
        sample("enum", numbers::<UInt16Type>(Column::Enumeration, &[0, 1, u16::MAX], valid)),
        sample("boolean", booleans(&[true, true, false], valid)),
        sample("string", strings(&["", "a", "é", "🦀 and more", "\0"], valid)),
        sample("other", documents(&["{}", "null", r#"{"a":["<é>"]}"#], valid)),
    ]
}

pub(super) fn numbers<T: ArrowPrimitiveType>(
    column: fn(Vec<T::Native>) -> Column,
    values: &[T::Native],
    valid: &[bool],
) -> (Column, ArrayRef) {
    let array: PrimitiveArray<T> = cells(values, valid).collect();
    (column(values.iter().copied().cycle().take(valid.len()).collect()), Arc::new(array))
}

pub(super) fn booleans(values: &[bool], valid: &[bool]) -> (Column, ArrayRef) {
    let bits = bitmap(values.iter().copied().cycle().take(valid.len()));
    let array: BooleanArray = cells(values, valid).collect();
    (Column::Boolean(Booleans { rows: valid.len() as u32, bits }), Arc::new(array))
}

pub(super) fn strings(values: &[&str], valid: &[bool]) -> (Column, ArrayRef) {
    let rows: Vec<_> = values.iter().copied().cycle().take(valid.len()).collect();
    let array: StringArray = cells(values, valid).collect();
    (Column::Text(texts(&rows)), Arc::new(array))
}

pub(super) fn documents(values: &[&str], valid: &[bool]) -> (Column, ArrayRef) {
    let rows: Vec<_> = values.iter().copied().cycle().take(valid.len()).collect();
    let array: BinaryArray = cells(values, valid).map(|cell| cell.map(str::as_bytes)).collect();
    (Column::Json(texts(&rows)), Arc::new(array))
}

fn cells<'a, T: Copy>(values: &'a [T], valid: &'a [bool]) -> impl Iterator<Item = Option<T>> {
    values.iter().cycle().zip(valid).map(|(value, valid)| valid.then_some(*value))
}

pub(super) fn bitmap(bits: impl Iterator<Item = bool>) -> Vec<u8> {
    let bits: Vec<bool> = bits.collect();
    let byte = |bits: &[bool]| bits.iter().rev().fold(0, |byte, bit| byte << 1 | u8::from(*bit));
    bits.chunks(8).map(byte).collect()
}

/// Asserts that a frame of all samples is read as the arrays.
fn read_back(valid: &[bool], validity: Option<&[u8]>) {
    let samples = samples(valid);
    let fields = samples.iter().enumerate().map(|(number, sample)| Field {
        validity: validity.map(<[u8]>::to_vec),
        ..named(&format!("{number}"), sample.column.clone())
    });
    let (schema, batch) = read(&file(&frame(fields.collect())));
    assert_eq!((schema.fields().len(), batch.is_some()), (samples.len(), !valid.is_empty()));
    for (number, Sample { word, array, .. }) in samples.iter().enumerate() {
        let field = schema.field(number);
        assert_eq!(field.data_type(), array.data_type());
        assert_eq!(field.name(), &number.to_string());
        assert_eq!(field.is_nullable(), validity.is_some(), "{}", field.data_type());
        assert_eq!(field.metadata()["tstype"], *word, "{}", field.data_type());
        if let Some(batch) = &batch {
            assert_eq!(batch.column(number), array);
            assert_eq!(batch.column(number).null_count(), array.null_count(), "{}", field.data_type());
        }
    }
}

#[test]
fn every_type_of_column() {
    for rows in [0, 1, 7, 8, 9, 63, 64, 65, 1000] {
        let valid = vec![true; rows];
        read_back(&valid, None);
        read_back(&valid, Some(&[]));
        read_back(&valid, Some(&vec![0xFF; rows.div_ceil(8)]));
    }
}

#[test]
fn every_type_of_column_with_nulls() {
    for rows in [1, 7, 8, 9, 63, 64, 65, 1000] {
        for null in
            [|_| true, |row| row == 0, |row| row % 3 == 1, |row| row % 8 == 7] as [fn(usize) -> bool; 4]
        {
            let valid: Vec<bool> = (0..rows).map(|row| !null(row)).collect();
            // The bits behind the last row mean nothing.
            let validity = bitmap(valid.iter().copied().chain([true; 20]));
            read_back(&valid, Some(&validity));
        }
    }
}
