//! Data frames: tables of named columns of equal length.

use crate::Time;
use crate::bindings::base::gpx::plugin::frames as wit;
use crate::time::IntoTime;

pub(crate) mod cells;
mod column;
mod config;
mod contract;
mod convert;
mod json;
mod kind;
mod labels;
mod meta;
mod parts;
#[cfg(test)]
mod tests;

pub use column::{Column, Enumeration, Item, Json, NotNull};
pub use config::{
    Color, ColorMode, EnumConfig, FieldConfig, InternalLink, Link, LinkTransformation, MappingResult,
    SeriesBy, SpecialValue, Step, ThresholdMode, Thresholds, ValueMapping,
};
pub(crate) use contract::{Breach, Repetition, in_order};
pub use contract::{ContractError, promise};
pub use convert::{ConvertError, Fill};
pub use labels::Labels;
pub use meta::{FrameType, Inspect, Meta, Notice, Severity, Stat, Topic, Visualization};

/// A table that is built column by column.
///
/// ```
/// use gpx_sdk::{Field, FieldConfig, Frame, Time};
///
/// let times = vec![Time::from_unix_millis(0), Time::from_unix_millis(1000)];
/// let frame = Frame::new("response")
///     .time("time", times)
///     .field("values", [1.5, 2.5])
///     .field("state", [Some("ok"), None])
///     .with(Field::new("load", [0.1, 0.2]).label("host", "a").config(FieldConfig::new().unit("percentunit")));
/// assert_eq!(frame.rows(), Some(2));
/// ```
#[derive(Clone)]
pub struct Frame {
    table: wit::Frame,
    meta: Option<Meta>,
}

/// A column with its name and what Grafana should know about it.
#[derive(Clone)]
pub struct Field(wit::Field);

// === impl Frame ===

impl Frame {
    /// A frame without columns. Its name, shown as the name of the result, may be empty.
    pub fn new(name: impl Into<String>) -> Self {
        wit::Frame { name: name.into(), ref_id: String::new(), meta: None, fields: Vec::new() }.into()
    }

    /// Adds a column of times.
    ///
    /// ```compile_fail,E0277
    /// let frame = gpx_sdk::Frame::new("prices").time("time", [1_700_000_000_i64]); // seconds or milliseconds?
    /// ```
    pub fn time(self, name: impl Into<String>, times: impl IntoIterator<Item: IntoTime>) -> Self {
        self.field(name, times.into_iter().map(IntoTime::into_time).collect::<Vec<Time>>())
    }

    /// Adds a column. Values of type `Option` make it nullable.
    pub fn field<T: Item>(self, name: impl Into<String>, values: impl Into<Vec<T>>) -> Self {
        self.with(Field::new(name, values))
    }

    /// Adds a column that has labels or a config.
    pub fn with(mut self, field: Field) -> Self {
        self.table.fields.push(field.0);
        self
    }

    /// Sets the query that the frame answers, if it is not the one that is being answered.
    pub fn ref_id(mut self, ref_id: impl Into<String>) -> Self {
        self.table.ref_id = ref_id.into();
        self
    }

    /// Sets what the frame says about itself.
    pub fn meta(mut self, meta: Meta) -> Self {
        self.meta = Some(meta);
        self
    }

    /// Adds something that the user should know. It is shown at the corner of the panel.
    pub fn notice(mut self, notice: Notice) -> Self {
        self.meta = Some(self.meta.unwrap_or_default().notice(notice));
        self
    }

    /// The number of rows. `None` if the columns differ in length, which the host refuses.
    pub fn rows(&self) -> Option<usize> {
        let mut rows = self.table.fields.iter().map(|field| column::rows(&field.column));
        let first = rows.next().unwrap_or_default();
        rows.all(|other| other == first).then_some(first)
    }
}

impl From<Frame> for wit::Frame {
    fn from(Frame { table, meta }: Frame) -> Self {
        match meta {
            // It contains nothing that could not be written.
            Some(meta) => Self { meta: serde_json::to_string(&meta).ok(), ..table },
            None => table,
        }
    }
}

/// For frames that are made without this module.
impl From<wit::Frame> for Frame {
    fn from(table: wit::Frame) -> Self {
        Self { table, meta: None }
    }
}

// === impl Field ===

impl Field {
    pub fn new<T: Item>(name: impl Into<String>, values: impl Into<Vec<T>>) -> Self {
        let Column { column, validity } = T::column(values.into());
        Self(wit::Field { name: name.into(), labels: None, config: None, validity, column })
    }

    /// Adds a label: labels tell this series apart from the others of its metric.
    pub fn label(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let label = wit::Label { name: name.into(), value: value.into() };
        self.0.labels.get_or_insert_default().push(label);
        self
    }

    /// Adds all of these labels.
    ///
    /// ```
    /// use std::collections::HashMap;
    /// # use gpx_sdk::Field;
    ///
    /// let field = Field::new("load", [0.5]).labels([("host", "a"), ("zone", "b")]);
    /// let field = Field::new("load", [0.5]).labels(HashMap::from([("host", "a")]));
    /// ```
    pub fn labels(self, labels: impl Into<Labels>) -> Self {
        labels.into().into_iter().fold(self.no_labels(), |field, (name, value)| field.label(name, value))
    }

    /// Gives the field labels, but none yet. Grafana tells a field with no labels from one that has none set.
    pub fn no_labels(mut self) -> Self {
        self.0.labels.get_or_insert_default();
        self
    }

    /// Sets how Grafana shows the field.
    pub fn config(mut self, config: FieldConfig) -> Self {
        // It contains nothing that could not be written.
        self.0.config = serde_json::to_string(&config).ok();
        self
    }
}
