//! The bodies of requests that the client makes for itself, to get credentials: short both ways.

use bytes::Bytes;
use http::Response;
use http_body_util::{BodyExt as _, Full, Limited};
use wasmtime_wasi_http::WasiBody;

use super::body::Streamed;
use crate::egress::error::RequestError;

/// The longest answer, in bytes. Credentials take two or three thousand.
const MAX_ANSWER: usize = 64 << 10;

pub(super) fn body(bytes: Bytes) -> WasiBody {
    Full::from(bytes).map_err(|never| match never {}).boxed_unsync()
}

/// Reads an answer to its end.
pub(super) async fn read(
    response: Response<Streamed>,
    authority: String,
) -> Result<Response<Bytes>, RequestError> {
    let (head, body) = response.into_parts();
    let body = Limited::new(body, MAX_ANSWER).collect().await;
    let body = body.map_err(|error| match error.downcast::<RequestError>() {
        Ok(error) => *error,
        Err(_) => RequestError::DecodedTooLarge { authority, limit: MAX_ANSWER as u64 },
    })?;
    Ok(Response::from_parts(head, body.to_bytes()))
}
