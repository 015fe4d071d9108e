//! Sends a request that is kept for another attempt, without copying it.

use std::sync::Arc;

use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message as _;
use tonic::Status;
use tonic::codec::{BufferSettings, Codec, EncodeBuf, Encoder};
use tonic_prost::ProstDecoder;

#[derive(Default)]
pub(super) struct SharedCodec;

// === impl SharedCodec ===

impl Codec for SharedCodec {
    type Encode = Arc<ExportTraceServiceRequest>;
    type Decode = ExportTraceServiceResponse;
    type Encoder = Self;
    type Decoder = ProstDecoder<ExportTraceServiceResponse>;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self::Decoder {
        ProstDecoder::new(BufferSettings::default())
    }
}

impl Encoder for SharedCodec {
    type Item = Arc<ExportTraceServiceRequest>;
    type Error = Status;

    fn encode(&mut self, request: Self::Item, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        request.encode(buffer).map_err(|error| Status::internal(error.to_string()))
    }
}
