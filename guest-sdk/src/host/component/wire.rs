//! One request and its response over `wasi:http`.

use std::time::Duration;

use http::header::CONTENT_LENGTH;
use http::uri::Scheme;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use wasip2::http::outgoing_handler;
use wasip2::http::types as wasi;
use wasip2::io::poll::{Pollable, poll};
use wasip2::io::streams::{InputStream, StreamError};

use super::clock;
use crate::http::Cause;
use crate::http::redirect::Parts;

/// The most that WASI's `blocking-write-and-flush` takes at once.
const WRITTEN_AT_ONCE: usize = 4096;

/// A request whose response has not arrived yet.
#[derive(Debug)]
pub(crate) struct Exchange(wasi::FutureIncomingResponse);

/// The head of a response, and its body.
pub(crate) struct Incoming {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Body,
}

/// The handles of a body. The host requires that the stream is dropped first, then the body, then the response, which is
/// the order of the fields.
pub(crate) struct Body {
    stream: InputStream,
    _body: wasi::IncomingBody,
    _response: wasi::IncomingResponse,
}

/// Sends the request, with that `traceparent` instead of its own if there is one.
pub(crate) fn send(parts: &Parts, traceparent: Option<String>) -> Result<Exchange, Cause> {
    let invalid = |what: &str| Cause::Invalid(format!("the host does not accept the request's {what}"));
    let fields = wasi::Fields::new();
    for (name, value) in &parts.headers {
        fields.append(name.as_str(), value.as_bytes()).map_err(|_| invalid(name.as_str()))?;
    }
    if let Some(traceparent) = traceparent {
        fields.set("traceparent", &[traceparent.into_bytes()]).map_err(|_| invalid("traceparent"))?;
    }
    if !parts.body.is_empty() {
        let length = parts.body.len().to_string();
        fields.set(CONTENT_LENGTH.as_str(), &[length.into_bytes()]).map_err(|_| invalid("content-length"))?;
    }
    let request = wasi::OutgoingRequest::new(fields);
    request.set_method(&method(&parts.method)).map_err(|()| invalid("method"))?;
    let scheme =
        if parts.url.scheme() == Some(&Scheme::HTTPS) { wasi::Scheme::Https } else { wasi::Scheme::Http };
    request.set_scheme(Some(&scheme)).map_err(|()| invalid("scheme"))?;
    request
        .set_authority(parts.url.authority().map(|authority| authority.as_str()))
        .map_err(|()| invalid("host"))?;
    let path = parts.url.path_and_query().map(|path| path.as_str());
    request.set_path_with_query(path).map_err(|()| invalid("path"))?;

    let body = (!parts.body.is_empty()).then(|| request.body()).transpose().map_err(|()| invalid("body"))?;
    let answer = outgoing_handler::handle(request, None)?;
    if let Some(body) = body {
        write(body, &parts.body);
    }
    Ok(Exchange(answer))
}

/// Waits until something is ready or the time is up.
fn wait(ready: &Pollable, deadline: Option<Duration>) -> Result<(), Cause> {
    let Some(deadline) = deadline else {
        ready.block();
        return Ok(());
    };
    let left = deadline.saturating_sub(clock::monotonic());
    let over = wasip2::clocks::monotonic_clock::subscribe_duration(
        u64::try_from(left.as_nanos()).unwrap_or(u64::MAX),
    );
    if poll(&[ready, &over]).contains(&0) { Ok(()) } else { Err(Cause::Timeout) }
}

/// The `http` crate accepts every header: the host has checked them with the same crate.
fn headers(fields: &wasi::Fields) -> HeaderMap {
    let pairs = fields.entries().into_iter();
    pairs.filter_map(|(name, value)| Some((name.parse().ok()?, HeaderValue::from_bytes(&value).ok()?))).fold(
        HeaderMap::new(),
        |mut headers, (name, value): (HeaderName, _)| {
            headers.append(name, value);
            headers
        },
    )
}

// === impl Exchange ===

impl Exchange {
    /// Waits for the head of the response.
    pub(crate) fn wait(&self, deadline: Option<Duration>) -> Result<Incoming, Cause> {
        wait(&self.0.subscribe(), deadline)?;
        match self.0.get() {
            Some(Ok(Ok(response))) => Incoming::new(response),
            Some(Ok(Err(code))) => Err(code.into()),
            Some(Err(())) | None => Err(Cause::Other("the host returned no response".to_owned())),
        }
    }
}

// === impl Incoming ===

impl Incoming {
    fn new(response: wasi::IncomingResponse) -> Result<Self, Cause> {
        let gone = |()| Cause::Other("the host returned a response without a body".to_owned());
        let (status, headers) = (response.status(), headers(&response.headers()));
        let body = response.consume().map_err(gone)?;
        let stream = body.stream().map_err(gone)?;
        Ok(Self { status, headers, body: Body { stream, _body: body, _response: response } })
    }
}

// === impl Body ===

impl Body {
    /// Returns the next piece of at most `size` bytes, or `None` at the end.
    pub(crate) fn piece(
        &mut self,
        size: usize,
        deadline: Option<Duration>,
    ) -> Result<Option<Vec<u8>>, Cause> {
        loop {
            if deadline.is_some() {
                wait(&self.stream.subscribe(), deadline)?;
            }
            match self.stream.blocking_read(size as u64) {
                Ok(piece) if piece.is_empty() => {}
                Ok(piece) => return Ok(Some(piece)),
                Err(StreamError::Closed) => return Ok(None),
                Err(StreamError::LastOperationFailed(err)) => {
                    return Err(match wasi::http_error_code(&err) {
                        Some(code) => match Cause::from(code) {
                            Cause::Reset => Cause::Incomplete,
                            cause => cause,
                        },
                        None => Cause::in_body(err.to_debug_string()),
                    });
                }
            }
        }
    }
}

/// If the upstream refuses the body, its response says why.
fn write(outgoing: wasi::OutgoingBody, body: &[u8]) {
    if let Ok(stream) = outgoing.write() {
        let mut pieces = body.chunks(WRITTEN_AT_ONCE);
        while let Some(piece) = pieces.next()
            && stream.blocking_write_and_flush(piece).is_ok()
        {}
    }
    let _ = wasi::OutgoingBody::finish(outgoing, None);
}

fn method(method: &Method) -> wasi::Method {
    match method.as_str() {
        "GET" => wasi::Method::Get,
        "HEAD" => wasi::Method::Head,
        "POST" => wasi::Method::Post,
        "PUT" => wasi::Method::Put,
        "DELETE" => wasi::Method::Delete,
        "CONNECT" => wasi::Method::Connect,
        "OPTIONS" => wasi::Method::Options,
        "TRACE" => wasi::Method::Trace,
        "PATCH" => wasi::Method::Patch,
        other => wasi::Method::Other(other.to_owned()),
    }
}
