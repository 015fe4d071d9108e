//! Data frames: tables of named columns of equal length.

use serde::Serialize;

use crate::Time;
use crate::bindings::data::gpx::plugin::frames as wit;

mod column;

pub use column::{Column, Enumeration, Item, Json};

/// A table that is built column by column.
///
/// ```
/// use gpx_sdk::{Field, Frame, Time};
///
/// let times = vec![Time::from_unix_millis(0), Time::from_unix_millis(1000)];
/// let frame = Frame::new("response")
///     .time("time", times)
///     .field("values", [1.5, 2.5])
///     .field("state", [Some("ok"), None])
///     .with(Field::new("load", [0.1, 0.2]).label("host", "a").config(&serde_json::json!({ "unit": "percentunit" })));
/// assert_eq!(frame.rows(), Some(2));
/// ```
#[derive(Clone, Debug)]
pub struct Frame(wit::Frame);

/// A column with its name and what Grafana should know about it.
#[derive(Clone, Debug)]
pub struct Field(wit::Field);

// === impl Frame ===

impl Frame {
    /// A frame without columns. Its name, shown as the name of the result, may be empty.
    pub fn new(name: impl Into<String>) -> Self {
        Self(wit::Frame { name: name.into(), ref_id: String::new(), meta: None, fields: Vec::new() })
    }

    /// Adds a column of times.
    pub fn time(self, name: impl Into<String>, times: impl IntoIterator<Item: Into<Time>>) -> Self {
        self.field(name, times.into_iter().map(Into::into).collect::<Vec<Time>>())
    }

    /// Adds a column. Values of type `Option` make it nullable.
    pub fn field<T: Item>(self, name: impl Into<String>, values: impl Into<Vec<T>>) -> Self {
        self.with(Field::new(name, values))
    }

    /// Adds a column that has labels or a config.
    pub fn with(mut self, field: Field) -> Self {
        self.0.fields.push(field.0);
        self
    }

    /// Sets the query that the frame answers, if it is not the one that is being answered.
    pub fn ref_id(mut self, ref_id: impl Into<String>) -> Self {
        self.0.ref_id = ref_id.into();
        self
    }

    /// Sets Grafana's frame metadata, for example `json!({ "preferredVisualisationType": "logs" })`.
    pub fn meta(mut self, meta: &serde_json::Value) -> Self {
        self.0.meta = Some(meta.to_string());
        self
    }

    /// The number of rows. `None` if the columns differ in length, which the host refuses.
    pub fn rows(&self) -> Option<usize> {
        let mut rows = self.0.fields.iter().map(|field| column::rows(&field.column));
        let first = rows.next().unwrap_or_default();
        rows.all(|other| other == first).then_some(first)
    }
}

impl From<Frame> for wit::Frame {
    fn from(frame: Frame) -> Self {
        frame.0
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

    /// Sets Grafana's field config, for example `json!({ "unit": "percent" })`.
    pub fn config(mut self, config: &impl Serialize) -> Self {
        self.0.config = serde_json::to_string(config).ok();
        self
    }
}
