//! A query as Grafana sends it.

use serde::de::DeserializeOwned;

use crate::bindings::data::gpx::plugin::queries as wit;
use crate::{Fault, Result, json};

pub use crate::bindings::base::gpx::plugin::types::TimeRange;

/// One query of a request, with its model as the type that the plugin names: see [`Data`](crate::Data).
#[derive(Clone, Debug)]
pub struct Query<M = Unread> {
    /// The query's name within its request, for example "A".
    pub ref_id: String,
    pub query_type: String,
    pub max_data_points: i64,
    /// The interval between two points that suits the panel, in milliseconds.
    pub interval_ms: i64,
    pub time_range: TimeRange,
    /// The query model that the editor saved, as JSON. It can be empty or invalid JSON.
    pub json: Vec<u8>,
    /// The position of this query in its request, from 0, and the number of queries in the request.
    pub index: u32,
    pub count: u32,
    /// The query model that the editor saved.
    pub model: M,
}

/// What a query's model can be read as: every type that has `#[derive(serde::Deserialize)]` and borrows nothing.
///
/// ```compile_fail,E0277
/// # use gpx_sdk::*;
/// # struct Plugged;
/// # impl Plugin for Plugged { fn open(_: Settings) -> Result<Self> { Ok(Self) } }
/// struct Prices; // without `#[derive(serde::Deserialize)]`
///
/// impl Data<Prices> for Plugged {
///     fn query(&self, _: &Context, _: &Query<Prices>) -> Result<Vec<Frame>> {
///         Ok(vec![])
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "a query's model cannot be read as `{Self}`",
    note = "write `#[derive(serde::Deserialize)]` above `{Self}`, which must not borrow: `String` instead of `&str`"
)]
pub trait Model: Sized {
    #[doc(hidden)]
    fn read(ref_id: &str, json: &[u8]) -> Result<Self>;
}

/// The model of a query that the plugin has not named a type for. [`Query::json`] reads it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unread;

// === impl Query ===

impl<M> Query<M> {
    /// Reads the query model as a type of your own. A plugin with one model for all queries names it instead:
    /// see [`Data`](crate::Data).
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        read(&self.ref_id, &self.json)
    }
}

impl<M: Model> Query<M> {
    pub(crate) fn new(query: wit::Query) -> Result<Self> {
        let wit::Query { ref_id, query_type, max_data_points, interval_ms, time_range, json, index, count } =
            query;
        let model = M::read(&ref_id, &json)?;
        Ok(Self { ref_id, query_type, max_data_points, interval_ms, time_range, json, index, count, model })
    }
}

// === impl Model ===

impl<T: DeserializeOwned> Model for T {
    fn read(ref_id: &str, json: &[u8]) -> Result<Self> {
        read(ref_id, json)
    }
}

impl Model for Unread {
    fn read(_: &str, _: &[u8]) -> Result<Self> {
        Ok(Self)
    }
}

fn read<T: DeserializeOwned>(ref_id: &str, json: &[u8]) -> Result<T> {
    // As with settings: what is not there has no fields.
    json::from_slice(if json.is_empty() { b"{}" } else { json })
        .map_err(|err| Fault::bad_request(format_args!("query {ref_id} is not valid: {err}")))
}

// === impl TimeRange ===

impl TimeRange {
    pub fn start(&self) -> crate::Time {
        crate::Time::from_unix_nanos(self.start)
    }

    pub fn end(&self) -> crate::Time {
        crate::Time::from_unix_nanos(self.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    struct Prices {
        symbol: String,
        #[serde(default)]
        limits: Vec<u8>,
    }

    fn query<M: Model>(json: &str) -> Result<Query<M>> {
        Query::new(wit::Query {
            ref_id: "A".to_owned(),
            query_type: String::new(),
            max_data_points: 0,
            interval_ms: 0,
            time_range: TimeRange { start: 0, end: 0 },
            json: json.as_bytes().to_vec(),
            index: 0,
            count: 1,
        })
    }

    #[test]
    fn a_model_is_read_as_the_type_that_is_named() {
        let query = query::<Prices>(r#"{"symbol":"x","limits":[7]}"#).unwrap();
        assert_eq!((query.model.symbol.as_str(), query.model.limits.as_slice()), ("x", &[7][..]));
    }

    #[test]
    fn a_model_that_does_not_fit_is_said_in_plain_words() {
        for (json, what) in [
            ("[]", "an array where an object was expected at byte 0"),
            ("", "`symbol` is missing at byte 1"),
            (r#"{"symbol":7}"#, "`symbol`: a whole number where a string was expected at byte 11"),
            (
                r#"{"symbol":"x","limits":[1,300]}"#,
                "`limits[1]`: a whole number that is not from 0 to 255 at byte 29",
            ),
        ] {
            let fault = query::<Prices>(json).unwrap_err();
            assert_eq!(
                (fault.status, fault.message),
                (400, format!("query A is not valid: {what}")),
                "{json}"
            );
        }
    }

    #[test]
    fn an_empty_model_has_no_fields_however_it_is_read() {
        #[derive(Default, serde::Deserialize)]
        #[serde(default)]
        struct Anything {
            symbol: String,
        }
        assert_eq!(query::<Anything>("").unwrap().model.symbol, "");
        assert_eq!(query::<Unread>("").unwrap().json::<Anything>().unwrap().symbol, "");
        let fault = query::<Unread>("").unwrap().json::<Prices>().unwrap_err();
        assert_eq!(fault.message, query::<Prices>("").unwrap_err().message);
    }

    #[test]
    fn without_a_type_nothing_is_read() {
        let query = query::<Unread>("{").unwrap();
        assert!(query.json::<Prices>().is_err());
    }
}
