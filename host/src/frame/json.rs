//! Grafana's JSON frame: a schema, then the columns, then what JSON numbers cannot say of them. Grafana's readers rely
//! on the order of the keys.

use bytes::Bytes;

use super::error::Mistake;
use super::escape;
use super::table::{Series, Table};
use crate::capability::bindings::gpx::plugin::frames::Column;
use column::Rest;

mod column;
mod number;

/// A frame of this size is beyond what a browser shows. Grafana takes 2 GiB of reply, which may hold several frames.
const LIMIT: usize = 1 << 30;

/// Writes the frame.
pub(super) fn encode(table: &Table<'_>) -> Result<Bytes, Mistake> {
    let estimate =
        256 + table.series.iter().map(|series| 256 + column::estimate(series, table.rows)).sum::<usize>();
    let mut out = Vec::with_capacity(estimate.min(LIMIT));
    out.extend_from_slice(br#"{"schema":"#);
    schema(&mut out, table);
    out.extend_from_slice(br#","data":"#);
    data(&mut out, table)?;
    out.push(b'}');
    Ok(Bytes::from(out))
}

fn schema(out: &mut Vec<u8>, table: &Table<'_>) {
    out.push(b'{');
    if !table.name.is_empty() {
        out.extend_from_slice(br#""name":"#);
        escape::string(out, table.name.as_bytes());
        out.push(b',');
    }
    if !table.ref_id.is_empty() {
        out.extend_from_slice(br#""refId":"#);
        escape::string(out, table.ref_id.as_bytes());
        out.push(b',');
    }
    if let Some(meta) = table.meta {
        out.extend_from_slice(br#""meta":"#);
        escape::document(out, meta);
        out.push(b',');
    }
    out.extend_from_slice(br#""fields":"#);
    list(out, &table.series, field);
    out.push(b'}');
}

fn field(out: &mut Vec<u8>, series: &Series<'_>) {
    out.push(b'{');
    if !series.name.is_empty() {
        out.extend_from_slice(br#""name":"#);
        escape::string(out, series.name.as_bytes());
        out.push(b',');
    }
    out.extend_from_slice(br#""type":""#);
    out.extend_from_slice(series.type_word().as_bytes());
    out.extend_from_slice(br#"","typeInfo":{"frame":""#);
    out.extend_from_slice(item_type(series.column).as_bytes());
    out.push(b'"');
    if series.nullable {
        out.extend_from_slice(br#","nullable":true"#);
    }
    out.push(b'}');
    if let Some(labels) = &series.labels {
        out.extend_from_slice(br#","labels":"#);
        escape::labels(out, labels);
    }
    if let Some(config) = series.config {
        out.extend_from_slice(br#","config":"#);
        escape::document(out, config);
    }
    out.push(b'}');
}

/// The column's type in Grafana's back end: the names are Go's.
fn item_type(column: &Column) -> &'static str {
    match column {
        Column::Time(_) => "time.Time",
        Column::Text(_) => "string",
        Column::Boolean(_) => "bool",
        Column::Int8(_) => "int8",
        Column::Int16(_) => "int16",
        Column::Int32(_) => "int32",
        Column::Int64(_) => "int64",
        Column::Uint8(_) => "uint8",
        Column::Uint16(_) => "uint16",
        Column::Uint32(_) => "uint32",
        Column::Uint64(_) => "uint64",
        Column::Float32(_) => "float32",
        Column::Float64(_) => "float64",
        Column::Json(_) => "json.RawMessage",
        Column::Enumeration(_) => "enum",
    }
}

fn data(out: &mut Vec<u8>, table: &Table<'_>) -> Result<(), Mistake> {
    let mut rests = Vec::with_capacity(table.series.len());
    out.extend_from_slice(br#"{"values":["#);
    for (i, series) in table.series.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        rests.push(column::write(out, series, table.rows, LIMIT)?);
    }
    out.push(b']');
    if rests.iter().any(|rest| matches!(rest, Rest::Entities(_))) {
        out.extend_from_slice(br#","entities":"#);
        list(out, &rests, Rest::write_entities);
    }
    if rests.iter().any(|rest| matches!(rest, Rest::Nanos(..))) {
        out.extend_from_slice(br#","nanos":"#);
        list(out, &rests, Rest::write_nanos);
    }
    out.push(b'}');
    Ok(())
}

/// Appends a JSON array.
fn list<T>(out: &mut Vec<u8>, items: impl IntoIterator<Item = T>, mut write: impl FnMut(&mut Vec<u8>, T)) {
    out.push(b'[');
    for (i, item) in items.into_iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        write(out, item);
    }
    out.push(b']');
}

#[cfg(test)]
mod tests {
    use super::super::check::check;
    use super::super::sample::{frame, label, named, texts};
    use super::*;
    use crate::capability::bindings::gpx::plugin::frames::Frame;

    fn json(frame: &Frame) -> String {
        let encoded = encode(&check(frame, "A").unwrap()).unwrap();
        String::from_utf8(encoded.to_vec()).unwrap()
    }

    #[test]
    fn a_whole_frame() {
        let mut time = named("time", Column::Time(vec![1_000_000_001, 2_000_000_000]));
        time.config = Some(r#"{"interval":1000}"#.to_owned());
        let mut value = named("value", Column::Float64(vec![f64::NAN, 0.0]));
        value.validity = Some(vec![0b01]);
        value.labels = Some(vec![label("b", "2"), label("a", "1")]);
        let mut frame = frame(vec![time, value]);
        frame.name = "response".to_owned();
        frame.meta = Some(r#"{"custom":"<&>"}"#.to_owned());
        assert_eq!(
            json(&frame),
            concat!(
                r#"{"schema":{"name":"response","refId":"A","meta":{"custom":"\u003c\u0026\u003e"},"fields":["#,
                r#"{"name":"time","type":"time","typeInfo":{"frame":"time.Time"},"config":{"interval":1000}},"#,
                r#"{"name":"value","type":"number","typeInfo":{"frame":"float64","nullable":true},"#,
                r#""labels":{"a":"1","b":"2"}}]},"#,
                r#""data":{"values":[[1000,2000],[null,null]],"entities":[null,{"NaN":[0]}],"nanos":[[1,0],null]}}"#,
            )
        );
    }

    #[test]
    fn a_frame_without_fields_keeps_its_keys() {
        assert_eq!(json(&frame(vec![])), r#"{"schema":{"refId":"A","fields":[]},"data":{"values":[]}}"#);
    }

    #[test]
    fn a_field_names_its_types_and_no_labels_are_not_empty_labels() {
        let mut field = named("", Column::Json(texts(&[])));
        field.labels = Some(vec![]);
        field.validity = Some(vec![]);
        assert_eq!(
            json(&frame(vec![field, named("", Column::Enumeration(vec![]))])),
            concat!(
                r#"{"schema":{"refId":"A","fields":["#,
                r#"{"type":"other","typeInfo":{"frame":"json.RawMessage","nullable":true},"labels":{}},"#,
                r#"{"type":"enum","typeInfo":{"frame":"enum"}}]},"data":{"values":[[],[]]}}"#,
            )
        );
    }
}
