//! Queries and their answers.

use std::collections::HashMap;

use bytes::Bytes;

use crate::call::{Call, CallContext, Subject};
use crate::capability::bindings::gpx::plugin::queries::Query;
use crate::capability::bindings::gpx::plugin::types::TimeRange;
use crate::frame::Format;
use crate::plugin::{Answered, CallError};
use crate::proto::pluginv2::{
    DataFrameFormat, DataQuery, DataResponse, QueryChunkedDataResponse, QueryDataResponse,
};

/// How many queries of a request run at once if Grafana does not say. It is Grafana's own default.
const CONCURRENT_QUERIES: usize = 10;

const NANOSECONDS_PER_MILLISECOND: i64 = 1_000_000;

/// The answers to a request's queries, by refId.
pub(crate) struct DataResponses {
    format: i32,
    /// What is added to the text of each error.
    reference: Option<String>,
    responses: HashMap<String, DataResponse>,
}

/// Returns how many queries of a request may run at once.
pub(crate) fn concurrent_queries(context: &CallContext) -> usize {
    let count = context.grafana_config.get("GF_CONCURRENT_QUERY_COUNT").and_then(|text| text.parse().ok());
    count.filter(|count| *count > 0).unwrap_or(CONCURRENT_QUERIES)
}

/// Returns the headers of a message under their HTTP names: Grafana adds a prefix to most of them.
pub(crate) fn header_pairs(headers: HashMap<String, String>) -> impl Iterator<Item = (String, String)> {
    let name = |name: String| name.strip_prefix("http_").map(str::to_owned).unwrap_or(name);
    headers.into_iter().map(move |(key, value)| (name(key), value))
}

/// Returns the format that Grafana asks for. Queries are always for a data source or an app.
pub(crate) fn format(context: &CallContext, format: i32) -> Result<Format, CallError> {
    if matches!(context.subject, Subject::Plugin) {
        let text = "the request has no settings of a data source or an app";
        return Err(CallError::Malformed(text.to_owned()));
    }
    match DataFrameFormat::try_from(format) {
        Ok(DataFrameFormat::Arrow) => Ok(Format::Arrow),
        Ok(DataFrameFormat::Json) => Ok(Format::Json),
        Err(_) => Err(CallError::Malformed(format!("unsupported data frame format {format}"))),
    }
}

/// Converts the query at `index` of the `count` queries of its request.
pub(crate) fn query(query: DataQuery, index: usize, count: usize) -> Query {
    let DataQuery { ref_id, max_data_points, interval_ms, time_range, json, query_type } = query;
    let range = time_range.unwrap_or_default();
    let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    Query {
        ref_id,
        query_type,
        max_data_points,
        interval_ms,
        time_range: TimeRange {
            start: range.from_epoch_ms.saturating_mul(NANOSECONDS_PER_MILLISECOND),
            end: range.to_epoch_ms.saturating_mul(NANOSECONDS_PER_MILLISECOND),
        },
        json: json.into(),
        index: number(index),
        count: number(count),
    }
}

/// Converts all queries of a request.
pub(crate) fn queries(queries: Vec<DataQuery>) -> Vec<Query> {
    let count = queries.len();
    queries.into_iter().enumerate().map(|(index, each)| query(each, index, count)).collect()
}

/// Makes the chunk that brings rows of a frame.
pub(crate) fn rows(
    ref_id: String,
    frame_id: String,
    frame: Bytes,
    format: Format,
) -> QueryChunkedDataResponse {
    let format = number(format);
    QueryChunkedDataResponse { ref_id, frame_id, frame, status: 200, format, ..Default::default() }
}

/// Makes the chunk that brings an error. Like Go's, it has no format.
pub(crate) fn chunk_failure(call: &Call, ref_id: String, error: &CallError) -> QueryChunkedDataResponse {
    let error_source = error.source().name().to_owned();
    let status = error.status().into();
    let error = with_reference(error, call.trace_reference().as_deref());
    QueryChunkedDataResponse { ref_id, error, status, error_source, ..Default::default() }
}

/// Returns the error's text for the panel's user.
fn with_reference(error: &CallError, reference: Option<&str>) -> String {
    format!("{error}{}", reference.unwrap_or_default())
}

fn number(format: Format) -> i32 {
    let format = match format {
        Format::Arrow => DataFrameFormat::Arrow,
        Format::Json => DataFrameFormat::Json,
    };
    format.into()
}

// === impl DataResponses ===

impl DataResponses {
    /// Makes room for `count` answers to a call, in one format.
    pub(crate) fn new(call: &Call, format: Format, count: usize) -> Self {
        let reference = call.trace_reference();
        Self { format: number(format), reference, responses: HashMap::with_capacity(count) }
    }

    /// Adds an answer.
    pub(crate) fn add(&mut self, answer: Answered) {
        let Answered { ref_id, frames, outcome } = answer;
        let mut response = DataResponse { frames, format: self.format, ..Default::default() };
        match outcome {
            Ok(status) => response.status = status.into(),
            Err(error) => {
                response.error = with_reference(&error, self.reference.as_deref());
                response.status = error.status().into();
                response.error_source = error.source().name().to_owned();
            }
        }
        self.responses.insert(ref_id, response);
    }

    /// Returns whether there is an answer under this refId.
    pub(crate) fn has(&self, ref_id: &str) -> bool {
        self.responses.contains_key(ref_id)
    }

    /// Adds frames that the component knows nothing of.
    pub(crate) fn add_frames(&mut self, ref_id: String, frames: Vec<Bytes>) {
        let response = DataResponse { frames, status: 200, format: self.format, ..Default::default() };
        self.responses.insert(ref_id, response);
    }

    pub(crate) fn into_message(self) -> QueryDataResponse {
        QueryDataResponse { responses: self.responses }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_have_their_http_names() {
        let sent = [("http_X-Dashboard-Uid", "d"), ("FromAlert", "true")];
        let sent = sent.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let mut pairs: Vec<_> = header_pairs(HashMap::from(sent)).collect();
        pairs.sort_unstable();
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(pairs, [("FromAlert", "true"), ("X-Dashboard-Uid", "d")]);
    }
}
