//! What the layers share: a response that is still being made, and the end of one.

use std::pin::Pin;

use bytes::Bytes;
use http::HeaderMap;
use http_body::Frame;
use tonic::Status;

/// A response in the making.
pub(super) type BoxFuture<T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send>>;

/// The end of a reply that has begun.
pub(super) fn trailers(status: &Status) -> Frame<Bytes> {
    let mut trailers = HeaderMap::new();
    if status.add_header(&mut trailers).is_err() {
        // The message cannot be a header value, so only the code is sent.
        trailers.insert(Status::GRPC_STATUS, http::HeaderValue::from(status.code() as i32));
    }
    Frame::trailers(trailers)
}
