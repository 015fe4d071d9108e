//! Numbers without a time.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::Measured;
use crate::frame::{Breach, ContractError, FieldConfig, FrameType, Labels, promise};
use crate::{Field, Frame};

/// A number, with a name and labels that tell it apart from others of that name.
#[derive(Clone, Debug)]
pub struct Number<T> {
    name: String,
    labels: Labels,
    config: Option<FieldConfig>,
    value: T,
}

/// Numbers that answer one query, as frames of a format of the data plane contract.
///
/// ```
/// use gpx_sdk::FieldConfig;
/// use gpx_sdk::dataplane::{Number, Numbers};
///
/// let numbers = Numbers::new("hosts")
///     .with(Number::new("load", 0.5).label("host", "a").config(FieldConfig::new().unit("percentunit")))
///     .with(Number::new("load", 0.7).label("host", "b"));
/// let frame = numbers.wide()?;
///
/// let frame = Numbers::by_labels("load", [([("host", "a")], 0.5), ([("host", "b")], 0.7)]).long()?;
/// assert_eq!(frame.rows(), Some(2));
/// # Ok::<(), gpx_sdk::frame::ContractError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Numbers<T> {
    name: String,
    numbers: Vec<Number<T>>,
}

// === impl Number ===

impl<T: Measured> Number<T> {
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

// === impl Numbers ===

impl<T: Measured> Numbers<T> {
    /// Makes an empty set of numbers. The name is that of the frames, and may be empty.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), numbers: Vec::new() }
    }

    /// Adds a number.
    pub fn with(mut self, number: Number<T>) -> Self {
        self.numbers.push(number);
        self
    }

    /// One number for each set of labels, all of this name.
    pub fn by_labels<L: Into<Labels>>(
        name: impl Into<String>,
        numbers: impl IntoIterator<Item = (L, T)>,
    ) -> Self {
        let name = name.into();
        let numbers = numbers.into_iter().map(|(labels, value)| Number::new(&*name, value).labels(labels));
        Self { numbers: numbers.collect(), name }
    }

    /// Returns one frame of one row, with a field for each number.
    pub fn wide(self) -> Result<Frame, ContractError> {
        let frame = Frame::new(self.name);
        let fields = self.numbers.into_iter().map(Number::field);
        fields.fold(frame, Frame::with).promise(FrameType::NumericWide)
    }

    /// Returns a frame for each number, or one without fields if there are none.
    pub fn multi(self) -> Result<Vec<Frame>, ContractError> {
        let frame = || Frame::new(&*self.name);
        let mut frames: Vec<_> =
            self.numbers.into_iter().map(|number| frame().with(number.field())).collect();
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
        for (index, Number { name, labels, .. }) in self.numbers.iter().enumerate() {
            if let Some(first) = seen.insert((name, labels), index) {
                let place = format!("frame {:?}, numbers[{index}] {name:?}{labels}", self.name);
                return Err(ContractError::new(place, Breach::SameItem { what: "numbers", first }));
            }
        }
        let mut frame = Frame::new(self.name);
        if self.numbers.is_empty() {
            return frame.promise(FrameType::NumericLong);
        }
        // In the order in which they came, which may be that of a ranking.
        let mut known = HashSet::new();
        let rows: Vec<&Labels> =
            self.numbers.iter().map(|number| &number.labels).filter(|labels| known.insert(*labels)).collect();
        let items = self.numbers.iter().map(|number| ((&number.name, &number.labels), &number.value));
        let values: HashMap<_, _> = items.collect();
        let mut names = HashSet::new();
        for first in self.numbers.iter().filter(|number| names.insert(&number.name)) {
            let value = |labels: &&Labels| {
                values.get(&(&first.name, *labels)).map(|value| T::clone(value)).and_then(T::number)
            };
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
