//! Resource calls and the chunks of their answers.

use std::collections::HashMap;

use bytes::Bytes;

use crate::call::CallContext;
use crate::capability;
use crate::capability::response::{Piece, ResponseHead};
use crate::plugin::{CallError, ResourceRequest};
use crate::proto::pluginv2::{CallResourceRequest, CallResourceResponse, StringList};

/// Returns the headers of a resource call, one pair for each value.
pub(crate) fn header_list_pairs(
    headers: HashMap<String, StringList>,
) -> impl Iterator<Item = (String, String)> {
    headers
        .into_iter()
        .flat_map(|(name, list)| list.values.into_iter().map(move |value| (name.clone(), value)))
}

/// Converts a request without its headers, which are part of the call.
pub(crate) fn resource_request(request: CallResourceRequest, context: &CallContext) -> ResourceRequest {
    let CallResourceRequest { plugin_context: _, path, method, url, headers: _, body } = request;
    let headers = capability::headers(&context.headers);
    ResourceRequest { path, method, url, headers, body }
}

/// Converts a chunk of an answer.
pub(crate) fn piece(piece: Piece) -> CallResourceResponse {
    let Piece { head, body } = piece;
    let Some(head) = head else { return CallResourceResponse { body, ..Default::default() } };
    let headers = head.headers.into_iter().map(|(name, values)| (name, StringList { values })).collect();
    CallResourceResponse { code: head.status.into(), headers, body }
}

/// Makes an answer that is a single chunk, without headers.
pub(crate) fn whole(status: u16, body: Bytes) -> CallResourceResponse {
    piece(Piece { head: Some(ResponseHead { status, headers: HashMap::new() }), body })
}

/// Makes the answer to a call that failed before its first chunk.
pub(crate) fn failure(error: &CallError) -> CallResourceResponse {
    let body = serde_json::json!({ "message": error.to_string() });
    let headers = HashMap::from([("Content-Type".to_owned(), vec!["application/json".to_owned()])]);
    piece(Piece {
        head: Some(ResponseHead { status: error.status(), headers }),
        body: body.to_string().into(),
    })
}

#[cfg(test)]
mod tests {
    use prost::Message as _;

    use super::*;

    #[test]
    fn a_body_is_handed_on_where_it_arrived() {
        let sent = CallResourceRequest { body: vec![1; 1000].into(), ..Default::default() };
        let received = Bytes::from(sent.encode_to_vec());
        let request = CallResourceRequest::decode(received.clone()).unwrap();
        let body = resource_request(request, &CallContext::default()).body;
        assert!(received.as_ptr_range().contains(&body.as_ptr()) && body == sent.body);
    }
}
