//! Numbers without a time.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::Measured;
use crate::frame::{Breach, ContractError, FieldConfig, FrameType, Labels, promise};
use crate::{Field, Frame};

/// A number, with a name and labels that tell it apart from others of that name.
#[derive(Clone, Debug)]
pub struct Metric<T> {
    name: String,
    labels: Labels,
    config: Option<FieldConfig>,
    value: T,
}

/// Numbers that answer one query, as frames of a format of the data plane contract.
///
/// ```
/// use gpx_sdk::FieldConfig;
/// use gpx_sdk::dataplane::{Metric, Metrics};
///
/// let metrics = Metrics::new("hosts")
///     .with(Metric::new("load", 0.5).label("host", "a").config(FieldConfig::new().unit("percentunit")))
///     .with(Metric::new("load", 0.7).label("host", "b"));
/// let frame = metrics.wide()?;
///
/// let frame = Metrics::by_labels("load", [([("host", "a")], 0.5), ([("host", "b")], 0.7)]).long()?;
/// assert_eq!(frame.rows(), Some(2));
/// # Ok::<(), gpx_sdk::frame::ContractError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Metrics<T> {
    name: String,
    metrics: Vec<Metric<T>>,
}

// === impl Metric ===

impl<T: Measured> Metric<T> {
    pub fn new(name: impl Into<String>, value: T) -> Self {
        Self { name: name.into(), labels: Labels::new(), config: None, value }
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

    /// Sets how Grafana shows the value.
    pub fn config(mut self, config: FieldConfig) -> Self {
        self.config = Some(config);
        self
    }

    fn field(self) -> Field {
        let field = Field::new(self.name, [self.value]).labels(self.labels);
        self.config.into_iter().fold(field, Field::config)
    }
}

// === impl Metrics ===

impl<T: Measured> Metrics<T> {
    /// None yet. The name is that of the frames, and may be empty.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), metrics: Vec::new() }
    }

    /// Adds a number.
    pub fn with(mut self, metric: Metric<T>) -> Self {
        self.metrics.push(metric);
        self
    }

    /// One number for each set of labels, all of this name.
    pub fn by_labels<L: Into<Labels>>(
        name: impl Into<String>,
        metrics: impl IntoIterator<Item = (L, T)>,
    ) -> Self {
        let name = name.into();
        let metrics = metrics.into_iter().map(|(labels, value)| Metric::new(&*name, value).labels(labels));
        Self { metrics: metrics.collect(), name }
    }

    /// Returns one frame of one row, with a field for each number.
    pub fn wide(self) -> Result<Frame, ContractError> {
        let frame = Frame::new(self.name);
        let fields = self.metrics.into_iter().map(Metric::field);
        fields.fold(frame, Frame::with).promise(FrameType::NumericWide)
    }

    /// Returns a frame for each number, or one without fields if there are none.
    pub fn multi(self) -> Result<Vec<Frame>, ContractError> {
        let frame = || Frame::new(&*self.name);
        let mut frames: Vec<_> =
            self.metrics.into_iter().map(|metric| frame().with(metric.field())).collect();
        if frames.is_empty() {
            frames.push(frame());
        }
        promise(frames, FrameType::NumericMulti)
    }

    /// Returns one frame with a row for each set of labels: a field of values for each name, and a field of texts for
    /// each label. A number without a label has an empty text there. The values are nullable, and null where a set of
    /// labels has none.
    pub fn long(self) -> Result<Frame, ContractError> {
        let mut seen = HashMap::new();
        for (number, Metric { name, labels, .. }) in self.metrics.iter().enumerate() {
            if let Some(first) = seen.insert((name, labels), number) {
                let place = format!("frame {:?}, metrics[{number}] {name:?}{labels}", self.name);
                return Err(ContractError::new(place, Breach::SameItem { what: "metrics", first }));
            }
        }
        let mut frame = Frame::new(self.name);
        if self.metrics.is_empty() {
            return frame.promise(FrameType::NumericLong);
        }
        // In the order in which they came, which may be that of a ranking.
        let mut known = HashSet::new();
        let rows: Vec<&Labels> =
            self.metrics.iter().map(|metric| &metric.labels).filter(|labels| known.insert(*labels)).collect();
        let mut names = HashSet::new();
        for first in self.metrics.iter().filter(|metric| names.insert(&metric.name)) {
            let named = self.metrics.iter().filter(|metric| metric.name == first.name);
            let values: HashMap<_, _> = named.map(|metric| (&metric.labels, metric.value.clone())).collect();
            let value = |labels: &&Labels| values.get(labels).cloned().and_then(T::number);
            let field = Field::new(&*first.name, rows.iter().map(value).collect::<Vec<_>>());
            frame = frame.with(first.config.clone().into_iter().fold(field, Field::config));
        }
        let names: BTreeSet<&str> =
            rows.iter().flat_map(|labels| labels.iter()).map(|(name, _)| name).collect();
        for name in names {
            let texts = rows.iter().map(|labels| labels.get(name).unwrap_or_default());
            frame = frame.field(name, texts.collect::<Vec<_>>());
        }
        frame.promise(FrameType::NumericLong)
    }
}
