//! One request and its response over `wasi:http`.

use std::time::Instant;

use http::header::CONTENT_LENGTH;
use http::uri::Scheme;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use wasip2::http::outgoing_handler;
use wasip2::http::types as wasi;
use wasip2::io::poll::{Pollable, poll};

use super::error::{Cause, Error};
use super::redirect::Parts;

/// The most that WASI's `blocking-write-and-flush` takes at once.
const WRITTEN_AT_ONCE: usize = 4096;

/// A request whose response has not arrived yet.
#[derive(Debug)]
pub(super) struct Exchange(wasi::FutureIncomingResponse);

pub(super) fn send(parts: &Parts) -> Result<Exchange, Error> {
    let error = |cause| Error::new(&parts.name(), cause);
    let invalid =
        |what: &str| error(Cause::Invalid(format!("the host does not accept the request's {what}")));
    let fields = wasi::Fields::new();
    for (name, value) in &parts.headers {
        fields.append(name.as_str(), value.as_bytes()).map_err(|_| invalid(name.as_str()))?;
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
    let answer = outgoing_handler::handle(request, None).map_err(|code| error(code.into()))?;
    if let Some(body) = body {
        write(body, &parts.body);
    }
    Ok(Exchange(answer))
}

/// Waits until something is ready or the time is up.
pub(super) fn wait(ready: &Pollable, deadline: Option<Instant>) -> Result<(), Cause> {
    let Some(deadline) = deadline else {
        ready.block();
        return Ok(());
    };
    let left = deadline.saturating_duration_since(Instant::now());
    let over = wasip2::clocks::monotonic_clock::subscribe_duration(
        u64::try_from(left.as_nanos()).unwrap_or(u64::MAX),
    );
    if poll(&[ready, &over]).contains(&0) { Ok(()) } else { Err(Cause::Timeout) }
}

/// The `http` crate accepts every header: the host has checked them with the same crate.
pub(super) fn headers(fields: &wasi::Fields) -> HeaderMap {
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
    pub(super) fn wait(&self, deadline: Option<Instant>) -> Result<wasi::IncomingResponse, Cause> {
        wait(&self.0.subscribe(), deadline)?;
        match self.0.get() {
            Some(Ok(Ok(response))) => Ok(response),
            Some(Ok(Err(code))) => Err(code.into()),
            Some(Err(())) | None => Err(Cause::Other("the host returned no response".to_owned())),
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
