//! `pluginv2.Stream`: no component can serve streams yet. As with a Go plugin without a handler, each call is recorded.

use std::collections::HashMap;
use std::convert::Infallible;

use tonic::codegen::BoxStream;
use tonic::{Request, Response, Status};

use super::{Backend, Door, convert};
use crate::budget::MAX_REQUEST;
use crate::call::Endpoint;
use crate::proto::pluginv2::stream_server::{Stream, StreamServer};
use crate::proto::pluginv2::{
    PluginContext, PublishStreamRequest, PublishStreamResponse, RunStreamRequest, StreamPacket,
    SubscribeStreamRequest, SubscribeStreamResponse,
};

const SUBSCRIBE: Endpoint = Endpoint { name: "subscribeStream", span: "sdk.subscribeStream" };
const PUBLISH: Endpoint = Endpoint { name: "publishStream", span: "sdk.publishStream" };
const RUN: Endpoint = Endpoint { name: "runStream", span: "sdk.runStream" };

const UNSERVED: &str = "the plugin serves no streams";

pub(super) struct StreamService(pub(super) Backend);

pub(super) fn server(backend: Backend) -> StreamServer<StreamService> {
    StreamServer::new(StreamService(backend)).max_decoding_message_size(MAX_REQUEST)
}

// === impl StreamService ===

impl StreamService {
    async fn refuse(
        &self,
        endpoint: Endpoint,
        door: Door,
        context: Option<PluginContext>,
        headers: HashMap<String, String>,
    ) -> Status {
        let context = convert::context(context, &door.metadata, convert::header_pairs(headers));
        let unserved =
            async { Err::<Infallible, _>(self.0.unserved(endpoint, door, context, UNSERVED).await) };
        let Err(status) = self.0.until_shutdown(unserved).await;
        status
    }
}

#[tonic::async_trait]
impl Stream for StreamService {
    async fn subscribe_stream(
        &self,
        request: Request<SubscribeStreamRequest>,
    ) -> Result<Response<SubscribeStreamResponse>, Status> {
        let (door, message) = Door::enter(request);
        Err(self.refuse(SUBSCRIBE, door, message.plugin_context, message.headers).await)
    }

    type RunStreamStream = BoxStream<StreamPacket>;

    async fn run_stream(
        &self,
        request: Request<RunStreamRequest>,
    ) -> Result<Response<Self::RunStreamStream>, Status> {
        let (door, message) = Door::enter(request);
        Err(self.refuse(RUN, door, message.plugin_context, message.headers).await)
    }

    async fn publish_stream(
        &self,
        request: Request<PublishStreamRequest>,
    ) -> Result<Response<PublishStreamResponse>, Status> {
        let (door, message) = Door::enter(request);
        Err(self.refuse(PUBLISH, door, message.plugin_context, message.headers).await)
    }
}
