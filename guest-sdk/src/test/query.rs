//! Queries, made by hand.

use std::time::Duration;

use serde::Serialize;

use crate::bindings::data::gpx::plugin::queries::Query as WitQuery;
use crate::query::Model;
use crate::time::IntoTime;
use crate::{Query, Result, Time, TimeRange};

/// A query that is being made: see [`query`].
///
/// ```
/// use gpx_sdk::{Query, Time, test::query};
/// use std::time::Duration;
///
/// #[derive(serde::Deserialize)]
/// struct Model {
///     symbol: String,
/// }
///
/// let noon = Time::parse("2026-01-01T12:00:00Z")?;
/// let query: Query<Model> = query("A")
///     .model(&serde_json::json!({ "symbol": "gold" }))
///     .range(noon, Time::parse("2026-01-01T13:00:00Z")?)
///     .interval(Duration::from_secs(60))
///     .build()?;
/// assert_eq!((query.model.symbol.as_str(), query.interval_ms), ("gold", 60_000));
/// assert_eq!(query.time_range.start(), noon);
/// # Ok::<_, gpx_sdk::Fault>(())
/// ```
#[derive(Clone, Debug)]
pub struct QueryBuilder(WitQuery);

/// A query with that refId, of the last six hours before 2026-01-01T00:00:00Z, with an interval of 20 s and at most 1000 points.
///
/// ```
/// use gpx_sdk::{Query, test::query};
///
/// let query: Query = query("A").build()?;
/// assert_eq!((query.ref_id.as_str(), query.max_data_points), ("A", 1000));
/// # Ok::<_, gpx_sdk::Fault>(())
/// ```
#[must_use]
pub fn query(ref_id: impl Into<String>) -> QueryBuilder {
    let end = Time::from_unix_seconds(super::START).unix_nanos();
    let start = Time::from_unix_seconds(super::START - 6 * 60 * 60).unix_nanos();
    QueryBuilder(WitQuery {
        ref_id: ref_id.into(),
        query_type: String::new(),
        max_data_points: 1000,
        interval_ms: 20_000,
        time_range: TimeRange { start, end },
        json: Vec::new(),
        index: 0,
        count: 1,
    })
}

// === impl QueryBuilder ===

impl QueryBuilder {
    /// Sets the query model that the editor saves.
    ///
    /// # Panics
    ///
    /// If it cannot be written as JSON.
    #[must_use]
    #[track_caller]
    #[expect(clippy::expect_used, reason = "it fails the test that is wrong")]
    pub fn model(self, model: &(impl Serialize + ?Sized)) -> Self {
        self.json(serde_json::to_vec(model).expect("a query's model can be written as JSON"))
    }

    /// Sets the query model as text, which need not be valid JSON.
    #[must_use]
    pub fn json(mut self, json: impl Into<Vec<u8>>) -> Self {
        self.0.json = json.into();
        self
    }

    #[must_use]
    pub fn query_type(mut self, query_type: impl Into<String>) -> Self {
        self.0.query_type = query_type.into();
        self
    }

    /// Sets the time range. Both ends belong to it.
    #[must_use]
    pub fn range(mut self, start: impl IntoTime, end: impl IntoTime) -> Self {
        let (start, end) = (start.into_time().unix_nanos(), end.into_time().unix_nanos());
        self.0.time_range = TimeRange { start, end };
        self
    }

    /// Sets the interval between two points, to the millisecond.
    #[must_use]
    pub fn interval(mut self, interval: Duration) -> Self {
        self.0.interval_ms = i64::try_from(interval.as_millis()).unwrap_or(i64::MAX);
        self
    }

    #[must_use]
    pub fn max_data_points(mut self, points: i64) -> Self {
        self.0.max_data_points = points;
        self
    }

    /// Sets its position among the queries of its request, from 0, and how many these are.
    #[must_use]
    pub fn position(mut self, index: u32, count: u32) -> Self {
        (self.0.index, self.0.count) = (index, count);
        self
    }

    /// Returns the query, for a function of the plugin that the test calls itself.
    ///
    /// # Errors
    ///
    /// If its model does not fit.
    pub fn build<M: Model>(self) -> Result<Query<M>> {
        Query::new(self.0)
    }

    pub(super) fn into_wit(self) -> WitQuery {
        self.0
    }
}
