//! Promises of Grafana's data plane contract, which are checked before they are made.

use std::collections::{BTreeMap, HashMap, HashSet};

use self::breach::Breach::*;
use self::breach::Check;
use self::heatmap::{cells, rows as heatmap_rows};
use self::log::lines;
use self::time::time;
use super::kind::{Kind, text};
use super::{Frame, FrameType, Labels, column};
use crate::bindings::base::gpx::plugin::frames as wit;

mod breach;
mod heatmap;
mod log;
#[cfg(test)]
mod tests;
mod time;

pub(crate) use self::breach::Breach;
pub use self::breach::ContractError;
pub(crate) use self::time::{Repetition, in_order};

/// The name and the labels that tell an item apart from the others.
type Item<'f> = (&'f str, BTreeMap<&'f str, &'f str>);

/// Promises that frames together have the structure of a type, and checks that they do: see [`Frame::promise`].
/// Use it where there is a frame for each series or number, and no two may have the same name and labels.
///
/// ```
/// use gpx_sdk::frame::{FrameType, promise};
/// use gpx_sdk::{Field, Frame, Time};
///
/// let series = |host: &str| {
///     Frame::new("").time("time", [Time::from_unix_seconds(1)]).with(Field::new("load", [0.5]).label("host", host))
/// };
/// assert!(promise(vec![series("a"), series("b")], FrameType::TimeSeriesMulti).is_ok());
///
/// let error = promise(vec![series("a"), series("a")], FrameType::TimeSeriesMulti).unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "frames[1] \"\", fields[1] \"load\" {host=\"a\"}: frames[0] has the same name and labels; tell them apart by a label"
/// );
/// ```
pub fn promise(frames: Vec<Frame>, frame_type: FrameType) -> Result<Vec<Frame>, ContractError> {
    let is_multi = matches!(frame_type, FrameType::TimeSeriesMulti | FrameType::NumericMulti);
    let mut seen = HashMap::new();
    for (number, frame) in frames.iter().enumerate() {
        let error = |(field, breach): (Option<usize>, Breach)| {
            let mut place = match frames.len() {
                1 => format!("frame {:?}", frame.table.name),
                _ => format!("frames[{number}] {:?}", frame.table.name),
            };
            if let Some((number, field)) = field.and_then(|at| Some((at, frame.table.fields.get(at)?))) {
                place += &format!(", fields[{number}] {:?}{}", field.name, Labels::of(field));
            }
            ContractError::new(place, breach)
        };
        check(&frame.table.fields, frame_type).map_err(error)?;
        if number > 0 && !is_multi {
            return Err(error((None, OneFrame { frame_type })));
        }
        let fields = &frame.table.fields;
        let value = fields.iter().enumerate().find(|(_, field)| is_value(Kind::of(&field.column)));
        match value {
            None if is_multi && frames.len() > 1 => return Err(error((None, EmptyFrame))),
            None => {}
            Some((value, field)) => {
                if let Some(first) = seen.insert(item(field), number) {
                    return Err(error((Some(value), SameItem { what: "frames", first })));
                }
            }
        }
    }
    Ok(frames.into_iter().map(|frame| promised(frame, frame_type)).collect())
}

// === impl Frame ===

impl Frame {
    /// Promises that the frame has the structure of a type, in the current version of Grafana's
    /// [data plane contract](https://grafana.com/developers/dataplane), and checks that it does. Alert rules, expressions
    /// and panels then know what the fields are for. A frame without fields is always right: it says that there is no data.
    ///
    /// What the contract would ignore, such as a text among the series of a wide frame, is an error too.
    ///
    /// | type | fields |
    /// |---|---|
    /// | `TimeSeriesWide` | one time, ascending without repetition; numbers or booleans, told apart by name and labels |
    /// | `TimeSeriesMulti` | the same with one number or boolean; see [`promise`] |
    /// | `TimeSeriesLong` | one time, ascending; numbers or booleans; texts without labels, which tell the series apart: no two rows have the same time and texts |
    /// | `NumericWide`, `NumericMulti`, `NumericLong` | the same without a time, and in wide and long without booleans; in wide and multi at most one row |
    /// | `LogLines` | `timestamp`, `body`; optionally the texts `severity` and `id`, and `labels` and `labelTypes` in JSON; and any others |
    /// | `HeatmapRows` | first the x axis, times in ascending order or numbers; then counts, one field for each row of the heatmap, all or none with its upper bound as the label `le`, ascending |
    /// | `HeatmapCells` | `xMin`, `xMax` or `x`; `yMin`, `yMax` or `y`; and at least one number |
    ///
    /// Of other types only the length of their fields is checked.
    ///
    /// ```
    /// use gpx_sdk::frame::FrameType;
    /// use gpx_sdk::{Field, Frame, Time};
    ///
    /// let times = [1, 2].map(Time::from_unix_seconds);
    /// let frame = Frame::new("load")
    ///     .time("time", times)
    ///     .with(Field::new("load", [0.5, 0.7]).label("host", "a"))
    ///     .with(Field::new("load", [0.1, 0.2]).label("host", "b"))
    ///     .promise(FrameType::TimeSeriesWide)?;
    ///
    /// let error = Frame::new("load").time("time", times).promise(FrameType::TimeSeriesWide).unwrap_err();
    /// assert_eq!(error.to_string(), "frame \"load\": it has no values; add a field of numbers or booleans");
    /// # Ok::<(), gpx_sdk::frame::ContractError>(())
    /// ```
    pub fn promise(self, frame_type: FrameType) -> Result<Self, ContractError> {
        let mut frames = promise(vec![self], frame_type)?;
        // As many come out as went in.
        Ok(frames.pop().unwrap_or_else(|| Self::new("")))
    }
}

fn promised(frame: Frame, frame_type: FrameType) -> Frame {
    let version = match frame_type {
        FrameType::TimeSeriesWide
        | FrameType::TimeSeriesMulti
        | FrameType::TimeSeriesLong
        | FrameType::NumericWide
        | FrameType::NumericMulti
        | FrameType::NumericLong => (0, 1),
        // The contract has no stable version of these.
        _ => (0, 0),
    };
    let meta = frame.meta.clone().unwrap_or_default().frame_type(frame_type, version);
    frame.meta(meta)
}

fn check(fields: &[wit::Field], frame_type: FrameType) -> Check {
    let rows = fields.first().map_or(0, |first| column::rows(&first.column));
    for (number, field) in fields.iter().enumerate() {
        let len = column::rows(&field.column);
        if len != rows {
            return Err((Some(number), Length { len, rows }));
        }
    }
    if fields.is_empty() {
        return Ok(());
    }
    match frame_type {
        FrameType::TimeSeriesWide => {
            time(fields, Repetition::No)?;
            values(fields, frame_type)?;
            distinct(fields)
        }
        FrameType::TimeSeriesMulti => {
            time(fields, Repetition::No)?;
            values(fields, frame_type)?;
            one_value(fields)
        }
        FrameType::TimeSeriesLong => {
            time(fields, Repetition::Yes)?;
            values(fields, frame_type)?;
            long(fields, rows)
        }
        FrameType::NumericWide => {
            values(fields, frame_type)?;
            one_row(rows)?;
            distinct(fields)
        }
        FrameType::NumericMulti => {
            values(fields, frame_type)?;
            one_row(rows)?;
            one_value(fields)
        }
        FrameType::NumericLong => {
            values(fields, frame_type)?;
            long(fields, rows)
        }
        FrameType::LogLines => lines(fields, rows),
        FrameType::HeatmapRows => heatmap_rows(fields),
        FrameType::HeatmapCells => cells(fields),
        FrameType::Table | FrameType::DirectoryListing | FrameType::Histogram => Ok(()),
    }
}

fn is_value(kind: Kind) -> bool {
    matches!(kind, Kind::Number | Kind::Boolean)
}

/// There are values, and nothing that the contract ignores.
fn values(fields: &[wit::Field], frame_type: FrameType) -> Check {
    let is_long = matches!(frame_type, FrameType::TimeSeriesLong | FrameType::NumericLong);
    let has_time = matches!(
        frame_type,
        FrameType::TimeSeriesWide | FrameType::TimeSeriesMulti | FrameType::TimeSeriesLong
    );
    let is_numeric = matches!(frame_type, FrameType::NumericWide | FrameType::NumericLong);
    for (number, field) in fields.iter().enumerate() {
        match Kind::of(&field.column) {
            // Grafana's reader of these two skips booleans.
            Kind::Boolean if is_numeric => {
                return Err((Some(number), Ignored { kind: Kind::Boolean, frame_type }));
            }
            Kind::Number | Kind::Boolean => {}
            Kind::Time if has_time => {}
            Kind::Text if is_long => {}
            kind => return Err((Some(number), Ignored { kind, frame_type })),
        }
    }
    match fields.iter().any(|field| is_value(Kind::of(&field.column))) {
        true => Ok(()),
        false => Err((None, NoValue)),
    }
}

fn one_value(fields: &[wit::Field]) -> Check {
    let mut values = fields.iter().enumerate().filter(|(_, field)| is_value(Kind::of(&field.column)));
    match (values.next(), values.next()) {
        (Some((first, _)), Some((second, _))) => Err((Some(second), SecondValue { first })),
        _ => distinct(fields),
    }
}

fn one_row(rows: usize) -> Check {
    match rows {
        0 | 1 => Ok(()),
        _ => Err((None, ManyRows { rows })),
    }
}

/// No two values have the same name and labels.
fn distinct(fields: &[wit::Field]) -> Check {
    let mut seen = HashMap::new();
    for (number, field) in fields.iter().enumerate() {
        let item = item(field);
        let labels = field.labels.as_deref().unwrap_or_default();
        if item.1.len() < labels.len() {
            let is_repeated =
                |label: &&wit::Label| labels.iter().filter(|other| other.name == label.name).count() > 1;
            let name = labels.iter().find(is_repeated).map(|label| label.name.clone());
            return Err((Some(number), RepeatedLabel { name: name.unwrap_or_default() }));
        }
        if is_value(Kind::of(&field.column))
            && let Some(first) = seen.insert(item, number)
        {
            return Err((Some(number), SameItem { what: "fields", first }));
        }
    }
    Ok(())
}

fn item(field: &wit::Field) -> Item<'_> {
    let labels = field.labels.iter().flatten();
    (&field.name, labels.map(|label| (label.name.as_str(), label.value.as_str())).collect())
}

/// The texts of a row, and its time if there is one, tell it apart from all other rows.
fn long(fields: &[wit::Field], rows: usize) -> Check {
    let mut names = HashMap::new();
    let mut texts = Vec::new();
    let mut times = None;
    for (number, field) in fields.iter().enumerate() {
        if field.labels.as_ref().is_some_and(|labels| !labels.is_empty()) {
            return Err((Some(number), LabelsOfLong));
        }
        if let Some(first) = names.insert(field.name.as_str(), number) {
            return Err((Some(number), SameName { first }));
        }
        match &field.column {
            wit::Column::Text(column) => texts.push((field, column)),
            wit::Column::Time(column) => times = Some(column),
            _ => {}
        }
    }
    if times.is_none() && texts.is_empty() && rows > 1 {
        return Err((None, NoDimension { rows }));
    }
    let mut seen = HashSet::new();
    let mut last = None;
    for row in 0..rows {
        // Rows are sorted by time.
        let time = times.and_then(|times| times.get(row));
        if time != last {
            seen.clear();
        }
        last = time;
        let key: Vec<_> = texts.iter().map(|(field, texts)| text(field, texts, row)).collect();
        if !seen.insert(key) {
            return Err((None, SameRow { row, has_time: time.is_some() }));
        }
    }
    Ok(())
}
