//! Requests over `wasi:http`, part by part and without the SDK's care. The query's JSON: `{"method", "scheme", "authority",
//! "path", "headers": [[name, value]], "body", "trailers": [[name, value]]}`.

use gpx_sdk::{Fault, Frame, Query, Result};
use serde::Deserialize;
use wasip2::http::outgoing_handler;
use wasip2::http::types::{Fields, Method, OutgoingBody, OutgoingRequest, Scheme};

use crate::report::Pairs;

#[derive(Deserialize)]
#[serde(default)]
struct Wanted {
    method: String,
    scheme: String,
    authority: Option<String>,
    path: Option<String>,
    headers: Vec<(String, String)>,
    body: Option<String>,
    trailers: Option<Vec<(String, String)>>,
}

impl Default for Wanted {
    fn default() -> Self {
        Self {
            method: "GET".to_owned(),
            scheme: "http".to_owned(),
            authority: None,
            path: None,
            headers: Vec::new(),
            body: None,
            trailers: None,
        }
    }
}

/// Sends the request and returns the response's status.
pub fn send(query: &Query) -> Result<Vec<Frame>> {
    let wanted: Wanted = query.json()?;
    let refused = |what: &str| Fault::plugin(format_args!("the host does not take the {what}"));
    let request = OutgoingRequest::new(fields(&wanted.headers)?);
    let method = match wanted.method.as_str() {
        "GET" => Method::Get,
        "POST" => Method::Post,
        "TRACE" => Method::Trace,
        "CONNECT" => Method::Connect,
        other => Method::Other(other.to_owned()),
    };
    request.set_method(&method).map_err(|()| refused("method"))?;
    let scheme = match wanted.scheme.as_str() {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        other => Scheme::Other(other.to_owned()),
    };
    request.set_scheme(Some(&scheme)).map_err(|()| refused("scheme"))?;
    request.set_authority(wanted.authority.as_deref()).map_err(|()| refused("authority"))?;
    request.set_path_with_query(wanted.path.as_deref()).map_err(|()| refused("path"))?;
    let body = wanted.body.as_ref().map(|_| request.body()).transpose().map_err(|()| refused("body"))?;
    let pending =
        outgoing_handler::handle(request, None).map_err(|code| Fault::plugin(format_args!("{code:?}")))?;
    if let (Some(body), Some(text)) = (body, &wanted.body) {
        write(body, text, wanted.trailers.as_deref())?;
    }
    pending.subscribe().block();
    let response = match pending.get() {
        Some(Ok(Ok(response))) => response,
        Some(Ok(Err(code))) => return Err(Fault::plugin(format_args!("{code:?}"))),
        Some(Err(())) | None => return Err(Fault::plugin("no answer")),
    };
    let mut pairs = Pairs::default();
    pairs.add("status", response.status());
    Ok(vec![pairs.frame("answer")])
}

fn fields(list: &[(String, String)]) -> Result<Fields> {
    let fields = Fields::new();
    for (name, value) in list {
        let appended = fields.append(name, value.as_bytes());
        appended.map_err(|error| {
            Fault::plugin(format_args!("the host does not take the header {name}: {error:?}"))
        })?;
    }
    Ok(fields)
}

fn write(body: OutgoingBody, text: &str, trailers: Option<&[(String, String)]>) -> Result<()> {
    let stream = body.write().map_err(|()| Fault::plugin("no stream"))?;
    if !text.is_empty() {
        let written = stream.blocking_write_and_flush(text.as_bytes());
        written.map_err(|error| Fault::plugin(format_args!("body: {error:?}")))?;
    }
    drop(stream);
    let trailers = trailers.map(fields).transpose()?;
    let finished = OutgoingBody::finish(body, trailers);
    finished.map_err(|error| Fault::plugin(format_args!("end of the body: {error:?}")))
}
