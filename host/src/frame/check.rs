//! Finds everything that a component can get wrong in a frame, before any byte of it is encoded.

use super::error::{FrameError, Mistake};
use super::limit::{LABEL_NAMES, LABELS};
use super::meta::{self, FIELD_CONFIG, FRAME_META, Root};
use super::pace::{FIELD_WORK, Pace};
use super::shown::kept;
use super::table::{Nulls, Series, Table, sorted};
use crate::capability::bindings::gpx::plugin::frames::{Booleans, Column, Field, Frame, Label};
use texts::{check_json, check_texts};

#[cfg(test)]
mod tests;
mod texts;

/// Reads a frame as a table, or returns which part of the contract it violates.
pub(super) async fn check<'a>(
    frame: &'a Frame,
    ref_id: &'a str,
    pace: &mut Pace,
) -> Result<Table<'a>, FrameError> {
    let name = frame.name.as_str();
    let ref_id = if frame.ref_id.is_empty() { ref_id } else { &frame.ref_id };
    pace.spend(FIELD_WORK).await;
    let meta = check_text(frame.meta.as_deref(), &FRAME_META, pace).await;
    let meta = meta.map_err(|mistake| FrameError::in_frame(name, ref_id, mistake))?;

    let first = frame.fields.first().map_or(0, |field| length(&field.column));
    let mut series = Vec::with_capacity(frame.fields.len());
    for (number, field) in frame.fields.iter().enumerate() {
        let checked = check_field(field, first, pace)
            .await
            .map_err(|mistake| FrameError::in_field(name, ref_id, (number, &field.name), mistake))?;
        series.push(checked);
    }
    Ok(Table { name, ref_id, meta, rows: first, series })
}

async fn check_field<'a>(field: &'a Field, first: usize, pace: &mut Pace) -> Result<Series<'a>, Mistake> {
    pace.spend(FIELD_WORK).await;
    let rows = length(&field.column);
    if rows != first {
        return Err(Mistake::Length { rows, first });
    }
    let config = check_text(field.config.as_deref(), &FIELD_CONFIG, pace).await?;
    let nulls = match field.validity.as_deref() {
        None | Some([]) => None,
        Some(bitmap) => {
            let bits = bits(bitmap);
            if bits < rows as u64 {
                return Err(Mistake::Validity { bits, rows });
            }
            Nulls::new(bitmap, rows, pace).await
        }
    };
    match &field.column {
        Column::Text(texts) => check_texts(texts, pace).await?,
        Column::Json(texts) => {
            check_texts(texts, pace).await?;
            check_json(texts, rows, nulls, pace).await?;
        }
        Column::Boolean(booleans) => check_booleans(booleans)?,
        _ => {}
    }
    if let Some(labels) = &field.labels {
        pace.spend(check_labels(labels)?).await;
    }
    Ok(Series { field, config, nulls })
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

/// Returns how much work it was.
fn check_labels(labels: &[Label]) -> Result<usize, Mistake> {
    let count = labels.len();
    let bytes: usize = labels.iter().take(LABELS).map(|label| label.name.len()).sum();
    if count > LABELS || bytes > LABEL_NAMES {
        return Err(Mistake::ManyLabels(count));
    }
    match sorted(labels).windows(2).find(|pair| matches!(pair, [a, b] if a.name == b.name)) {
        Some([label, ..]) => Err(Mistake::RepeatedLabel(kept(&label.name))),
        _ => Ok(bytes + count * FIELD_WORK),
    }
}

async fn check_text<'a>(
    text: Option<&'a str>,
    root: &'static Root,
    pace: &mut Pace,
) -> Result<Option<&'a str>, Mistake> {
    match text {
        Some(text) => Ok(meta::check(text, root, pace).await?),
        None => Ok(None),
    }
}
