//! Answers an oversized request with `ResourceExhausted`, as grpc-go does. Grafana has a message for that code only,
//! but tonic answers `OutOfRange`.

use std::task::{Context, Poll};

use futures_util::TryFutureExt as _;
use futures_util::future::MapOk;
use http::{HeaderMap, Response};
use tonic::{Code, Status};
use tower_layer::Layer;
use tower_service::Service;

use crate::budget::MAX_REQUEST;

/// How the message of tonic's refusal begins.
const TONIC: &str = "Error, decoded message length too large";

/// The layer, and the service once it wraps one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestSize;

#[derive(Clone, Debug)]
pub(crate) struct RequestSizeService<S> {
    inner: S,
}

// === impl RequestSize ===

impl<S> Layer<S> for RequestSize {
    type Service = RequestSizeService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        RequestSizeService { inner }
    }
}

// === impl RequestSizeService ===

impl<S, R, B> Service<R> for RequestSizeService<S>
where
    S: Service<R, Response = Response<B>>,
{
    type Response = Response<B>;
    type Error = S::Error;
    type Future = MapOk<S::Future, fn(Response<B>) -> Response<B>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> Self::Future {
        self.inner.call(request).map_ok(|mut response| {
            correct(response.headers_mut());
            response
        })
    }
}

/// A unary request is read before its handler runs, so the refusal is the whole reply, with the status among its
/// headers.
fn correct(headers: &mut HeaderMap) {
    let Some(status) = Status::from_header_map(headers) else { return };
    if status.code() != Code::OutOfRange || !status.message().starts_with(TONIC) {
        return;
    }
    let limit = MAX_REQUEST / (1024 * 1024);
    let status = Status::resource_exhausted(format!(
        "the request is larger than the {limit} MiB that a plugin accepts; ask for less at once"
    ));
    // Fails only if the message is not a valid header value, but it is.
    let _ = status.add_header(headers);
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use http::Request;
    use http_body_util::Full;

    use crate::proto::pluginv2::diagnostics_server::{Diagnostics, DiagnosticsServer};
    use crate::proto::pluginv2::{
        CheckHealthRequest, CheckHealthResponse, CollectMetricsRequest, CollectMetricsResponse,
    };

    struct OutOfRange;

    #[tonic::async_trait]
    impl Diagnostics for OutOfRange {
        async fn check_health(
            &self,
            _: tonic::Request<CheckHealthRequest>,
        ) -> Result<tonic::Response<CheckHealthResponse>, Status> {
            Err(Status::out_of_range("the handler's own"))
        }

        async fn collect_metrics(
            &self,
            _: tonic::Request<CollectMetricsRequest>,
        ) -> Result<tonic::Response<CollectMetricsResponse>, Status> {
            Ok(tonic::Response::new(CollectMetricsResponse::default()))
        }
    }

    /// Calls the layer, with tonic behind it, with only the prefix of a message of `length` bytes.
    async fn call(method: &str, length: usize) -> Status {
        let server = DiagnosticsServer::new(OutOfRange).max_decoding_message_size(MAX_REQUEST);
        let mut head = vec![0];
        head.extend(u32::try_from(length).unwrap().to_be_bytes());
        let request = Request::post(format!("/pluginv2.Diagnostics/{method}"))
            .header("content-type", "application/grpc")
            .body(Full::new(Bytes::from(head)))
            .unwrap();
        let response = RequestSize.layer(server).call(request).await.unwrap();
        Status::from_header_map(response.headers()).unwrap_or_else(|| Status::ok(""))
    }

    #[tokio::test]
    async fn an_oversized_request_exhausts_a_resource() {
        let status = call("CollectMetrics", MAX_REQUEST + 1).await;
        assert_eq!(status.code(), Code::ResourceExhausted);
        assert!(status.message().contains("16 MiB"), "{status}");
    }

    #[tokio::test]
    async fn other_replies_pass_unchanged() {
        assert_eq!(call("CollectMetrics", 0).await.code(), Code::Ok);
        let status = call("CheckHealth", 0).await;
        assert_eq!((status.code(), status.message()), (Code::OutOfRange, "the handler's own"));
        // The length is within the limit, although the rest never comes.
        assert_ne!(call("CollectMetrics", MAX_REQUEST).await.code(), Code::ResourceExhausted);
    }
}
