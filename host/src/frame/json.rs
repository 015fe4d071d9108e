//! Grafana's JSON frame: a schema, then the columns, then the information that JSON numbers cannot carry. Grafana's
//! readers rely on the order of the keys.

use bytes::Bytes;

use super::chunk::Include;
use super::draft::{Draft, Full};
use super::escape::Style;
use super::meta::{self, FIELD_CONFIG, FRAME_META};
use super::pace::{FIELD_WORK, Pace};
use super::table::{Series, Table};
use crate::capability::bindings::gpx::plugin::frames::{Column, Field};
use column::Rest;

mod column;

/// About how many bytes the schema takes for a field, or for the frame itself, besides its strings.
const FIELD: usize = 256;

/// Writes the frame if it takes at most `limit` bytes.
pub(super) async fn encode(
    table: &Table<'_>,
    include: Include,
    limit: usize,
    pace: &mut Pace,
) -> Result<Bytes, Full> {
    let (mut estimate, mut least) = (FIELD + table.meta.map_or(0, str::len), 0_usize);
    for series in &table.series {
        let Field { name, labels, column, .. } = series.field;
        let labels = labels.as_deref().unwrap_or_default();
        let texts = name.len() + series.config.map_or(0, str::len);
        let texts = labels.iter().fold(texts, |sum, label| sum + label.name.len() + label.value.len());
        estimate = estimate.saturating_add(FIELD + texts + column::estimate(column, table.rows));
        least = least.saturating_add(column::least(column, table.rows));
        pace.spend(size_of::<Field>() + size_of_val(labels)).await;
    }
    if least > limit {
        return Err(Full::Limit);
    }
    let mut draft = Draft::new(estimate, limit, pace);
    draft.bytes.push(b'{');
    if include != Include::Rows {
        draft.bytes.extend_from_slice(br#""schema":"#);
        write_schema(&mut draft, table).await?;
    }
    if include == Include::All {
        draft.bytes.push(b',');
    }
    if include != Include::Schema {
        draft.bytes.extend_from_slice(br#""data":"#);
        write_data(&mut draft, table).await?;
    }
    draft.bytes.push(b'}');
    draft.pause(0).await?;
    draft.finish_answer()
}

async fn write_schema(draft: &mut Draft<'_>, table: &Table<'_>) -> Result<(), Full> {
    draft.bytes.push(b'{');
    if !table.name.is_empty() {
        draft.bytes.extend_from_slice(br#""name":"#);
        draft.string(table.name.as_bytes(), Style::Plain).await?;
        draft.bytes.push(b',');
    }
    if !table.ref_id.is_empty() {
        draft.bytes.extend_from_slice(br#""refId":"#);
        draft.string(table.ref_id.as_bytes(), Style::Plain).await?;
        draft.bytes.push(b',');
    }
    if let Some(meta) = table.meta {
        draft.bytes.extend_from_slice(br#""meta":"#);
        meta::write(draft, meta, &FRAME_META, Style::Html).await?;
        draft.bytes.push(b',');
    }
    draft.bytes.extend_from_slice(br#""fields":["#);
    for (i, series) in table.series.iter().enumerate() {
        if i > 0 {
            draft.bytes.push(b',');
        }
        write_field(draft, series).await?;
    }
    draft.bytes.extend_from_slice(b"]}");
    Ok(())
}

async fn write_field(draft: &mut Draft<'_>, series: &Series<'_>) -> Result<(), Full> {
    let Field { name, labels, column, .. } = series.field;
    draft.bytes.push(b'{');
    if !name.is_empty() {
        draft.bytes.extend_from_slice(br#""name":"#);
        draft.string(name.as_bytes(), Style::Plain).await?;
        draft.bytes.push(b',');
    }
    draft.bytes.extend_from_slice(br#""type":""#);
    draft.bytes.extend_from_slice(series.type_word().as_bytes());
    draft.bytes.extend_from_slice(br#"","typeInfo":{"frame":""#);
    draft.bytes.extend_from_slice(item_type(column).as_bytes());
    draft.bytes.push(b'"');
    if series.is_nullable() {
        draft.bytes.extend_from_slice(br#","nullable":true"#);
    }
    draft.bytes.push(b'}');
    if let Some(labels) = labels {
        draft.bytes.extend_from_slice(br#","labels":"#);
        draft.labels(labels, Style::Plain).await?;
    }
    if let Some(config) = series.config {
        draft.bytes.extend_from_slice(br#","config":"#);
        meta::write(draft, config, &FIELD_CONFIG, Style::Html).await?;
    }
    draft.bytes.push(b'}');
    draft.pause(FIELD_WORK).await
}

/// Returns the column's type in Grafana's backend: the names are Go's.
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

async fn write_data(draft: &mut Draft<'_>, table: &Table<'_>) -> Result<(), Full> {
    let mut rests = Vec::with_capacity(table.series.len());
    let (mut entities, mut nanos) = (false, false);
    draft.bytes.extend_from_slice(br#"{"values":["#);
    for (i, series) in table.series.iter().enumerate() {
        if i > 0 {
            draft.bytes.push(b',');
        }
        let rest = column::write(draft, series, table.rows).await?;
        entities |= matches!(rest, Rest::Entities(_));
        nanos |= matches!(rest, Rest::Nanos);
        rests.push(rest);
        draft.pause(FIELD_WORK).await?;
    }
    draft.bytes.push(b']');
    if entities {
        draft.bytes.extend_from_slice(br#","entities":["#);
        for (i, (series, rest)) in table.series.iter().zip(&rests).enumerate() {
            if i > 0 {
                draft.bytes.push(b',');
            }
            column::write_entities(draft, series, *rest).await?;
            draft.pause(0).await?;
        }
        draft.bytes.push(b']');
    }
    if nanos {
        draft.bytes.extend_from_slice(br#","nanos":["#);
        for (i, (series, rest)) in table.series.iter().zip(&rests).enumerate() {
            if i > 0 {
                draft.bytes.push(b',');
            }
            column::write_nanos(draft, series, *rest).await?;
            draft.pause(0).await?;
        }
        draft.bytes.push(b']');
    }
    draft.bytes.push(b'}');
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::check::check;
    use super::super::sample::{frame, label, named, polls, texts};
    use super::*;
    use crate::capability::bindings::gpx::plugin::frames::Frame;

    fn json(frame: &Frame) -> String {
        let (encoded, _) = polls(async {
            let mut pace = Pace::new();
            let table = check(frame, "A", &mut pace).await.unwrap();
            encode(&table, Include::All, usize::MAX, &mut pace).await.unwrap()
        });
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
                r#"{"schema":{"name":"response","refId":"A","meta":{"typeVersion":[0,0],"custom":"\u003c\u0026\u003e"},"fields":["#,
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
