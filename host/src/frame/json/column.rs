//! One column as a JSON array, and what of it goes elsewhere: nanoseconds, and the floats that JSON has no number for.

use itoa::Integer;

use super::super::error::Mistake;
use super::super::escape;
use super::super::table::{Nulls, Series, bit, text_rows};
use super::list;
use super::number::{self, Float};
use crate::capability::bindings::gpx::plugin::frames::Column;

/// What the array of a column's values does not say.
pub(super) enum Rest<'a> {
    Nothing,
    /// The rows that hold no finite number.
    Entities(Entities),
    /// Times that are no whole milliseconds.
    Nanos(&'a [i64], Option<Nulls<'a>>),
}

/// Rows by the float they hold.
#[derive(Default)]
pub(super) struct Entities {
    nan: Vec<usize>,
    inf: Vec<usize>,
    neg_inf: Vec<usize>,
}

const NANOS_PER_MILLI: i64 = 1_000_000;

/// How many bytes the column will take, roughly and rather more: what is reserved and not written costs nothing,
/// growing the text step by step does.
pub(super) fn estimate(series: &Series<'_>, rows: usize) -> usize {
    let width = match series.column {
        Column::Time(_) | Column::Int64(_) | Column::Uint64(_) => 14,
        Column::Float64(_) => 20,
        Column::Float32(_) | Column::Int32(_) | Column::Uint32(_) => 11,
        Column::Boolean(_) => 6,
        Column::Int8(_) | Column::Uint8(_) | Column::Int16(_) | Column::Uint16(_) => 5,
        Column::Enumeration(_) => 3,
        Column::Text(texts) | Column::Json(texts) => {
            return texts.bytes.len().saturating_add(rows.saturating_mul(3));
        }
    };
    rows.saturating_mul(width)
}

/// Appends the column's values; `out` may hold `limit` bytes.
pub(super) fn write<'a>(
    out: &mut Vec<u8>,
    series: &Series<'a>,
    rows: usize,
    limit: usize,
) -> Result<Rest<'a>, Mistake> {
    let mut array = Array { out, nulls: series.nulls, limit };
    match series.column {
        Column::Time(values) => return array.times(values),
        Column::Float32(values) => return array.floats(values),
        Column::Float64(values) => return array.floats(values),
        Column::Text(texts) => array.fill(text_rows(texts), |out, _, text| escape::string(out, text))?,
        Column::Json(texts) => array.fill(text_rows(texts), |out, _, json| out.extend_from_slice(json))?,
        Column::Boolean(booleans) => array.fill(0..rows, |out, _, row| {
            out.extend_from_slice(if bit(&booleans.bits, row) { b"true" } else { b"false" });
        })?,
        Column::Int8(values) => array.integers(values)?,
        Column::Int16(values) => array.integers(values)?,
        Column::Int32(values) => array.integers(values)?,
        Column::Int64(values) => array.integers(values)?,
        Column::Uint8(values) => array.integers(values)?,
        Column::Uint16(values) | Column::Enumeration(values) => array.integers(values)?,
        Column::Uint32(values) => array.integers(values)?,
        Column::Uint64(values) => array.integers(values)?,
    }
    Ok(Rest::Nothing)
}

/// The array that is being written.
struct Array<'o, 'a> {
    out: &'o mut Vec<u8>,
    nulls: Option<Nulls<'a>>,
    limit: usize,
}

// === impl Rest ===

impl Rest<'_> {
    /// Appends the rows of the column's entities, or null.
    pub(super) fn write_entities(out: &mut Vec<u8>, rest: &Rest<'_>) {
        let Rest::Entities(entities) = rest else { return out.extend_from_slice(b"null") };
        let named = [("NaN", &entities.nan), ("Inf", &entities.inf), ("NegInf", &entities.neg_inf)];
        out.push(b'{');
        for (i, (name, rows)) in named.into_iter().filter(|(_, rows)| !rows.is_empty()).enumerate() {
            if i > 0 {
                out.push(b',');
            }
            escape::string(out, name.as_bytes());
            out.push(b':');
            list(out, rows, |out, row| number::integer(out, *row));
        }
        out.push(b'}');
    }

    /// Appends the nanoseconds that each time has beyond its milliseconds, or null.
    pub(super) fn write_nanos(out: &mut Vec<u8>, rest: &Rest<'_>) {
        let Rest::Nanos(times, nulls) = rest else { return out.extend_from_slice(b"null") };
        list(out, times.iter().enumerate(), |out, (row, time)| {
            let null = nulls.is_some_and(|nulls| nulls.is_null(row));
            number::integer(out, if null { 0 } else { time.rem_euclid(NANOS_PER_MILLI) });
        });
    }
}

// === impl Entities ===

impl Entities {
    fn add(&mut self, row: usize, value: f64) {
        let rows = match value {
            f64::INFINITY => &mut self.inf,
            f64::NEG_INFINITY => &mut self.neg_inf,
            _ => &mut self.nan,
        };
        rows.push(row);
    }
}

// === impl Array ===

impl<'a> Array<'_, 'a> {
    fn times(&mut self, times: &'a [i64]) -> Result<Rest<'a>, Mistake> {
        let mut nanos = false;
        self.fill(times, |out, _, time| {
            number::integer(out, time.div_euclid(NANOS_PER_MILLI));
            nanos |= time % NANOS_PER_MILLI != 0;
        })?;
        Ok(if nanos { Rest::Nanos(times, self.nulls) } else { Rest::Nothing })
    }

    fn floats<T: Float>(&mut self, values: &[T]) -> Result<Rest<'a>, Mistake> {
        let mut entities = None;
        self.fill(values, |out, row, value| {
            if !number::float(out, *value) {
                out.extend_from_slice(b"null");
                entities.get_or_insert_with(Entities::default).add(row, (*value).into());
            }
        })?;
        Ok(entities.map_or(Rest::Nothing, Rest::Entities))
    }

    fn integers<T: Integer>(&mut self, values: &[T]) -> Result<(), Mistake> {
        self.fill(values, |out, _, value| number::integer(out, *value))
    }

    /// Writes a value, or null, for each row.
    fn fill<T>(
        &mut self,
        values: impl IntoIterator<Item = T>,
        mut write: impl FnMut(&mut Vec<u8>, usize, T),
    ) -> Result<(), Mistake> {
        self.out.push(b'[');
        for (row, value) in values.into_iter().enumerate() {
            if row > 0 {
                self.out.push(b',');
            }
            if self.nulls.is_some_and(|nulls| nulls.is_null(row)) {
                self.out.extend_from_slice(b"null");
            } else {
                write(self.out, row, value);
            }
            if self.out.len() > self.limit {
                return Err(Mistake::LargeText { limit: self.limit });
            }
        }
        self.out.push(b']');
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::check::check;
    use super::super::super::sample::{frame, named, texts};
    use super::*;
    use crate::capability::bindings::gpx::plugin::frames::Booleans;

    /// The values, entities and nanos of one column.
    fn json(column: Column, validity: Option<Vec<u8>>) -> [String; 3] {
        let mut field = named("", column);
        field.validity = validity;
        let frame = frame(vec![field]);
        let table = check(&frame, "").unwrap();
        let mut outs = [vec![], vec![], vec![]];
        let rest = write(&mut outs[0], &table.series[0], table.rows, 1 << 10).unwrap();
        Rest::write_entities(&mut outs[1], &rest);
        Rest::write_nanos(&mut outs[2], &rest);
        outs.map(|out| String::from_utf8(out).unwrap())
    }

    fn values(column: Column) -> String {
        let [values, entities, nanos] = json(column, None);
        assert_eq!([entities.as_str(), nanos.as_str()], ["null", "null"]);
        values
    }

    #[test]
    fn every_type() {
        assert_eq!(values(Column::Int8(vec![i8::MIN, i8::MAX])), "[-128,127]");
        assert_eq!(values(Column::Int16(vec![i16::MIN])), "[-32768]");
        assert_eq!(values(Column::Int32(vec![i32::MIN])), "[-2147483648]");
        assert_eq!(values(Column::Int64(vec![i64::MIN])), "[-9223372036854775808]");
        assert_eq!(values(Column::Uint8(vec![u8::MAX])), "[255]");
        assert_eq!(values(Column::Uint16(vec![u16::MAX])), "[65535]");
        assert_eq!(values(Column::Uint32(vec![u32::MAX])), "[4294967295]");
        assert_eq!(values(Column::Uint64(vec![u64::MAX])), "[18446744073709551615]");
        assert_eq!(values(Column::Float32(vec![0.1, -2.0])), "[0.1,-2]");
        assert_eq!(values(Column::Float64(vec![])), "[]");
        assert_eq!(values(Column::Enumeration(vec![3])), "[3]");
        assert_eq!(values(Column::Text(texts(&["a", "", "<"]))), r#"["a","","\u003c"]"#);
        assert_eq!(values(Column::Json(texts(&["{\"a\": [1]}", "null"]))), r#"[{"a": [1]},null]"#);
        let booleans = Booleans { rows: 3, bits: vec![0b1111_1101] };
        assert_eq!(values(Column::Boolean(booleans)), "[true,false,true]");
    }

    #[test]
    fn times_are_floored_to_milliseconds_and_keep_their_rest() {
        let times = Column::Time(vec![0, 1_500_000, -1, -1_000_000]);
        let [values, entities, nanos] = json(times, Some(vec![0b1111]));
        assert_eq!(values, "[0,1,-1,-1]");
        assert_eq!(entities, "null");
        assert_eq!(nanos, "[0,500000,999999,0]");
    }

    #[test]
    fn floats_that_json_cannot_write_are_entities() {
        let floats = vec![f64::NAN, 1.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN];
        let [values, entities, _] = json(Column::Float64(floats), None);
        assert_eq!(values, "[null,1,null,null,null]");
        assert_eq!(entities, r#"{"NaN":[0,4],"Inf":[2],"NegInf":[3]}"#);
        let [_, entities, _] = json(Column::Float32(vec![f32::INFINITY]), None);
        assert_eq!(entities, r#"{"Inf":[0]}"#);
    }

    #[test]
    fn a_null_row_has_neither_value_nor_rest() {
        let [values, entities, _] = json(Column::Float64(vec![f64::NAN, 2.0]), Some(vec![0b10]));
        assert_eq!([values.as_str(), entities.as_str()], ["[null,2]", "null"]);
        let [values, _, nanos] = json(Column::Time(vec![5, 1_000_002]), Some(vec![0b10]));
        assert_eq!([values.as_str(), nanos.as_str()], ["[null,1]", "[0,2]"]);
        let [values, ..] = json(Column::Json(texts(&["not json", "1"])), Some(vec![0b10]));
        assert_eq!(values, "[null,1]");
    }

    #[test]
    fn an_array_ends_at_the_limit() {
        let frame = frame(vec![named("", Column::Uint8(vec![1; 100]))]);
        let table = check(&frame, "").unwrap();
        let result = write(&mut Vec::new(), &table.series[0], 100, 150);
        assert!(matches!(result, Err(Mistake::LargeText { limit: 150 })));
        assert!(write(&mut Vec::new(), &table.series[0], 100, 201).is_ok());
    }
}
