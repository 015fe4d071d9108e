//! An OTLP/gRPC receiver: it stands in for the collector that Grafana sends its traces to.

use std::future::Future;

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};

use crate::trace::Span;

/// Hands on the spans of each request, and answers it after that.
struct Receiver<F>(F);

/// Receives spans until the future is dropped.
pub async fn receive<F, T>(listener: TcpListener, take: F) -> Result<(), tonic::transport::Error>
where
    F: Fn(Vec<Span>) -> T + Send + Sync + 'static,
    T: Future<Output = ()> + Send + 'static,
{
    // A batch of spans can be larger than tonic's own limit of 4 MiB.
    let service = TraceServiceServer::new(Receiver(take)).max_decoding_message_size(usize::MAX);
    let incoming = TcpListenerStream::new(listener);
    tonic::transport::Server::builder().add_service(service).serve_with_incoming(incoming).await
}

// === impl Receiver ===

#[tonic::async_trait]
impl<F, T> TraceService for Receiver<F>
where
    F: Fn(Vec<Span>) -> T + Send + Sync + 'static,
    T: Future<Output = ()> + Send + 'static,
{
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        (self.0)(Span::all_of(request.into_inner())).await;
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}
