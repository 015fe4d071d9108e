//! A query as Grafana sends it.

use serde::de::DeserializeOwned;

use crate::{Fault, Result, json};

pub use crate::bindings::base::gpx::plugin::types::TimeRange;
pub use crate::bindings::data::exports::gpx::plugin::data::Query;

// === impl Query ===

impl Query {
    /// The query model that the editor saved, as a type of your own.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        json::from_slice(&self.json)
            .map_err(|err| Fault::bad_request(format_args!("query {} is not valid: {err}", self.ref_id)))
    }
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
