//! Frames with every type of column, large ones, and broken ones.

use gpx_sdk::bindings::base::gpx::plugin::frames as wit;
use gpx_sdk::frame::{Enumeration, Json, Meta, NotNull, Visualization};
use gpx_sdk::{Field, FieldConfig, Frame, Query, Result, Time};
use serde::Deserialize;
use serde_json::json;

mod contract;
mod convert;
mod random;
mod sample;

pub use contract::{dataplane, promised};
pub use convert::convert;
pub use sample::sample;

/// The first time value below.
const START: i64 = 1_700_000_000_123_456_789;

/// Returns columns of each type, both non-nullable and nullable, with three rows; then the same without rows.
pub fn all_types() -> Result<Vec<Frame>> {
    let meta = Meta::new().visualization(Visualization::Table).custom(&json!({ "probe": 1 }))?;
    let frame = Frame::new("all types").meta(meta);
    Ok(vec![columns(frame, 3), columns(Frame::new("no rows"), 0).ref_id("other")])
}

#[derive(Deserialize)]
struct Lengths {
    rows: Vec<usize>,
}

/// Returns columns of each type with as many rows, for `{"rows": [0, 1, 9]}`. The peer has the same on the Go SDK.
pub fn types(query: &Query) -> Result<Vec<Frame>> {
    let Lengths { rows } = query.json()?;
    Ok(rows.into_iter().map(|rows| columns(Frame::new("types"), rows)).collect())
}

fn columns(frame: Frame, rows: usize) -> Frame {
    let frame =
        both(frame, "time", rows, [Time::from_unix_nanos(START), Time::default(), Time::from_unix_nanos(-1)]);
    let frame = both(frame, "text", rows, ["plain".to_owned(), String::new(), "grün \"🦀\"".to_owned()]);
    let frame = both(frame, "bool", rows, [true, false, true]);
    let frame = both(frame, "int8", rows, [i8::MIN, 0, i8::MAX]);
    let frame = both(frame, "int16", rows, [i16::MIN, 0, i16::MAX]);
    let frame = both(frame, "int32", rows, [i32::MIN, 0, i32::MAX]);
    let frame = both(frame, "int64", rows, [i64::MIN, 0, i64::MAX]);
    let frame = both(frame, "uint8", rows, [0, 1, u8::MAX]);
    let frame = both(frame, "uint16", rows, [0, 1, u16::MAX]);
    let frame = both(frame, "uint32", rows, [0, 1, u32::MAX]);
    let frame = both(frame, "uint64", rows, [0, 1, u64::MAX]);
    let frame = both(frame, "float32", rows, [f32::MIN, 0.1, f32::INFINITY]);
    let frame = both(frame, "float64", rows, [f64::NAN, 0.1, f64::NEG_INFINITY]);
    let frame =
        both(frame, "json", rows, [r#"{"a":[1,null]}"#, "null", "[]"].map(|text| Json(text.to_owned())));
    both(frame, "enum", rows, [0, 1, 0].map(Enumeration))
}

/// Adds the values again and again, and then with some of them null, as a nullable column with labels and a config.
fn both<T: NotNull + Clone>(frame: Frame, name: &str, rows: usize, values: [T; 3]) -> Frame {
    let values: Vec<T> = values.into_iter().cycle().take(rows).collect();
    let nullable: Vec<_> =
        values.iter().enumerate().map(|(row, value)| (row % 7 != 1).then(|| value.clone())).collect();
    let nullable = Field::new(format!("{name}?"), nullable).label("type", name);
    let nullable = match name {
        "enum" => nullable.config(FieldConfig::new().enumeration(["off", "on"])),
        _ => nullable.config(FieldConfig::new().display_name(name.to_uppercase()).unit("short")),
    };
    frame.field(name, values).with(nullable)
}

#[derive(Deserialize)]
struct Wanted {
    rows: i64,
}

/// Returns `n` times, a second apart, and `n` numbers for `{"rows": n}`.
pub fn big(query: &Query) -> Result<Vec<Frame>> {
    let Wanted { rows } = query.json()?;
    let times: Vec<_> = (0..rows).map(|row| Time::from_unix_nanos(START + row * 1_000_000_000)).collect();
    let values: Vec<_> = (0..rows).map(|row| row as f64 / 4.0).collect();
    Ok(vec![Frame::new("big").time("time", times).field("value", values)])
}

/// Returns columns of different lengths.
pub fn bad_frame() -> Vec<Frame> {
    vec![Frame::new("bad").field("two", [1.0, 2.0]).field("three", [1.0, 2.0, 3.0])]
}

/// What a frame and its field say about themselves.
#[derive(Deserialize)]
struct Said {
    meta: Option<String>,
    config: Option<String>,
}

/// Returns a frame whose meta and config are these texts, whatever they are.
pub fn said(query: &Query) -> Result<Vec<Frame>> {
    let Said { meta, config } = query.json()?;
    let column = wit::Column::Float64(vec![]);
    let field = wit::Field { name: "v".to_owned(), labels: None, config, validity: None, column };
    let frame = wit::Frame { name: "said".to_owned(), ref_id: String::new(), meta, fields: vec![field] };
    Ok(vec![frame.into()])
}
