//! Resource calls and the pieces of their answers.

use std::collections::HashMap;

use super::is_identity;
use crate::bindings::exports::gpx::plugin::resource::Request;
use crate::bindings::gpx::plugin::types::Header;
use crate::capability::response::Piece;
use crate::proto::pluginv2::{CallResourceRequest, CallResourceResponse, StringList};

/// The headers of a resource call, one pair for each value.
pub fn resource_headers(headers: &HashMap<String, StringList>) -> Vec<(String, String)> {
    let pairs =
        headers.iter().flat_map(|(name, list)| list.values.iter().map(|value| (name.clone(), value.clone())));
    let mut pairs: Vec<_> = pairs.collect();
    pairs.sort_unstable();
    pairs
}

pub fn resource_request(request: CallResourceRequest) -> Request {
    let headers = resource_headers(&request.headers);
    let CallResourceRequest { plugin_context: _, path, method, url, headers: _, body } = request;
    let headers = headers.into_iter().filter(|(name, _)| !is_identity(name));
    let headers = headers.map(|(name, value)| Header { name, value }).collect();
    Request { path, method, url, headers, body: body.into() }
}

pub fn piece(piece: Piece) -> CallResourceResponse {
    let Piece { head, body } = piece;
    let Some(head) = head else { return CallResourceResponse { body, ..Default::default() } };
    let headers = head.headers.into_iter().map(|(name, values)| (name, StringList { values })).collect();
    CallResourceResponse { code: head.status.into(), headers, body }
}
