//! Requests over `wasi:http`, without the SDK's care.

use gpx_sdk::{Fault, Result};
use wasip2::http::outgoing_handler;
use wasip2::http::types::{Fields, FutureIncomingResponse, IncomingResponse, OutgoingRequest, Scheme};

/// Makes a GET request for a plain URL such as `http://127.0.0.1:80/path`.
pub(super) fn request(url: &str) -> Result<OutgoingRequest> {
    let rest = url.strip_prefix("http://").ok_or_else(|| Fault::bad_request("not an http:// URL"))?;
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let request = OutgoingRequest::new(Fields::new());
    let set = request.set_scheme(Some(&Scheme::Http)).and_then(|()| request.set_authority(Some(authority)));
    set.and_then(|()| request.set_path_with_query(Some(&format!("/{path}"))))
        .map_err(|()| Fault::bad_request("the host does not take the URL"))?;
    Ok(request)
}

pub(super) fn send(url: &str) -> Result<FutureIncomingResponse> {
    outgoing_handler::handle(request(url)?, None).map_err(|code| Fault::plugin(format_args!("{code:?}")))
}

/// Waits for the head of the response.
pub(super) fn answer(pending: &FutureIncomingResponse) -> Result<IncomingResponse> {
    pending.subscribe().block();
    match pending.get() {
        Some(Ok(Ok(response))) => Ok(response),
        Some(Ok(Err(code))) => Err(Fault::plugin(format_args!("{code:?}"))),
        Some(Err(())) | None => Err(Fault::plugin("no answer")),
    }
}
