//! OTLP over gRPC. The request comes encoded, and goes as it is.

use bytes::{Buf as _, BufMut as _, Bytes};
use http::uri::PathAndQuery;
use http::{HeaderName, HeaderValue};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message as _;
use tonic::client::Grpc;
use tonic::codec::{Codec, CompressionEncoding, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::metadata::MetadataMap;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};

use super::answer::{MAX_ANSWER, USER_AGENT, Unanswered};
use super::failure::Failure;
use crate::telemetry::config::Destination;
use crate::telemetry::connect::{Connector, chain};

pub(super) const ALPN: &[u8] = b"h2";

const METHOD: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

/// All clones use one connection.
#[derive(Clone)]
pub(super) struct GrpcTransport {
    grpc: Grpc<Channel>,
    metadata: MetadataMap,
}

// === impl GrpcTransport ===

impl GrpcTransport {
    /// Connects when it is first used.
    pub(super) fn new(destination: &Destination, connector: Connector) -> Self {
        let endpoint = Endpoint::from(destination.endpoint.value.clone());
        let endpoint = endpoint.clone().user_agent(USER_AGENT).unwrap_or(endpoint);
        let mut grpc = Grpc::new(endpoint.connect_with_connector_lazy(connector))
            .max_encoding_message_size(usize::MAX)
            .max_decoding_message_size(MAX_ANSWER);
        if destination.compression.is_some() {
            grpc = grpc.send_compressed(CompressionEncoding::Gzip);
        }
        Self { grpc, metadata: metadata(&destination.headers) }
    }

    pub(super) async fn send(&mut self, body: &Bytes) -> Result<ExportTraceServiceResponse, Unanswered> {
        self.grpc.ready().await.map_err(|error| Unanswered::OnTheWay(chain(&error)))?;
        let mut request = Request::new(body.clone());
        *request.metadata_mut() = self.metadata.clone();
        let answer = self.grpc.unary(request, PathAndQuery::from_static(METHOD), EncodedCodec).await;
        answer.map(tonic::Response::into_inner).map_err(|status| unanswered(&status))
    }
}

/// A status is either the collector's, or tonic's for a connection that failed.
fn unanswered(status: &Status) -> Unanswered {
    use std::error::Error as _;
    let codes = [Code::Unknown, Code::Internal, Code::Unavailable, Code::Cancelled, Code::ResourceExhausted];
    let words = ["h2 protocol error", "transport error", "error trying to connect", "operation was canceled"];
    let own = |message: &str| words.iter().any(|word| message.starts_with(word));
    if status.source().is_some() || (codes.contains(&status.code()) && own(status.message())) {
        return Unanswered::OnTheWay(chain(status));
    }
    Unanswered::ByCollector(Failure::of_status(status))
}

fn metadata(headers: &[(HeaderName, HeaderValue)]) -> MetadataMap {
    MetadataMap::from_headers(headers.iter().cloned().collect())
}

/// Takes a request that is encoded already.
#[derive(Clone, Copy)]
struct EncodedCodec;

// === impl EncodedCodec ===

impl Codec for EncodedCodec {
    type Encode = Bytes;
    type Decode = ExportTraceServiceResponse;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for EncodedCodec {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, request: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(request);
        Ok(())
    }
}

impl Decoder for EncodedCodec {
    type Item = ExportTraceServiceResponse;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Self::Item>, Status> {
        let answer = buffer.copy_to_bytes(buffer.remaining());
        let answer = ExportTraceServiceResponse::decode(answer);
        answer.map(Some).map_err(|error| Status::internal(format!("the answer is not OTLP: {error}")))
    }
}
