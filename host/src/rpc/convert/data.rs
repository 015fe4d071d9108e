//! Queries and their answers.

use std::collections::HashMap;

use crate::call::CallContext;
use crate::capability::bindings::gpx::plugin::queries::Query;
use crate::capability::bindings::gpx::plugin::types::TimeRange;
use crate::frame::Format;
use crate::plugin::{Answered, CallError};
use crate::proto::pluginv2::{DataFrameFormat, DataQuery, DataResponse, QueryDataResponse};

/// How many queries of a request run at once if Grafana does not say. It is Grafana's own default.
const CONCURRENT_QUERIES: usize = 10;

const NANOSECONDS_PER_MILLISECOND: i64 = 1_000_000;

/// The answers to a request's queries, by refId.
pub(crate) struct DataResponses {
    format: i32,
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

/// Returns the format that Grafana asks for.
pub(crate) fn format(format: i32) -> Result<Format, CallError> {
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

// === impl DataResponses ===

impl DataResponses {
    /// Makes room for `count` answers in one format.
    pub(crate) fn new(format: Format, count: usize) -> Self {
        let format = match format {
            Format::Arrow => DataFrameFormat::Arrow,
            Format::Json => DataFrameFormat::Json,
        };
        Self { format: format.into(), responses: HashMap::with_capacity(count) }
    }

    /// Adds an answer.
    pub(crate) fn add(&mut self, answer: Answered) {
        let Answered { ref_id, frames, outcome } = answer;
        let mut response = DataResponse { frames, format: self.format, ..Default::default() };
        match outcome {
            Ok(status) => response.status = status.into(),
            Err(error) => {
                response.error = error.to_string();
                response.status = error.status().into();
                response.error_source = error.source().name().to_owned();
            }
        }
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
