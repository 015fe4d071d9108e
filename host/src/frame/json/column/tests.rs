//! Tests of every type of column, of its rest, and of columns that take many steps.

use super::super::super::check::check;
use super::super::super::draft::SHORT;
use super::super::super::pace::{PIECE, Pace};
use super::super::super::sample::{frame, named, polls, texts};
use super::array::ROWS;
use super::*;
use crate::capability::bindings::gpx::plugin::frames::{Booleans, Field, Texts};

/// The values, entities and nanos of one column.
fn json(column: Column, validity: Option<Vec<u8>>) -> [String; 3] {
    let mut field = named("", column);
    field.validity = validity;
    polls(written(field, usize::MAX)).0.unwrap().map(|out| String::from_utf8(out).unwrap())
}

/// Returns the same if the values take at most `limit` bytes.
async fn written(field: Field, limit: usize) -> Result<[Vec<u8>; 3], Full> {
    let frame = frame(vec![field]);
    let table = check(&frame, "", &mut Pace::new()).await.unwrap();
    let series = &table.series[0];
    let mut pace = Pace::new();
    let mut values = Draft::new(0, limit, &mut pace);
    let rest = write(&mut values, series, table.rows).await?;
    let values = values.finish();
    let mut entities = Draft::new(0, usize::MAX, &mut pace);
    write_entities(&mut entities, series, rest).await?;
    let entities = entities.finish();
    let mut nanos = Draft::new(0, usize::MAX, &mut pace);
    write_nanos(&mut nanos, series, rest).await?;
    Ok([values, entities, nanos.finish()])
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
    let result = |limit| polls(written(named("", Column::Uint8(vec![1; 100])), limit)).0;
    assert!(matches!(result(150), Err(Full::Limit)));
    assert!(result(201).is_ok());
}

#[test]
fn rows_across_pieces_stay_in_order() {
    let rows = 2 * ROWS + 3;
    let numbers: Vec<usize> = (0..rows).collect();
    let expected = |value: fn(usize) -> String| {
        format!("[{}]", numbers.iter().map(|row| value(*row)).collect::<Vec<_>>().join(","))
    };
    let column = Column::Uint32(numbers.iter().map(|row| *row as u32).collect());
    assert_eq!(values(column), expected(|row| row.to_string()));
    let long: Vec<String> = numbers.iter().map(|row| "x".repeat(row % 7 * SHORT / 6 + 1)).take(50).collect();
    let long: Vec<&str> = long.iter().map(String::as_str).collect();
    let written = values(Column::Text(texts(&long)));
    assert_eq!(serde_json::from_str::<Vec<String>>(&written).unwrap(), long);
    assert_eq!(values(Column::Json(texts(&["[1]"; 9]))), format!("[{}]", ["[1]"; 9].join(",")));

    let floats = numbers.iter().map(|row| if row % 2 == 0 { f64::NAN } else { 1.0 }).collect();
    let [_, entities, _] = json(Column::Float64(floats), None);
    let even: Vec<_> = numbers.iter().filter(|row| *row % 2 == 0).map(usize::to_string).collect();
    assert_eq!(entities, format!(r#"{{"NaN":[{}]}}"#, even.join(",")));
    let [_, _, nanos] = json(Column::Time(numbers.iter().map(|row| *row as i64).collect()), None);
    assert_eq!(nanos, expected(|row| row.to_string()));
}

#[test]
fn every_kind_of_column_takes_many_pieces() {
    const PIECES: usize = 8;
    let columns = [
        (Column::Boolean(Booleans { rows: (PIECES * ROWS) as u32, bits: vec![0; PIECES * ROWS / 8] }), 6),
        (Column::Uint8(vec![1; PIECES * ROWS]), 2),
        (Column::Int64(vec![i64::MIN; PIECES * ROWS]), 21),
        (Column::Time(vec![1; PIECES * ROWS]), 4),
        (Column::Float32(vec![f32::NAN; PIECES * ROWS]), 4 + 4 + 5),
        (Column::Float64(vec![-1.0 / 3.0; PIECES * ROWS]), 20),
        (Column::Text(Texts { offsets: vec![0; PIECES * ROWS + 1], bytes: vec![] }), 3),
        (Column::Json(texts(&vec!["1"; PIECES * ROWS])), 2),
        (Column::Text(texts(&[&"<".repeat(PIECES * ROWS)])), 6),
    ];
    for (column, width) in columns {
        let name = format!("{:?}", std::mem::discriminant(&column));
        let (checked, count) = polls(async {
            // Only what is checked before it is written.
            let frame = frame(vec![named("", column.clone())]);
            check(&frame, "", &mut Pace::new()).await.is_ok()
        });
        let (_, all) = polls(written(named("", column), usize::MAX));
        let least = PIECES * ROWS * width / (2 * PIECE);
        assert!(checked && all - count >= least, "{name}: {} polls, at least {least}", all - count);
    }
}
