//! Everything a component may get wrong in a frame, looked for before a byte is encoded.

use serde::de::IgnoredAny;

use super::error::{Error, Mistake, short};
use super::table::{Nulls, Series, Table, text_rows};
use crate::capability::bindings::gpx::plugin::frames::{Booleans, Column, Field, Frame, Label, Texts};

/// Reads a frame as a table, or says which part of the contract it breaks.
pub(super) fn check<'a>(frame: &'a Frame, ref_id: &'a str) -> Result<Table<'a>, Error> {
    let name = frame.name.as_str();
    let ref_id = if frame.ref_id.is_empty() { ref_id } else { &frame.ref_id };
    let meta = frame.meta.as_deref();
    object("meta", meta).map_err(|mistake| Error::in_frame(name, ref_id, mistake))?;

    let first = frame.fields.first().map_or(0, |field| length(&field.column));
    let mut series = Vec::with_capacity(frame.fields.len());
    for (number, field) in frame.fields.iter().enumerate() {
        let checked = check_field(field, first)
            .map_err(|mistake| Error::in_field(name, ref_id, (number, &field.name), mistake))?;
        series.push(checked);
    }
    Ok(Table { name, ref_id, meta, rows: first, series })
}

fn check_field(field: &Field, first: usize) -> Result<Series<'_>, Mistake> {
    let rows = length(&field.column);
    if rows != first {
        return Err(Mistake::Length { rows, first });
    }
    object("config", field.config.as_deref())?;
    let nulls = match field.validity.as_deref() {
        None | Some([]) => None,
        Some(bitmap) => {
            let bits = bits(bitmap);
            if bits < rows as u64 {
                return Err(Mistake::Validity { bits, rows });
            }
            Nulls::new(bitmap, rows)
        }
    };
    match &field.column {
        Column::Text(texts) => check_texts(texts)?,
        Column::Json(texts) => {
            check_texts(texts)?;
            check_json(texts, nulls)?;
        }
        Column::Boolean(booleans) => check_booleans(booleans)?,
        _ => {}
    }
    Ok(Series {
        name: &field.name,
        labels: field.labels.as_deref().map(check_labels).transpose()?,
        config: field.config.as_deref(),
        nullable: field.validity.is_some(),
        nulls,
        column: &field.column,
    })
}

fn length(column: &Column) -> usize {
    match column {
        Column::Time(values) | Column::Int64(values) => values.len(),
        Column::Text(texts) | Column::Json(texts) => texts.offsets.len().saturating_sub(1),
        Column::Boolean(booleans) => booleans.rows as usize,
        Column::Int8(values) => values.len(),
        Column::Int16(values) => values.len(),
        Column::Int32(values) => values.len(),
        Column::Uint8(values) => values.len(),
        Column::Uint16(values) | Column::Enumeration(values) => values.len(),
        Column::Uint32(values) => values.len(),
        Column::Uint64(values) => values.len(),
        Column::Float32(values) => values.len(),
        Column::Float64(values) => values.len(),
    }
}

fn bits(bytes: &[u8]) -> u64 {
    bytes.len() as u64 * 8
}

fn check_booleans(booleans: &Booleans) -> Result<(), Mistake> {
    let bits = bits(&booleans.bits);
    if bits < u64::from(booleans.rows) {
        return Err(Mistake::Booleans { bits, rows: booleans.rows as usize });
    }
    Ok(())
}

fn check_texts(texts: &Texts) -> Result<(), Mistake> {
    let (Some(&first), Some(&last)) = (texts.offsets.first(), texts.offsets.last()) else {
        return Err(Mistake::NoOffsets);
    };
    if first != 0 {
        return Err(Mistake::FirstOffset(first));
    }
    for (row, pair) in texts.offsets.windows(2).enumerate() {
        if let [before, after] = *pair
            && after < before
        {
            return Err(Mistake::Descends { row, before, after });
        }
    }
    // The first is 0 and none descends, so none is negative.
    if usize::try_from(last) != Ok(texts.bytes.len()) {
        return Err(Mistake::LastOffset { last, bytes: texts.bytes.len() });
    }
    let text = std::str::from_utf8(&texts.bytes).map_err(|error| Mistake::NotUtf8(error.valid_up_to()))?;
    match texts.offsets.iter().position(|&offset| !text.is_char_boundary(offset as usize)) {
        Some(row) => Err(Mistake::SplitCharacter(row)),
        None => Ok(()),
    }
}

fn check_json(texts: &Texts, nulls: Option<Nulls<'_>>) -> Result<(), Mistake> {
    for (row, cell) in text_rows(texts).enumerate() {
        if nulls.is_some_and(|nulls| nulls.is_null(row)) {
            continue;
        }
        serde_json::from_slice::<IgnoredAny>(cell)
            .map_err(|error| Mistake::NotJson { row, reason: error.to_string() })?;
    }
    Ok(())
}

fn check_labels(labels: &[Label]) -> Result<Vec<&Label>, Mistake> {
    let mut sorted: Vec<&Label> = labels.iter().collect();
    sorted.sort_unstable_by_key(|label| label.name.as_str());
    match sorted.windows(2).find(|pair| matches!(pair, [a, b] if a.name == b.name)) {
        Some([label, ..]) => Err(Mistake::RepeatedLabel(short(&label.name))),
        _ => Ok(sorted),
    }
}

fn object(what: &'static str, text: Option<&str>) -> Result<(), Mistake> {
    let Some(text) = text else { return Ok(()) };
    if let Err(error) = serde_json::from_str::<IgnoredAny>(text) {
        return Err(Mistake::NotObject { what, reason: error.to_string() });
    }
    if !text.trim_start().starts_with('{') {
        return Err(Mistake::NotObject { what, reason: "it is another JSON value".to_owned() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::sample::{frame, label, named, texts};
    use super::*;

    fn mistake(field: Field) -> Mistake {
        check_field(&field, length(&field.column)).err().unwrap()
    }

    fn of_texts(offsets: &[i32], bytes: &[u8]) -> Mistake {
        mistake(named("", Column::Text(Texts { offsets: offsets.to_vec(), bytes: bytes.to_vec() })))
    }

    #[test]
    fn an_error_names_the_frame_the_field_and_the_remedy() {
        let mut short =
            frame(vec![named("time", Column::Time(vec![1, 2])), named("value", Column::Float64(vec![1.0]))]);
        short.name = "response".to_owned();
        let error = check(&short, "A").err().unwrap();
        assert_eq!(
            error.to_string(),
            "frame \"response\" of query \"A\", fields[1] \"value\": it has 1 rows and the first field has 2; \
             give all fields of a frame the same length"
        );
        short.fields.clear();
        short.meta = Some("[]".to_owned());
        short.ref_id = "B".repeat(1000);
        let error = check(&short, "A").err().unwrap().to_string();
        assert!(
            error.starts_with(&format!("frame \"response\" of query {:?}: its meta", "B".repeat(64))),
            "{error}"
        );
    }

    #[test]
    fn texts_keep_their_offsets() {
        assert_eq!(of_texts(&[], b""), Mistake::NoOffsets);
        assert_eq!(of_texts(&[1, 1], b"a"), Mistake::FirstOffset(1));
        assert_eq!(of_texts(&[i32::MIN, 0], b""), Mistake::FirstOffset(i32::MIN));
        assert_eq!(of_texts(&[0, 2, 1, 2], b"ab"), Mistake::Descends { row: 1, before: 2, after: 1 });
        assert_eq!(of_texts(&[0, -1], b""), Mistake::Descends { row: 0, before: 0, after: -1 });
        assert_eq!(of_texts(&[0, 1], b"ab"), Mistake::LastOffset { last: 1, bytes: 2 });
        assert_eq!(of_texts(&[0, i32::MAX], b"ab"), Mistake::LastOffset { last: i32::MAX, bytes: 2 });
        assert_eq!(of_texts(&[0, 3], b"ab\xff"), Mistake::NotUtf8(2));
        assert_eq!(of_texts(&[0, 1, 2], "é".as_bytes()), Mistake::SplitCharacter(1));
    }

    #[test]
    fn bitmaps_have_a_bit_for_each_row() {
        let mut field = named("", Column::Uint8(vec![0; 9]));
        field.validity = Some(vec![0xFF]);
        assert_eq!(mistake(field), Mistake::Validity { bits: 8, rows: 9 });
        let booleans = Booleans { rows: u32::MAX, bits: vec![] };
        assert_eq!(
            mistake(named("", Column::Boolean(booleans))),
            Mistake::Booleans { bits: 0, rows: u32::MAX as usize }
        );
    }

    #[test]
    fn json_is_json() {
        let reason = |mistake| match mistake {
            Mistake::NotJson { row, reason } => (row, reason),
            other => panic!("{other}"),
        };
        let (row, why) = reason(mistake(named("", Column::Json(texts(&["1", "{]"])))));
        assert_eq!((row, why.as_str()), (1, "key must be a string at line 1 column 2"));
        assert_eq!(reason(mistake(named("", Column::Json(texts(&[""]))))).0, 0);
        assert_eq!(reason(mistake(named("", Column::Json(texts(&["1 2"]))))).0, 0);

        for config in ["", "[]", "null", "{", "{}{}", "\"{}\""] {
            let mut field = named("", Column::Uint8(vec![]));
            field.config = Some(config.to_owned());
            assert!(matches!(mistake(field), Mistake::NotObject { what: "config", .. }), "{config}");
        }
        // However deep: the check keeps its place on the heap.
        let mut field = named("", Column::Uint8(vec![]));
        field.config = Some(format!(r#"{{"a":{}{}}}"#, "[".repeat(1 << 20), "]".repeat(1 << 20)));
        assert!(check_field(&field, 0).is_ok());
    }

    #[test]
    fn labels_are_sorted_and_differ() {
        let mut field = named("", Column::Uint8(vec![]));
        field.labels = Some(vec![label("b", "1"), label("a", "2")]);
        let sorted = check_field(&field, 0).unwrap().labels.unwrap();
        assert_eq!(sorted.iter().map(|label| label.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        field.labels = Some(vec![label("a", "1"), label("a", "2")]);
        assert_eq!(mistake(field), Mistake::RepeatedLabel("a".to_owned()));
    }

    #[test]
    fn the_querys_ref_id_stands_in_for_an_empty_one() {
        let mut frame = frame(vec![]);
        assert_eq!(check(&frame, "A").unwrap().ref_id, "A");
        frame.ref_id = "B".to_owned();
        assert_eq!(check(&frame, "A").unwrap().ref_id, "B");
    }

    #[test]
    fn nulls_are_counted_within_the_rows() {
        let nulls = |bitmap: &[u8], rows| Nulls::new(bitmap, rows).map(|nulls| nulls.count);
        assert_eq!(nulls(&[0b0000_0101], 3), Some(1));
        assert_eq!(nulls(&[0b1111_1000], 3), Some(3));
        assert_eq!(nulls(&[0b0000_0111], 3), None);
        assert_eq!(nulls(&[0xFF, 0x00, 0xFF], 16), Some(8));
        assert_eq!(nulls(&[0xFF], 8), None);
        assert_eq!(nulls(&[], 0), None);
    }
}
