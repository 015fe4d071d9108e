//! Objects that are about to be stored: see [`Admission`](crate::Admission).

mod denial;
mod object;
mod verdict;

use crate::bindings::admission::exports::gpx::plugin::admission as wit;

pub use self::denial::Denial;
pub use self::object::{App, DataSource, Object};
pub(crate) use self::object::{read, written};
pub use self::verdict::{Mutation, Verdict};
pub use crate::bindings::admission::gpx::plugin::objects::Kind;
pub use wit::Operation;

/// What somebody does to an object.
#[derive(Clone, Debug)]
pub struct Request {
    pub operation: Operation,
    pub kind: Kind,
    /// As it is to be stored. `None` if it is deleted.
    pub object: Option<Object>,
    /// As it is stored now. `None` if it is new.
    pub old_object: Option<Object>,
}

// === impl Request ===

impl From<wit::Request> for Request {
    fn from(wit::Request { operation, kind, object, old_object }: wit::Request) -> Self {
        Self { operation, kind, object: object.map(Into::into), old_object: old_object.map(Into::into) }
    }
}
