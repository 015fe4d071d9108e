//! Resource calls: HTTP-shaped requests that the plugin's frontend makes to its backend.

mod error;
mod query;
mod request;
mod router;

use http::StatusCode;
use serde::Serialize;

use crate::host::response as wit;
use crate::{Fault, Header, Result};

pub use self::error::SendError;
pub use self::request::Request;
pub use self::router::{Handler, Router};

/// Takes the answer to a resource call, piece by piece.
#[derive(Debug)]
pub struct ResponseSender(wit::ResponseSender);

/// How much the host takes at once, in bytes; the contract allows a little more.
const MAX_PIECE: usize = 1 << 20;

// === impl ResponseSender ===

impl ResponseSender {
    /// Sets the status and the headers. Call it at most once, before the first `send`. Without it the status is 200 and
    /// there are no headers.
    pub fn start(&mut self, status: StatusCode, headers: &[(&str, &str)]) -> Result<(), SendError> {
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| Header { name: (*name).to_owned(), value: (*value).to_owned() })
            .collect();
        Ok(self.0.start(status.as_u16(), &headers)?)
    }

    /// Sends a piece of the body. Blocks while the caller is slower than the plugin.
    /// A large piece is passed on in parts.
    pub fn send(&mut self, body: impl AsRef<[u8]>) -> Result<(), SendError> {
        let body = body.as_ref();
        if body.len() <= MAX_PIECE {
            return Ok(self.0.send(body)?);
        }
        body.chunks(MAX_PIECE).try_for_each(|piece| Ok(self.0.send(piece)?))
    }

    /// Answers with JSON, status 200.
    pub fn json(&mut self, body: &impl Serialize) -> Result<()> {
        let body =
            serde_json::to_vec(body).map_err(|_| Fault::plugin("the answer cannot be written as JSON"))?;
        self.start(StatusCode::OK, &[("Content-Type", "application/json")])?;
        Ok(self.send(body)?)
    }
}

impl From<wit::ResponseSender> for ResponseSender {
    fn from(sender: wit::ResponseSender) -> Self {
        Self(sender)
    }
}
