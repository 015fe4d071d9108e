//! Columns in Arrow's own layout, as they are handed to the host: numbers as they are, texts end to end, booleans and
//! nulls as bits.

use crate::Time;
use crate::bindings::base::gpx::plugin::frames as wit;

/// A value that a column can hold. An `Option` of it makes the column nullable.
#[diagnostic::on_unimplemented(
    message = "a frame has no column of `{Self}`",
    label = "not a value of a column",
    note = "columns hold `Time`, `String`, `&str`, `bool`, `i8` to `i64`, `u8` to `u64`, `f32`, `f64`, `Json`, `Enumeration`, and `Option` of each: convert a `usize` with `as u64`, a timestamp with `Time::from_unix_millis`"
)]
pub trait Item: Sized {
    fn column(values: Vec<Self>) -> Column;
}

/// An [`Item`] that is not an `Option` itself, as a column has only one kind of null.
///
/// ```compile_fail,E0277
/// let field = gpx_sdk::Field::new("price", vec![Some(Some(1.0)), Some(None), None]);
/// ```
#[diagnostic::on_unimplemented(
    message = "a column of `Option<{Self}>` is not possible",
    label = "not a value that an `Option` makes nullable",
    note = "a column has only one kind of null: make one `Option` of two with `Option::flatten`"
)]
pub trait NotNull: Item + Default {}

/// The values of a field, ready for the host.
#[derive(Debug)]
pub struct Column {
    pub(crate) column: wit::Column,
    pub(crate) validity: Option<Vec<u8>>,
}

/// One JSON value, as text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Json(pub String);

/// An index into the names that the field's config holds under `type.enum.text`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Enumeration(pub u16);

pub(super) fn rows(column: &wit::Column) -> usize {
    match column {
        wit::Column::Time(values) | wit::Column::Int64(values) => values.len(),
        wit::Column::Text(texts) | wit::Column::Json(texts) => texts.offsets.len().saturating_sub(1),
        wit::Column::Boolean(booleans) => booleans.rows as usize,
        wit::Column::Int8(values) => values.len(),
        wit::Column::Int16(values) => values.len(),
        wit::Column::Int32(values) => values.len(),
        wit::Column::Uint8(values) => values.len(),
        wit::Column::Uint16(values) | wit::Column::Enumeration(values) => values.len(),
        wit::Column::Uint32(values) => values.len(),
        wit::Column::Uint64(values) => values.len(),
        wit::Column::Float32(values) => values.len(),
        wit::Column::Float64(values) => values.len(),
    }
}

// === impl Item ===

impl<T: NotNull> Item for Option<T> {
    fn column(values: Vec<Self>) -> Column {
        let validity = bits(values.iter().map(Option::is_some));
        let Column { column, .. } = T::column(values.into_iter().map(Option::unwrap_or_default).collect());
        Column { column, validity: Some(validity) }
    }
}

macro_rules! numbers {
    ($($number:ty => $case:ident),* $(,)?) => {$(
        impl Item for $number {
            fn column(values: Vec<Self>) -> Column {
                wit::Column::$case(values).into()
            }
        }
        impl NotNull for $number {}
    )*};
}

numbers! {
    i8 => Int8, i16 => Int16, i32 => Int32, i64 => Int64,
    u8 => Uint8, u16 => Uint16, u32 => Uint32, u64 => Uint64,
    f32 => Float32, f64 => Float64,
}

impl Item for Time {
    fn column(values: Vec<Self>) -> Column {
        wit::Column::Time(values.into_iter().map(Time::unix_nanos).collect()).into()
    }
}

impl Item for Enumeration {
    fn column(values: Vec<Self>) -> Column {
        wit::Column::Enumeration(values.into_iter().map(|value| value.0).collect()).into()
    }
}

impl Item for bool {
    fn column(values: Vec<Self>) -> Column {
        // A list of more than u32::MAX values does not fit in a component's memory.
        let rows = values.len() as u32;
        wit::Column::Boolean(wit::Booleans { rows, bits: bits(values.into_iter()) }).into()
    }
}

impl Item for &str {
    fn column(values: Vec<Self>) -> Column {
        wit::Column::Text(texts(values.iter().copied())).into()
    }
}

impl Item for String {
    fn column(values: Vec<Self>) -> Column {
        wit::Column::Text(texts(values.iter().map(String::as_str))).into()
    }
}

impl Item for Json {
    fn column(values: Vec<Self>) -> Column {
        wit::Column::Json(texts(values.iter().map(|json| json.0.as_str()))).into()
    }
}

impl NotNull for Time {}
impl NotNull for Enumeration {}
impl NotNull for bool {}
impl NotNull for &str {}
impl NotNull for String {}
impl NotNull for Json {}

// === impl Column ===

impl From<wit::Column> for Column {
    fn from(column: wit::Column) -> Self {
        Self { column, validity: None }
    }
}

/// Least significant bit of the first byte first.
pub(super) fn bits(values: impl ExactSizeIterator<Item = bool>) -> Vec<u8> {
    let mut bits = Vec::with_capacity(values.len().div_ceil(8));
    for (row, value) in values.enumerate() {
        if row % 8 == 0 {
            bits.push(0);
        }
        if let Some(last) = bits.last_mut() {
            *last |= u8::from(value) << (row % 8);
        }
    }
    bits
}

/// Offsets are 32 bits wide, as are a component's addresses: there is no room for texts of 2 GiB and a copy of them.
fn texts<'a>(values: impl ExactSizeIterator<Item = &'a str> + Clone) -> wit::Texts {
    let mut offsets = Vec::with_capacity(values.len() + 1);
    let mut bytes = Vec::with_capacity(values.clone().map(str::len).sum());
    offsets.push(0);
    for value in values {
        bytes.extend_from_slice(value.as_bytes());
        offsets.push(bytes.len() as i32);
    }
    wit::Texts { offsets, bytes }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn validity<T: Item>(values: Vec<T>) -> Option<Vec<u8>> {
        T::column(values).validity
    }

    #[test]
    fn numbers_cross_as_they_are() {
        let values = vec![1.5, f64::NAN, -0.0];
        let address = values.as_ptr();
        let wit::Column::Float64(crossed) = f64::column(values).column else { panic!("another column") };
        assert_eq!(crossed.as_ptr(), address, "the values were copied");
        assert_eq!(validity(vec![1_i64, 2]), None);
    }

    #[test]
    fn nulls_are_zero_bits_and_zero_values() {
        let Column { column, validity } = Option::<i64>::column(vec![Some(7), None, Some(-1)]);
        assert_eq!(validity, Some(vec![0b101]));
        let wit::Column::Int64(values) = column else { panic!("another column") };
        assert_eq!(values, [7, 0, -1]);
    }

    #[test]
    fn a_ninth_bit_starts_a_second_byte() {
        let mut values = vec![true; 9];
        values[1] = false;
        let wit::Column::Boolean(booleans) = bool::column(values).column else { panic!("another column") };
        assert_eq!((booleans.rows, booleans.bits), (9, vec![0b1111_1101, 1]));
        assert_eq!(validity::<Option<bool>>(vec![None; 8]), Some(vec![0]));
    }

    #[test]
    fn texts_stand_end_to_end() {
        let wit::Column::Text(texts) = <&str>::column(vec!["a", "", "grün"]).column else {
            panic!("another column")
        };
        assert_eq!(texts.offsets, [0, 1, 1, 6]);
        assert_eq!(texts.bytes, "agrün".as_bytes());
        let wit::Column::Text(texts) = String::column(vec![]).column else { panic!("another column") };
        assert_eq!(texts.offsets, [0], "no rows still have one offset");
    }

    #[test]
    fn a_column_knows_its_rows() {
        assert_eq!(rows(&Option::<String>::column(vec![None, None]).column), 2);
        assert_eq!(rows(&bool::column(vec![true; 11]).column), 11);
    }
}
