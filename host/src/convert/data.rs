//! Queries and their answers.

use bytes::Bytes;

use crate::bindings::exports::gpx::plugin::data::Query;
use crate::bindings::gpx::plugin::types::TimeRange;
use crate::plugin::Error;
use crate::proto::pluginv2::{DataFrameFormat, DataQuery, DataResponse, PluginContext};

/// Queries of a request that run at once when Grafana does not say. Grafana's own default.
const CONCURRENT_QUERIES: usize = 10;

const NANOSECONDS_PER_MILLISECOND: i64 = 1_000_000;

/// How many queries of a request may run at once.
pub fn concurrent_queries(context: &PluginContext) -> usize {
    let count = context.grafana_config.get("GF_CONCURRENT_QUERY_COUNT").and_then(|text| text.parse().ok());
    count.filter(|count| *count > 0).unwrap_or(CONCURRENT_QUERIES)
}

pub fn ref_ids(queries: &[DataQuery]) -> Vec<String> {
    queries.iter().map(|query| query.ref_id.clone()).collect()
}

/// The query at `index` of the `count` of its request.
pub fn query(query: DataQuery, index: usize, count: usize) -> Query {
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

pub fn data_response(answer: Result<Vec<Bytes>, Error>, format: DataFrameFormat) -> DataResponse {
    let format = format.into();
    match answer {
        Ok(frames) => DataResponse { frames, status: 200, format, ..Default::default() },
        Err(error) => DataResponse {
            error: error.to_string(),
            status: error.status().into(),
            error_source: error.source().name().to_owned(),
            format,
            ..Default::default()
        },
    }
}
