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

type BoxError = Box<dyn std::error::Error + Send + Sync>;

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
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, mut request: http::Request<Body>) -> Self::Future {
        // HTTP/2 requires a scheme and an authority; a socket has neither.
        let mut parts = std::mem::take(request.uri_mut()).into_parts();
        parts.scheme = Some(Scheme::HTTP);
        parts.authority = Some(Authority::from_static("plugin"));
        let uri = http::Uri::from_parts(parts);
        let mut sender = self.0.clone();
        Box::pin(async move {
            *request.uri_mut() = uri?;
            Ok(sender.send_request(request).await?)
        })
    }
}
