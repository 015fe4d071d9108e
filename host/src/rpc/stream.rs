//! `pluginv2.Stream`: who may subscribe and publish, and the packets of a stream. As with a Go plugin without a handler, each
//! call to a component that serves no streams is recorded.

use std::collections::HashMap;

use bytes::Bytes;
use prost::Message as _;
use tokio::sync::mpsc;
use tonic::codegen::BoxStream;
use tonic::{Request, Response, Status};

use super::streaming::{End, Worked, answer_stream, pass_on};
use super::{Backend, Begun, Door, convert, fail, paid_by};
use crate::budget::MAX_REQUEST;
use crate::call::{Endpoint, Outcome};
use crate::plugin::{Ask, Export, Plugin, StreamReply, StreamRequest};
use crate::proto::pluginv2::stream_server::{Stream, StreamServer};
use crate::proto::pluginv2::{
    PluginContext, PublishStreamRequest, PublishStreamResponse, RunStreamRequest, StreamPacket,
    SubscribeStreamRequest, SubscribeStreamResponse,
};

const SUBSCRIBE: Endpoint = Endpoint { name: "subscribeStream", span: "sdk.subscribeStream" };
const PUBLISH: Endpoint = Endpoint { name: "publishStream", span: "sdk.publishStream" };
const RUN: Endpoint = Endpoint { name: "runStream", span: "sdk.runStream" };

pub(super) struct StreamService(pub(super) Backend);

pub(super) fn server(backend: Backend) -> StreamServer<StreamService> {
    let server = StreamServer::new(StreamService(backend));
    server.max_decoding_message_size(MAX_REQUEST).max_encoding_message_size(usize::MAX)
}

// === impl StreamService ===

impl StreamService {
    async fn begin(
        &self,
        endpoint: Endpoint,
        door: Door,
        context: Option<PluginContext>,
        headers: HashMap<String, String>,
    ) -> Result<Begun, Status> {
        let context = convert::context(context, &door.metadata, convert::header_pairs(headers));
        self.0.begin(&[Export::Stream], endpoint, door, context).await
    }
}

#[tonic::async_trait]
impl Stream for StreamService {
    async fn subscribe_stream(
        &self,
        request: Request<SubscribeStreamRequest>,
    ) -> Result<Response<SubscribeStreamResponse>, Status> {
        let (door, message) = Door::enter(request);
        let SubscribeStreamRequest { plugin_context, path, data, headers } = message;
        let begun = self.begin(SUBSCRIBE, door, plugin_context, headers);
        let request = StreamRequest { path, data };
        self.0.until_shutdown(ask(begun, Ask::Subscribe, request, convert::subscribed)).await
    }

    type RunStreamStream = BoxStream<StreamPacket>;

    async fn run_stream(
        &self,
        request: Request<RunStreamRequest>,
    ) -> Result<Response<Self::RunStreamStream>, Status> {
        let (door, message) = Door::enter(request);
        let bytes = message.encoded_len();
        let RunStreamRequest { plugin_context, path, data, headers } = message;
        let begun = self.begin(RUN, door.lasting(), plugin_context, headers);
        let begun = self.0.until_shutdown(begun).await?;
        let memory = begun.target.as_ref().ok().map(|target| target.owner.streams.memory.clone());
        let (packets, receiver) = mpsc::channel(1);
        let (backend, request) = (self.0.clone(), StreamRequest { path, data });
        let running = async move {
            let plugin = begun.target.as_ref().ok().map(|target| target.plugin.clone());
            let work = run(begun, request, bytes, packets);
            backend.until_shutdown(backend.until_replaced(plugin.as_ref(), work)).await
        };
        Ok(paid_by(memory, answer_stream(receiver, tokio::spawn(running))))
    }

    async fn publish_stream(
        &self,
        request: Request<PublishStreamRequest>,
    ) -> Result<Response<PublishStreamResponse>, Status> {
        let (door, message) = Door::enter(request);
        let PublishStreamRequest { plugin_context, path, data, headers } = message;
        let begun = self.begin(PUBLISH, door, plugin_context, headers);
        let request = StreamRequest { path, data };
        self.0.until_shutdown(ask(begun, Ask::Publish, request, convert::published)).await
    }
}

/// Answers whether a user may do so, in a message of the kind that `message` makes.
async fn ask<M>(
    begun: impl Future<Output = Result<Begun, Status>>,
    ask: Ask,
    request: StreamRequest,
    message: fn(StreamReply) -> M,
) -> Result<Response<M>, Status> {
    let Begun { unanswered, target } = begun.await?;
    let target = match target {
        Ok(target) => target,
        Err(error) => return Err(fail(unanswered, &error)),
    };
    let reply = target.plugin.ask(unanswered.call(), &target.owner, ask, request).await;
    match reply {
        Ok(reply) => {
            unanswered.answered(Outcome::OK);
            Ok(paid_by(Some(target.owner.memory.clone()), message(reply)))
        }
        Err(error) => Err(fail(unanswered, &error)),
    }
}

/// `bytes` is the size of the message, which the call keeps.
async fn run(begun: Begun, request: StreamRequest, bytes: usize, packets: mpsc::Sender<StreamPacket>) -> End {
    let Begun { unanswered, target } = begun;
    let target = match target {
        Ok(target) => target,
        Err(error) => return Err(fail(unanswered, &error)),
    };
    let call = unanswered.call().clone();
    let (sender, encoded) = Plugin::packets(&target.owner);
    let work = target.plugin.run_stream(&call, &target.owner, request, bytes, sender);
    let packet = |data: Bytes| StreamPacket { data };
    match pass_on(&call, work, encoded, &packets, packet).await {
        Some(Worked { result: Ok(()), .. }) => {
            unanswered.answered(Outcome::OK);
            Ok(())
        }
        Some(Worked { result: Err(error), .. }) => Err(fail(unanswered, &error)),
        None => Ok(()),
    }
}
