//! The connection to a plugin: plain HTTP/2 that never ends a call on its own. tonic's own channel enforces a call's
//! deadline too, so with it a plugin that ignores the deadline would go unnoticed.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::uri::{Authority, Scheme};
use hyper::body::Incoming;
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};
use tonic::body::Body;

/// Cheap to clone. The connection is closed when the last clone is gone.
#[derive(Clone)]
pub struct Channel(SendRequest<Body>);

// === impl Channel ===

impl Channel {
    pub async fn over(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> hyper::Result<Self> {
        let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
        // If the connection fails, the calls on it return the error.
        tokio::spawn(async move { drop(connection.await) });
        Ok(Self(sender))
    }
}

impl tower_service::Service<http::Request<Body>> for Channel {
    type Response = http::Response<Incoming>;
    type Error = hyper::Error;
    type Future = Pin<Box<dyn Future<Output = hyper::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<hyper::Result<()>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, mut request: http::Request<Body>) -> Self::Future {
        // HTTP/2 requires a scheme and an authority; a socket has neither.
        let mut parts = std::mem::take(request.uri_mut()).into_parts();
        parts.scheme = Some(Scheme::HTTP);
        parts.authority = Some(Authority::from_static("plugin"));
        *request.uri_mut() = http::Uri::from_parts(parts).expect("a path, a scheme and an authority");
        Box::pin(self.0.send_request(request))
    }
}
