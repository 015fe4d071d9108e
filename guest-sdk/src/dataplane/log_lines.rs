//! Lines of a log.

use serde::Serialize;

use crate::frame::{ContractError, FrameType, Json, Meta, Visualization};
use crate::{Fault, Frame, Result, Time};

/// A line of a log: when it was written, its text, and what else is known of it.
#[derive(Clone, Debug)]
pub struct LogLine {
    time: Time,
    body: String,
    severity: Option<String>,
    id: Option<String>,
    labels: Option<Json>,
    label_types: Option<Json>,
}

/// Lines of a log as a frame of the data plane contract, which Explore shows as a log.
///
/// ```
/// use gpx_sdk::Time;
/// use gpx_sdk::dataplane::{LogLine, LogLines};
/// use serde_json::json;
///
/// # fn frame() -> gpx_sdk::Result<gpx_sdk::Frame> {
/// let frame = LogLines::new("logs")
///     .with(LogLine::new(Time::from_unix_seconds(60), "no space left").severity("error").labels(&json!({ "host": "a" }))?)
///     .with(LogLine::new(Time::from_unix_seconds(61), "stopped"))
///     .frame()?;
/// # Ok(frame)
/// # }
/// # assert_eq!(frame().unwrap().rows(), Some(2));
/// ```
#[derive(Clone, Debug)]
pub struct LogLines {
    name: String,
    lines: Vec<LogLine>,
}

// === impl LogLine ===

impl LogLine {
    pub fn new(time: impl Into<Time>, body: impl Into<String>) -> Self {
        let (time, body) = (time.into(), body.into());
        Self { time, body, severity: None, id: None, labels: None, label_types: None }
    }

    /// Sets the level, such as `error` or `info`. Otherwise Grafana looks for one in the text.
    pub fn severity(mut self, severity: impl Into<String>) -> Self {
        self.severity = Some(severity.into());
        self
    }

    /// Sets what tells the line apart from all others.
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Sets what else is known of the line: whatever serializes to a JSON object, such as
    /// [`Labels`](crate::frame::Labels).
    pub fn labels(mut self, labels: &impl Serialize) -> Result<Self> {
        self.labels = Some(object(labels)?);
        Ok(self)
    }

    /// Sets the groups in which Grafana shows the labels: whatever serializes to a JSON object of texts with the labels'
    /// names.
    pub fn label_types(mut self, types: &impl Serialize) -> Result<Self> {
        self.label_types = Some(object(types)?);
        Ok(self)
    }
}

// === impl LogLines ===

impl LogLines {
    /// Makes an empty set of lines. The name is that of the frame, and may be empty.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), lines: Vec::new() }
    }

    /// Adds a line.
    pub fn with(mut self, line: LogLine) -> Self {
        self.lines.push(line);
        self
    }

    /// Returns the frame. It has the fields that at least one line has a value for.
    pub fn frame(self) -> Result<Frame, ContractError> {
        let Self { name, lines } = self;
        let frame = Frame::new(name).meta(Meta::new().visualization(Visualization::Logs));
        let mut frame = frame.time("timestamp", lines.iter().map(|line| line.time));
        frame = frame.field("body", lines.iter().map(|line| &*line.body).collect::<Vec<_>>());
        if lines.iter().any(|line| line.severity.is_some()) {
            let severities: Vec<_> = lines.iter().map(|line| line.severity.as_deref()).collect();
            frame = frame.field("severity", severities);
        }
        if lines.iter().any(|line| line.id.is_some()) {
            frame = frame.field("id", lines.iter().map(|line| line.id.as_deref()).collect::<Vec<_>>());
        }
        let objects = |of: fn(&LogLine) -> &Option<Json>| {
            let is_set = lines.iter().any(|line| of(line).is_some());
            let object = |line| of(line).clone().unwrap_or_else(|| Json("{}".to_owned()));
            is_set.then(|| lines.iter().map(object).collect::<Vec<_>>())
        };
        let labels =
            [("labels", objects(|line| &line.labels)), ("labelTypes", objects(|line| &line.label_types))];
        for (name, objects) in labels {
            frame = objects.into_iter().fold(frame, |frame, objects| frame.field(name, objects));
        }
        frame.promise(FrameType::LogLines)
    }
}

impl Extend<LogLine> for LogLines {
    fn extend<I: IntoIterator<Item = LogLine>>(&mut self, lines: I) {
        self.lines.extend(lines);
    }
}

fn object(value: &impl Serialize) -> Result<Json> {
    match serde_json::to_string(value) {
        Ok(text) if text.starts_with('{') => Ok(Json(text)),
        Ok(_) => Err(Fault::plugin("the labels of a log line are not a JSON object")),
        Err(error) => Err(Fault::plugin(format_args!("the labels of a log line are no JSON: {error}"))),
    }
}
