//! Stored objects and queries in another version: see [`Conversion`](crate::Conversion) and
//! [`QueryConversion`](crate::QueryConversion).

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::admission::{read, written};
use crate::bindings::conversion::exports::gpx::plugin::conversion as wit;
use crate::{Fault, Result, json};

pub use crate::admission::Denial;
pub use crate::bindings::admission::gpx::plugin::objects::GroupVersion;

/// The converted objects, or why they cannot be converted.
pub type Conversion = Result<Vec<StoredObject>, Denial>;

/// Objects, and the version that they should have.
#[derive(Clone, Debug)]
pub struct Request {
    pub target: GroupVersion,
    pub objects: Vec<StoredObject>,
}

/// A serialized object with its metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredObject {
    pub raw: Vec<u8>,
    /// For example `application/json`.
    pub content_type: String,
}

// === impl Request ===

impl From<wit::Request> for Request {
    fn from(wit::Request { target, objects }: wit::Request) -> Self {
        let stored = |wit::RawObject { raw, content_type }| StoredObject { raw, content_type };
        Self { target, objects: objects.into_iter().map(stored).collect() }
    }
}

// === impl StoredObject ===

impl StoredObject {
    /// Makes an object from what serializes to JSON.
    pub fn of_json(value: &impl Serialize) -> Result<Self> {
        Ok(Self { raw: written(value)?, content_type: "application/json".to_owned() })
    }

    /// Reads it as a type of your own. What does not fit is a fault with status 400.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        read(&self.raw, "the object")
    }
}

impl From<StoredObject> for wit::RawObject {
    fn from(StoredObject { raw, content_type }: StoredObject) -> Self {
        Self { raw, content_type }
    }
}

/// Reads a saved query.
pub(crate) fn read_query<T: DeserializeOwned>(text: &str) -> Result<T> {
    json::from_slice(text.as_bytes())
        .map_err(|error| Fault::bad_request(format_args!("query {} is not valid: {error}", named(text))))
}

/// Writes what `text` has become.
pub(crate) fn write_query(text: &str, query: &impl Serialize) -> Result<String> {
    serde_json::to_string(query).map_err(|error| {
        Fault::plugin(format_args!("query {} cannot be written as JSON: {error}", named(text)))
    })
}

/// Returns the refId of a query, or something in its place.
fn named(text: &str) -> String {
    #[derive(Deserialize)]
    struct Named {
        #[serde(rename = "refId")]
        ref_id: String,
    }
    json::from_slice(text.as_bytes()).map_or_else(|_| "?".to_owned(), |Named { ref_id }| ref_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_that_does_not_fit_is_named() {
        let error = read_query::<Vec<u8>>(r#"{"refId":"A"}"#).unwrap_err();
        assert_eq!((error.status, error.message.split(':').next()), (400, Some("query A is not valid")));
        let nobody = read_query::<u8>("{}").unwrap_err();
        assert!(nobody.message.starts_with("query ? is not valid: "), "{nobody}");
    }
}
