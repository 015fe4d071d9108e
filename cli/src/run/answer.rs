//! The answer to one query.

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use gpx_client::frame::Frame;
use gpx_client::proto::pluginv2::{DataFrameFormat, DataResponse};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::terminal::{Paint, shown};

pub(super) struct Answer {
    pub(super) ref_id: String,
    status: i32,
    error: Option<Error>,
    format: DataFrameFormat,
    /// Each is a frame in that format.
    frames: Vec<Bytes>,
}

struct Error {
    text: String,
    /// "plugin" or "downstream".
    source: String,
}

/// As Grafana's frontend gets it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Document<'a> {
    status: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_source: Option<&'a str>,
    frames: Vec<&'a RawValue>,
}

// === impl Answer ===

impl Answer {
    pub(super) fn of(ref_id: String, response: Option<DataResponse>) -> Self {
        let Some(response) = response else {
            let error =
                Error { text: "the plugin has not answered it".to_owned(), source: "plugin".to_owned() };
            let format = DataFrameFormat::Json;
            return Self { ref_id, status: 500, error: Some(error), format, frames: Vec::new() };
        };
        let format = response.format();
        let DataResponse { frames, error: text, status, error_source: source, .. } = response;
        let failed = !text.is_empty() || status >= 400;
        // As Grafana does where the plugin does not say.
        let status = match status {
            0 if failed => 500,
            0 => 200,
            status => status,
        };
        let source = if source.is_empty() { "plugin".to_owned() } else { source };
        Self { ref_id, status, error: failed.then_some(Error { text, source }), format, frames }
    }

    pub(super) fn failed(&self) -> bool {
        self.error.is_some()
    }

    /// Returns a line that says whether it is one.
    pub(super) fn head(&self, paint: Paint) -> String {
        let name = paint.bold(format_args!("query {}", shown(&self.ref_id)));
        match &self.error {
            None => format!("{name}  {}", paint.green(self.status)),
            Some(Error { text, source }) => {
                let (status, source) = (paint.red(self.status), shown(source));
                format!("{name}  {status}  {}  (source: {source})", shown(text))
            }
        }
    }

    /// Returns its frames in Arrow's format.
    pub(super) fn files(&self) -> Result<&[Bytes]> {
        if self.format != DataFrameFormat::Arrow && !self.frames.is_empty() {
            bail!(
                "the plugin answers query {} in JSON, although it was asked for Arrow",
                shown(&self.ref_id)
            );
        }
        Ok(&self.frames)
    }

    pub(super) fn frames(&self) -> Result<Vec<Frame>> {
        let frames = self.files()?.iter().map(|frame| Frame::from_arrow(frame.clone()));
        frames
            .collect::<Result<_, _>>()
            .with_context(|| format!("cannot read the answer to query {}", shown(&self.ref_id)))
    }

    pub(super) fn document(&self) -> Result<Document<'_>> {
        if self.format != DataFrameFormat::Json {
            bail!("the plugin knows frames in Arrow's format only; leave out --format json and --json");
        }
        let frames = self.frames.iter().map(|frame| serde_json::from_slice(frame)).collect::<Result<_, _>>();
        Ok(Document {
            status: self.status,
            error: self.error.as_ref().map(|error| error.text.as_str()),
            error_source: self.error.as_ref().map(|error| error.source.as_str()),
            frames: frames
                .with_context(|| format!("a frame of query {} is not JSON", shown(&self.ref_id)))?,
        })
    }
}
