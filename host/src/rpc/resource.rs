//! `pluginv2.Resource`: the component's answer, streamed chunk by chunk.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc;
use tonic::codegen::BoxStream;
use tonic::{Request, Response, Status};

use super::streaming::{End, Worked, answer_stream, pass_on};
use super::{Backend, Begun, Door, Target, convert, fail, paid_by};
use crate::budget::MAX_REQUEST;
use crate::call::{Call, CallContext, Endpoint, Outcome};
use crate::capability::response::ResponseSender;
use crate::plugin::{CallError, Export};
use crate::proto::pluginv2::resource_server::{Resource, ResourceServer};
use crate::proto::pluginv2::{CallResourceRequest, CallResourceResponse};

const CALL_RESOURCE: Endpoint = Endpoint { name: "callResource", span: "sdk.callResource" };

pub(super) struct ResourceService(pub(super) Backend);

pub(super) fn server(backend: Backend) -> ResourceServer<ResourceService> {
    let server = ResourceServer::new(ResourceService(backend));
    server.max_decoding_message_size(MAX_REQUEST).max_encoding_message_size(usize::MAX)
}

// === impl ResourceService ===

#[tonic::async_trait]
impl Resource for ResourceService {
    type CallResourceStream = BoxStream<CallResourceResponse>;

    async fn call_resource(
        &self,
        request: Request<CallResourceRequest>,
    ) -> Result<Response<Self::CallResourceStream>, Status> {
        let (door, mut message) = Door::enter(request);
        let forwarded = convert::forwarded_lists(&message.headers);
        let headers = convert::header_list_pairs(std::mem::take(&mut message.headers));
        let context = convert::context(message.plugin_context.take(), &door.metadata, headers);
        let context = context.map(|context| CallContext { forwarded, ..context });
        let backend = self.0.clone();
        let begun = backend.begin(&[Export::Resource], CALL_RESOURCE, door, context).await?;
        let memory = begun.target.as_ref().ok().map(|target| target.owner.memory.clone());
        let (answers, receiver) = mpsc::channel(1);
        let answering = async move { backend.until_shutdown(answer(begun, message, answers)).await };
        Ok(paid_by(memory, answer_stream(receiver, tokio::spawn(answering))))
    }
}

async fn answer(
    begun: Begun,
    request: CallResourceRequest,
    answers: mpsc::Sender<CallResourceResponse>,
) -> End {
    let Begun { unanswered, target } = begun;
    let (sender, pieces) = ResponseSender::channel();
    let call = unanswered.call().clone();
    let work = async {
        match target {
            Ok(target) => run(&target, &call, request, sender).await,
            Err(error) => Err(error),
        }
    };
    let Some(Worked { result, sent }) = pass_on(&call, work, pieces, &answers, convert::piece).await else {
        return Ok(());
    };
    match result {
        Ok(()) => {
            if !sent {
                let _ = answers.send(convert::whole(200, Bytes::new())).await;
            }
            unanswered.answered(Outcome::OK);
            Ok(())
        }
        Err(error) if sent || error.ends_call() => Err(fail(unanswered, &error)),
        Err(error) => {
            unanswered.answered(if error.is_refusal() {
                Outcome::OK
            } else {
                Outcome::failed(error.source(), error.to_string())
            });
            let _ = answers.send(convert::failure(&error)).await;
            Ok(())
        }
    }
}

async fn run(
    target: &Target,
    call: &Arc<Call>,
    request: CallResourceRequest,
    sender: ResponseSender,
) -> Result<(), CallError> {
    let request = convert::resource_request(request, &call.context);
    target.plugin.call_resource(call, &target.owner, request, sender).await
}
