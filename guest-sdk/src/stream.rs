//! Streams of Grafana Live: see [`Stream`](crate::Stream).

mod error;
mod packet;
mod reply;

use serde::de::DeserializeOwned;

use crate::bindings::stream::exports::gpx::plugin::stream as wit;
use crate::{Fault, Result, json};

pub use self::error::PacketError;
pub use self::packet::{Include, PacketSender};
pub use self::reply::Reply;

/// A channel to which a frontend subscribes or publishes.
#[derive(Clone, Debug)]
pub struct Request {
    /// The last part of the channel: `<path>` of `ds/<uid of the data source>/<path>`.
    pub path: String,
    /// What the frontend sends along, JSON as a rule. Can be empty.
    pub data: Vec<u8>,
}

// === impl Request ===

impl Request {
    /// Reads what the frontend sends along as a type of your own. What does not fit is answered with status 400.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        json::from_slice(&self.data)
            .map_err(|error| Fault::bad_request(format_args!("the data of stream `{}`: {error}", self.path)))
    }
}

/// A channel without anything that the frontend sends along.
impl From<&str> for Request {
    fn from(path: &str) -> Self {
        Self { path: path.to_owned(), data: Vec::new() }
    }
}

impl From<wit::Request> for Request {
    fn from(wit::Request { path, data }: wit::Request) -> Self {
        Self { path, data }
    }
}
