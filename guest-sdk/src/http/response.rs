//! A response, whose body is read as it arrives.

use std::fmt;
use std::io::Read;
use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode, Uri};
use serde::de::DeserializeOwned;

use super::error::{Cause, Error};
use super::{excerpt, redirect};
use crate::host::wire::{self, Incoming};
use crate::json;

/// How much is read at once: the most that the host hands over in one piece.
const PIECE: usize = 64 * 1024;

/// A redirect's body up to this size is read, so that its connection can be reused.
const DRAINED: u64 = 2 * 1024;

/// The response to a request. Its body is read as it arrives, through [`Read`] or by a method that reads all of it.
pub struct Response {
    request: String,
    url: Uri,
    status: StatusCode,
    headers: HeaderMap,
    body: Body,
}

struct Body {
    wire: wire::Body,
    deadline: Option<Duration>,
    request: String,
}

// === impl Response ===

impl Response {
    pub(super) fn new(
        request: String,
        url: Uri,
        Incoming { status, headers, body }: Incoming,
        deadline: Option<Duration>,
    ) -> Result<Self, Error> {
        let status = StatusCode::from_u16(status).map_err(|_| {
            Error::new(&request, Cause::Other("the host returned a response without a status".to_owned()))
        })?;
        let body = Body { wire: body, deadline, request: request.clone() };
        Ok(Self { request, url, status, headers, body })
    }

    pub fn status(&self) -> StatusCode {
        self.status
    }

    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    fn content_type(&self) -> Option<&str> {
        self.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok())
    }

    /// Where the response came from, after all redirects.
    pub fn url(&self) -> &Uri {
        &self.url
    }

    /// Turns any status other than 200 to 299 into an error, which shows how the body begins.
    pub fn error_for_status(mut self) -> Result<Self, Error> {
        if self.status.is_success() {
            return Ok(self);
        }
        let (start, whole) = self.body.start(Vec::new());
        let body = excerpt::describe(self.content_type(), &start, whole);
        Err(Error::new(&self.request, Cause::Status(self.status, body)))
    }

    /// Reads the body as JSON while it arrives: its whole text is never in memory.
    ///
    /// Any status other than 200 to 299 is an error, as with [`Response::error_for_status`].
    /// [`Response::json_of_any_status`] reads the JSON of such an answer.
    pub fn json<T: DeserializeOwned>(self) -> Result<T, Error> {
        self.error_for_status()?.json_of_any_status()
    }

    /// Reads the body as JSON, whatever the status: for upstreams that explain an error in JSON.
    ///
    /// ```no_run
    /// # use gpx_sdk::{Fault, Result, http};
    /// #[derive(serde::Deserialize)]
    /// struct Refusal {
    ///     message: String,
    /// }
    ///
    /// # fn points(url: &str) -> Result<Vec<f64>> {
    /// let response = http::get(url).send()?;
    /// let status = response.status();
    /// if status.is_client_error() {
    ///     let refusal: Refusal = response.json_of_any_status()?;
    ///     return Err(Fault::downstream(status.as_u16(), refusal.message));
    /// }
    /// # Ok(response.json()?) }
    /// ```
    pub fn json_of_any_status<T: DeserializeOwned>(mut self) -> Result<T, Error> {
        let is_json = self.content_type().is_some_and(|kind| kind.to_ascii_lowercase().contains("json"));
        let mut start = Vec::new();
        let read = json::from_pieces(&mut || {
            let piece = self.body.piece(PIECE)?;
            if !is_json && start.len() <= excerpt::SHOWN {
                start.extend(piece.iter().flatten().take(excerpt::SHOWN + 1));
            }
            Ok(piece)
        });
        read.map_err(|error| match error {
            json::Error::Piece(cause) => Error::new(&self.request, cause),
            // What calls itself JSON is data, which may be private.
            json::Error::Json(what) if is_json => Error::new(&self.request, Cause::Decode(what)),
            json::Error::Json(what) => {
                let (start, whole) = self.body.start(start);
                let body = excerpt::describe(self.content_type(), &start, whole);
                Error::new(&self.request, Cause::Decode(format!("{what} ({}, {body})", self.status)))
            }
        })
    }

    pub fn bytes(mut self) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        while let Some(piece) = self.body.piece(PIECE).map_err(|cause| Error::new(&self.request, cause))? {
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes)
    }

    /// Reads the body as text. Whatever is not UTF-8 becomes U+FFFD.
    pub fn text(self) -> Result<String, Error> {
        let bytes = self.bytes()?;
        Ok(String::from_utf8(bytes)
            .unwrap_or_else(|err| String::from_utf8_lossy(err.as_bytes()).into_owned()))
    }

    /// Reads the rest of the body if it is short, and drops it if it is long.
    pub(super) fn drain(mut self) {
        let mut read = 0;
        while read <= DRAINED
            && let Ok(Some(piece)) = self.body.piece(PIECE)
        {
            read += piece.len() as u64;
        }
    }
}

impl Read for Response {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.body.read(buffer)
    }
}

/// Without values, which may be private.
impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("request", &self.request)
            .field("status", &self.status)
            .field("headers", &redirect::names(&self.headers))
            .finish_non_exhaustive()
    }
}

// === impl Body ===

impl Body {
    /// Reads on until `start` is enough for an error, or everything there is. Returns whether it is everything.
    fn start(&mut self, mut start: Vec<u8>) -> (Vec<u8>, bool) {
        while start.len() <= excerpt::SHOWN {
            match self.piece(excerpt::SHOWN) {
                Ok(Some(piece)) => start.extend_from_slice(&piece),
                Ok(None) => return (start, true),
                // There is an error already, which matters more.
                Err(_) => break,
            }
        }
        (start, false)
    }

    /// Returns the next piece of at most `size` bytes, or `None` at the end.
    fn piece(&mut self, size: usize) -> Result<Option<Vec<u8>>, Cause> {
        self.wire.piece(size, self.deadline)
    }
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let piece = self
            .piece(buffer.len())
            .map_err(|cause| std::io::Error::other(Error::new(&self.request, cause)))?;
        match piece {
            None => Ok(0),
            Some(piece) => (&*piece).read(buffer),
        }
    }
}
