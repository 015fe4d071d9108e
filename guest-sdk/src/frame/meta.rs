//! What a frame says about itself.

use serde::Serialize;
use serde_json::Value;

use super::config::FieldConfig;
use super::json::{as_json, is_default};
use crate::Result;

mod notice;

pub use notice::{Inspect, Notice, Severity};

/// What a frame says about itself: what kind of table it is, how to show it, and what the user should know.
///
/// ```
/// use gpx_sdk::frame::{FrameType, Meta, Notice, Stat, Visualization};
///
/// # fn meta() -> gpx_sdk::Result<Meta> {
/// let meta = Meta::new()
///     .frame_type(FrameType::TimeSeriesMulti, (0, 1))
///     .visualization(Visualization::Graph)
///     .executed_query("SELECT time, load FROM hosts")
///     .stat(Stat::new("Rows read", 1200.0))
///     .notice(Notice::warning("Only the first 1000 rows are shown").link("/docs/limits"))
///     .custom(&serde_json::json!({ "resultType": "matrix" }))?;
/// # Ok(meta)
/// # }
/// # assert!(meta().is_ok());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Meta {
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    frame_type: Option<FrameType>,
    #[serde(skip_serializing_if = "is_default")]
    type_version: (u32, u32),
    #[serde(skip_serializing_if = "is_default")]
    path: String,
    #[serde(skip_serializing_if = "is_default")]
    path_separator: String,
    #[serde(skip_serializing_if = "Value::is_null")]
    custom: Value,
    #[serde(skip_serializing_if = "is_default")]
    stats: Vec<Stat>,
    #[serde(skip_serializing_if = "is_default")]
    notices: Vec<Notice>,
    #[serde(skip_serializing_if = "is_default")]
    channel: String,
    #[serde(rename = "preferredVisualisationType", skip_serializing_if = "Option::is_none")]
    visualization: Option<Visualization>,
    #[serde(rename = "preferredVisualisationPluginId", skip_serializing_if = "is_default")]
    visualization_plugin: String,
    #[serde(rename = "executedQueryString", skip_serializing_if = "is_default")]
    executed_query: String,
    #[serde(rename = "dataTopic", skip_serializing_if = "Option::is_none")]
    topic: Option<Topic>,
    #[serde(rename = "uniqueRowIdFields", skip_serializing_if = "is_default")]
    unique_row_fields: Vec<u32>,
}

/// The structure that a frame promises to have. `timeseries-…`, `numeric-…` and `log-lines` are formats of Grafana's
/// [data plane contract](https://grafana.com/developers/dataplane); [`Frame::promise`](super::Frame::promise) checks them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FrameType {
    /// A time field, and a number field for each series, told apart by labels.
    TimeSeriesWide,
    /// A time field, number fields, and string fields that tell the series apart.
    TimeSeriesLong,
    /// A frame for each series: a time field and a number field.
    TimeSeriesMulti,
    /// One row, and a number field for each metric, told apart by labels.
    NumericWide,
    /// Number fields, and string fields that tell the metrics apart.
    NumericLong,
    /// A frame for each metric, with one number.
    NumericMulti,
    /// A line of a log in each row.
    LogLines,
    /// Any table.
    Table,
    /// The items of a directory: their name and media type.
    DirectoryListing,
    /// A field for x, and a field with counts for each row of a heatmap.
    HeatmapRows,
    /// `xMin`, `yMin`, `count` and others: one row for each cell of a heatmap.
    HeatmapCells,
    /// `xMin`, `xMax` and counts: one row for each bucket.
    Histogram,
}

/// How Explore shows a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Visualization {
    Graph,
    Table,
    Logs,
    Trace,
    NodeGraph,
    #[serde(rename = "flamegraph")]
    FlameGraph,
    RawPrometheus,
}

/// What a frame is for, if it is not the data that the query asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Topic {
    /// Annotations of the other frames, such as exemplars.
    Annotations,
    AlertStates,
    Series,
}

/// A number about the query, such as how long it took. The inspector shows it.
///
/// ```
/// use gpx_sdk::frame::{FieldConfig, Stat};
///
/// let stat = Stat::new("Time in the database", 12.5).config(FieldConfig::new().unit("ms").decimals(1));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stat {
    #[serde(flatten)]
    config: FieldConfig,
    value: f64,
}

// === impl Meta ===

impl Meta {
    /// Says nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Promises a structure, in a version of the contract. `(0, 0)` promises none, and `(0, 1)` is the first.
    pub fn frame_type(mut self, frame_type: FrameType, version: (u32, u32)) -> Self {
        (self.frame_type, self.type_version) = (Some(frame_type), version);
        self
    }

    /// Sets the structure, in the version that was promised before.
    pub(super) fn retyped(mut self, frame_type: FrameType) -> Self {
        self.frame_type = Some(frame_type);
        self
    }

    /// Sets a path on the data source that can be browsed.
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// Sets what separates the parts of a path. The default is `/`.
    pub fn path_separator(mut self, separator: impl Into<String>) -> Self {
        self.path_separator = separator.into();
        self
    }

    /// Sets whatever your frontend wants to know. Grafana reads numbers as 64-bit floats.
    pub fn custom(mut self, custom: &impl Serialize) -> Result<Self> {
        self.custom = as_json(custom)?;
        Ok(self)
    }

    /// Adds a number about the query.
    pub fn stat(mut self, stat: Stat) -> Self {
        self.stats.push(stat);
        self
    }

    /// Adds something that the user should know.
    pub fn notice(mut self, notice: Notice) -> Self {
        self.notices.push(notice);
        self
    }

    /// Sets the channel of Grafana Live that has updates, `scope/namespace/path`.
    pub fn channel(mut self, channel: impl Into<String>) -> Self {
        self.channel = channel.into();
        self
    }

    /// Sets how Explore shows the frame.
    pub fn visualization(mut self, visualization: Visualization) -> Self {
        self.visualization = Some(visualization);
        self
    }

    /// Sets the panel plugin with which Explore shows the frame, if it is installed.
    pub fn visualization_plugin(mut self, id: impl Into<String>) -> Self {
        self.visualization_plugin = id.into();
        self
    }

    /// Sets the query as the data source received it. The query inspector shows it.
    pub fn executed_query(mut self, query: impl Into<String>) -> Self {
        self.executed_query = query.into();
        self
    }

    /// Sets what the frame is for.
    pub fn topic(mut self, topic: Topic) -> Self {
        self.topic = Some(topic);
        self
    }

    /// Sets the fields, counted from 0, whose values together identify a row.
    pub fn unique_row_fields(mut self, fields: impl IntoIterator<Item = u32>) -> Self {
        self.unique_row_fields = fields.into_iter().collect();
        self
    }
}

// === impl FrameType ===

impl FrameType {
    /// Returns Grafana's name of it.
    pub fn name(self) -> &'static str {
        match self {
            Self::TimeSeriesWide => "timeseries-wide",
            Self::TimeSeriesLong => "timeseries-long",
            Self::TimeSeriesMulti => "timeseries-multi",
            Self::NumericWide => "numeric-wide",
            Self::NumericLong => "numeric-long",
            Self::NumericMulti => "numeric-multi",
            Self::LogLines => "log-lines",
            Self::Table => "table",
            Self::DirectoryListing => "directory-listing",
            Self::HeatmapRows => "heatmap-rows",
            Self::HeatmapCells => "heatmap-cells",
            Self::Histogram => "histogram",
        }
    }
}

impl Serialize for FrameType {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

// === impl Stat ===

impl Stat {
    /// A value that is not finite is shown as 0.
    pub fn new(name: impl Into<String>, value: f64) -> Self {
        Self {
            config: FieldConfig::new().display_name(name),
            value: if value.is_finite() { value } else { 0.0 },
        }
    }

    /// Sets how the value is shown. The name stays, unless the config has another.
    pub fn config(self, config: FieldConfig) -> Self {
        Self { config: config.or_named_like(self.config), ..self }
    }
}
