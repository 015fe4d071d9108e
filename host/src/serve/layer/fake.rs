//! A handler that does what a test says.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{BufMut as _, Bytes, BytesMut};
use http::{Request, Response};
use http_body::Frame;
use http_body_util::StreamBody;
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tonic::Status;
use tonic::body::Body;
use tower_service::Service;

use super::response::{BoxFuture, trailers};

type Reply = BoxFuture<Response<Body>, Infallible>;

#[derive(Clone)]
pub(super) struct Fake(Arc<dyn Fn(Request<Body>) -> Reply + Send + Sync>);

/// Returns a reply with these messages, and then the status as trailers.
pub(super) fn reply(messages: &[&[u8]], status: &Status) -> Response<Body> {
    let mut frames: Vec<_> = messages.iter().map(|message| Ok(Frame::data(framed(message)))).collect();
    frames.push(Ok::<_, Status>(trailers(status)));
    Response::new(Body::new(StreamBody::new(tokio_stream::iter(frames))))
}

/// Returns a message with gRPC's prefix.
pub(super) fn framed(message: &[u8]) -> Bytes {
    let mut bytes = BytesMut::new();
    bytes.put_u8(0);
    bytes.put_u32(message.len() as u32);
    bytes.put_slice(message);
    bytes.freeze()
}

/// Connects, in memory, to a tonic server with only this service.
pub(super) async fn connect<S, B>(service: S) -> SendRequest<Body>
where
    S: Service<Request<Body>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<tonic::codegen::StdError> + Send,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<tonic::codegen::StdError>,
{
    let (client, server) = tokio::io::duplex(1 << 16);
    let incoming = tokio_stream::once(Ok::<_, std::io::Error>(server));
    tokio::spawn(tonic::transport::Server::builder().serve_with_incoming(service, incoming));
    let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(client)).await.unwrap();
    tokio::spawn(connection);
    sender
}

// === impl Fake ===

impl Fake {
    pub(super) fn new(handler: impl Fn(Request<Body>) -> Reply + Send + Sync + 'static) -> Self {
        Self(Arc::new(handler))
    }
}

impl Service<Request<Body>> for Fake {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Reply;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Reply {
        (self.0)(request)
    }
}
