//! Series of points in time.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::Measured;
use crate::frame::{Breach, ContractError, FieldConfig, FrameType, Labels, Repetition, in_order, promise};
use crate::{Field, Frame, Time};

/// The name of the time's field.
const TIME: &str = "time";

/// A series: a name, labels that tell it apart from others of that name, and its points, the oldest first.
///
/// ```
/// use gpx_sdk::dataplane::Series;
/// use gpx_sdk::{FieldConfig, Time};
///
/// let points = [(Time::from_unix_seconds(60), 0.5), (Time::from_unix_seconds(120), 0.7)];
/// let series = Series::new("load", points).label("host", "a").config(FieldConfig::new().unit("percentunit"));
/// ```
#[derive(Clone, Debug)]
pub struct Series<T> {
    name: String,
    labels: Labels,
    config: Option<FieldConfig>,
    times: Vec<Time>,
    values: Vec<T>,
}

/// Series that answer one query, as frames of a format of the data plane contract.
///
/// ```
/// use gpx_sdk::Time;
/// use gpx_sdk::dataplane::{Series, TimeSeries};
///
/// let at = Time::from_unix_seconds;
/// let series = TimeSeries::new("hosts")
///     .with(Series::new("load", [(at(60), 0.5), (at(120), 0.7)]).label("host", "a"))
///     .with(Series::new("load", [(at(60), 0.1)]).label("host", "b"));
/// let frame = series.wide()?;
/// assert_eq!(frame.rows(), Some(2));
///
/// // The same from rows, as a database has them.
/// let rows = [("a", 60, 0.5), ("b", 60, 0.1), ("a", 120, 0.7)];
/// let rows = rows.map(|(host, time, load)| ([("host", host)], at(time), load));
/// let frame = TimeSeries::from_rows("load", rows).wide()?;
/// # Ok::<(), gpx_sdk::frame::ContractError>(())
/// ```
#[derive(Clone, Debug)]
pub struct TimeSeries<T> {
    name: String,
    series: Vec<Series<T>>,
}

// === impl Series ===

impl<T: Measured> Series<T> {
    pub fn new(name: impl Into<String>, points: impl IntoIterator<Item = (impl Into<Time>, T)>) -> Self {
        let (times, values) = points.into_iter().map(|(time, value)| (time.into(), value)).unzip();
        Self { name: name.into(), labels: Labels::new(), config: None, times, values }
    }

    /// Sets a label.
    pub fn label(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.labels = self.labels.with(name, value);
        self
    }

    /// Sets all labels.
    pub fn labels(mut self, labels: impl Into<Labels>) -> Self {
        self.labels = labels.into();
        self
    }

    /// Sets how Grafana shows the values.
    pub fn config(mut self, config: FieldConfig) -> Self {
        self.config = Some(config);
        self
    }

    /// The rows that its points are in when all series are in one table.
    fn keys(&self) -> impl Iterator<Item = (Time, &Labels)> {
        self.times.iter().map(|time| (*time, &self.labels))
    }

    fn field<V: crate::frame::Item>(&self, values: Vec<V>) -> Field {
        let field = Field::new(&*self.name, values);
        self.config.clone().into_iter().fold(field, Field::config)
    }
}

// === impl TimeSeries ===

impl<T: Measured> TimeSeries<T> {
    /// Makes an empty set of series. The name is that of the frames, and may be empty.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), series: Vec::new() }
    }

    /// Adds a series.
    pub fn with(mut self, series: Series<T>) -> Self {
        self.series.push(series);
        self
    }

    /// One series for each set of labels, all of this name.
    pub fn by_labels<L: Into<Labels>, I: Into<Time>>(
        name: impl Into<String>,
        series: impl IntoIterator<Item = (L, impl IntoIterator<Item = (I, T)>)>,
    ) -> Self {
        let name = name.into();
        let series = series.into_iter().map(|(labels, points)| Series::new(&*name, points).labels(labels));
        Self { series: series.collect(), name }
    }

    /// One series for each set of labels that the rows have, all of this name. The rows must be sorted by time, the
    /// oldest first.
    pub fn from_rows<L: Into<Labels>, I: Into<Time>>(
        name: impl Into<String>,
        rows: impl IntoIterator<Item = (L, I, T)>,
    ) -> Self {
        let name = name.into();
        let mut known = HashMap::new();
        let mut series: Vec<Series<T>> = Vec::new();
        for (labels, time, value) in rows {
            let labels = labels.into();
            let at = *known.entry(labels).or_insert_with_key(|labels| {
                series.push(Series::new(&*name, [] as [(Time, T); 0]).labels(labels.clone()));
                series.len() - 1
            });
            if let Some(series) = series.get_mut(at) {
                series.times.push(time.into());
                series.values.push(value);
            }
        }
        Self { name, series }
    }

    /// Returns one frame with a field for each series. It has a row for each time that any of them has. The fields are
    /// nullable, and null where a series has no value.
    pub fn wide(self) -> Result<Frame, ContractError> {
        self.check()?;
        let times: BTreeSet<Time> = self.series.iter().flat_map(|series| &series.times).copied().collect();
        let mut frame = Frame::new(self.name);
        if !self.series.is_empty() {
            frame = frame.time(TIME, times.iter().copied());
        }
        for mut series in self.series {
            let values = std::mem::take(&mut series.values);
            let mut points = series.times.iter().zip(values).peekable();
            let values: Vec<_> = times
                .iter()
                .map(|time| points.next_if(|(next, _)| *next == time).and_then(|(_, value)| value.number()))
                .collect();
            frame = frame.with(series.field(values).labels(series.labels));
        }
        frame.promise(FrameType::TimeSeriesWide)
    }

    /// Returns a frame for each series, or one without fields if there are none.
    pub fn multi(self) -> Result<Vec<Frame>, ContractError> {
        self.check()?;
        let mut frames = Vec::with_capacity(self.series.len());
        for mut series in self.series {
            let values = std::mem::take(&mut series.values);
            let times = std::mem::take(&mut series.times);
            let frame = Frame::new(&*self.name).time(TIME, times);
            frames.push(frame.with(series.field(values).labels(series.labels)));
        }
        if frames.is_empty() {
            frames.push(Frame::new(self.name));
        }
        promise(frames, FrameType::TimeSeriesMulti)
    }

    /// Returns one frame with a row for each time and each set of labels: the time, a field of values for each name, and
    /// a field of texts for each label. A series without a label has an empty text there. The values are nullable, and
    /// null where a series has none.
    pub fn long(self) -> Result<Frame, ContractError> {
        self.check()?;
        if self.series.is_empty() {
            return Frame::new(self.name).promise(FrameType::TimeSeriesLong);
        }
        let keys: BTreeSet<(Time, &Labels)> = self.series.iter().flat_map(Series::keys).collect();
        let mut frame = Frame::new(self.name).time(TIME, keys.iter().map(|(time, _)| *time));
        let mut names = HashSet::new();
        for first in self.series.iter().filter(|series| names.insert(&series.name)) {
            let named = self.series.iter().filter(|series| series.name == first.name);
            let values: HashMap<_, _> =
                named.flat_map(|series| series.keys().zip(series.values.iter().cloned())).collect();
            let value = |key| values.get(key).cloned().and_then(T::number);
            frame = frame.with(first.field(keys.iter().map(value).collect::<Vec<_>>()));
        }
        let labels = keys.iter().map(|(_, labels)| *labels);
        let names: BTreeSet<&str> = labels.clone().flat_map(Labels::iter).map(|(name, _)| name).collect();
        for name in names {
            let texts = labels.clone().map(|labels| labels.get(name).unwrap_or_default());
            frame = frame.field(name, texts.collect::<Vec<_>>());
        }
        frame.promise(FrameType::TimeSeriesLong)
    }

    /// Each series has its points in order, and no two have the same name and labels.
    fn check(&self) -> Result<(), ContractError> {
        let mut seen = HashMap::new();
        for (number, series) in self.series.iter().enumerate() {
            let error = |breach| {
                let Series { name, labels, .. } = series;
                ContractError::new(
                    format!("frame {:?}, series[{number}] {name:?}{labels}", self.name),
                    breach,
                )
            };
            let times: Vec<_> = series.times.iter().map(|time| time.unix_nanos()).collect();
            in_order(&times, Repetition::No).map_err(error)?;
            if let Some(first) = seen.insert((&series.name, &series.labels), number) {
                return Err(error(Breach::SameItem { what: "series", first }));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
