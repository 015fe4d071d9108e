//! Receivers of OTLP whose answers a test prepares.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ::http::HeaderMap;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tonic::codec::CompressionEncoding;
use tonic::{Request, Response, Status};

/// A receiver by gRPC.
pub(super) struct Collector {
    pub address: SocketAddr,
    /// What has arrived, with the headers.
    pub requests: mpsc::UnboundedReceiver<(HeaderMap, ExportTraceServiceRequest)>,
    /// Used one after the other. Without any, the answer is success.
    pub answers: mpsc::UnboundedSender<Result<ExportTraceServiceResponse, Status>>,
}

struct Receiver {
    time: Duration,
    requests: mpsc::UnboundedSender<(HeaderMap, ExportTraceServiceRequest)>,
    answers: tokio::sync::Mutex<mpsc::UnboundedReceiver<Result<ExportTraceServiceResponse, Status>>>,
}

/// A receiver by HTTP.
pub(super) struct HttpCollector {
    pub address: SocketAddr,
    /// Head, body, and the number of the connection.
    pub requests: mpsc::UnboundedReceiver<(String, Vec<u8>, usize)>,
    /// Whole answers. Without any, the answer is success.
    pub answers: mpsc::UnboundedSender<String>,
}

// === impl Collector ===

impl Collector {
    pub(super) async fn start() -> Self {
        Self::accepting(4 << 20).await
    }

    /// Returns a collector whose limit for a message is that many bytes.
    pub(super) async fn accepting(limit: usize) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").await.unwrap(), limit)
    }

    /// Returns a collector that answers after that time.
    pub(super) async fn slow(time: Duration) -> Self {
        Self::serve(TcpListener::bind("127.0.0.1:0").await.unwrap(), 4 << 20, time)
    }

    pub(super) fn on(listener: TcpListener, limit: usize) -> Self {
        Self::serve(listener, limit, Duration::ZERO)
    }

    fn serve(listener: TcpListener, limit: usize, time: Duration) -> Self {
        let address = listener.local_addr().unwrap();
        let (requests, received) = mpsc::unbounded_channel();
        let (answers, prepared) = mpsc::unbounded_channel();
        let receiver = Receiver { requests, answers: tokio::sync::Mutex::new(prepared), time };
        let incoming = tokio_stream::wrappers::TcpListenerStream::new(listener);
        let service = TraceServiceServer::new(receiver)
            .max_decoding_message_size(limit)
            .accept_compressed(CompressionEncoding::Gzip);
        tokio::spawn(tonic::transport::Server::builder().serve_with_incoming(service, incoming));
        Self { address, requests: received, answers }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the names of the spans that have arrived, and in how many messages.
    pub(super) fn arrived(&mut self) -> (Vec<String>, usize) {
        let (mut names, mut messages) = (Vec::new(), 0);
        while let Ok((_, request)) = self.requests.try_recv() {
            messages += 1;
            names.extend(super::names(request));
        }
        (names, messages)
    }
}

#[tonic::async_trait]
impl TraceService for Receiver {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let (metadata, _, request) = request.into_parts();
        let _ = self.requests.send((metadata.into_headers(), request));
        if !self.time.is_zero() {
            tokio::time::sleep(self.time).await;
        }
        let prepared = self.answers.lock().await.try_recv();
        prepared.unwrap_or_else(|_| Ok(ExportTraceServiceResponse::default())).map(Response::new)
    }
}

/// An answer that rejects so many spans.
pub(super) fn partial(rejected_spans: i64, error_message: &str) -> ExportTraceServiceResponse {
    let partial = ExportTracePartialSuccess { rejected_spans, error_message: error_message.to_owned() };
    ExportTraceServiceResponse { partial_success: Some(partial) }
}

// === impl HttpCollector ===

impl HttpCollector {
    pub(super) async fn start() -> Self {
        Self::accepting(usize::MAX).await
    }

    /// Returns a collector that refuses a body of more bytes.
    pub(super) async fn accepting(limit: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (requests, received) = mpsc::unbounded_channel();
        let (answers, prepared) = mpsc::unbounded_channel();
        let prepared = Arc::new(tokio::sync::Mutex::new(prepared));
        tokio::spawn(async move {
            for number in 0.. {
                let (stream, _) = listener.accept().await.unwrap();
                let (requests, prepared) = (requests.clone(), Arc::clone(&prepared));
                tokio::spawn(async move { Self::serve(stream, number, limit, requests, prepared).await });
            }
        });
        Self { address, requests: received, answers }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/v1/traces", self.address)
    }

    async fn serve(
        stream: TcpStream,
        number: usize,
        limit: usize,
        requests: mpsc::UnboundedSender<(String, Vec<u8>, usize)>,
        prepared: Arc<tokio::sync::Mutex<mpsc::UnboundedReceiver<String>>>,
    ) -> Option<()> {
        let mut stream = BufReader::new(stream);
        loop {
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                (stream.read_line(&mut head).await.ok()? > 0).then_some(())?;
            }
            let length = head.to_lowercase();
            let length =
                length.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok())?;
            let mut body = vec![0; length];
            stream.read_exact(&mut body).await.ok()?;
            if length > limit {
                stream
                    .write_all(b"HTTP/1.1 413 Payload Too Large\r\nContent-Length: 0\r\n\r\n")
                    .await
                    .ok()?;
                continue;
            }
            let _ = requests.send((head, body, number));
            let answer = prepared.lock().await.try_recv();
            let answer = answer.unwrap_or_else(|_| "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_owned());
            stream.write_all(answer.as_bytes()).await.ok()?;
            answer.to_lowercase().contains("content-length").then_some(())?;
        }
    }
}
