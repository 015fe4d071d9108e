//! `pluginv2.Resource`: the component's answer, streamed piece by piece.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use tokio::sync::mpsc;
use tonic::codegen::BoxStream;
use tonic::{Request, Response, Status};

use super::{Backend, Head};
use crate::call::{Call, Endpoint, Outcome, Unanswered};
use crate::capability::response::{Head as AnswerHead, Piece, ResponseSender};
use crate::convert;
use crate::plugin::{self, Error, Plugin};
use crate::proto::pluginv2::resource_server::Resource;
use crate::proto::pluginv2::{CallResourceRequest, CallResourceResponse};

/// Time that a component has to stop by itself once its caller is gone.
const GRACE: Duration = Duration::from_millis(50);

pub struct Service(pub(super) Backend);

#[tonic::async_trait]
impl Resource for Service {
    type CallResourceStream = BoxStream<CallResourceResponse>;

    async fn call_resource(
        &self,
        request: Request<CallResourceRequest>,
    ) -> Result<Response<Self::CallResourceStream>, Status> {
        let (metadata, extensions, mut message) = request.into_parts();
        let headers = convert::resource_headers(&message.headers);
        let head = Head { metadata, extensions, context: message.plugin_context.take(), headers };
        let backend = self.0.clone();
        let plugin = backend.plugin(plugin::Service::Resource).await?;
        let unanswered = backend.begin(Endpoint::CallResource, head).await;
        let (answers, receiver) = mpsc::channel(1);
        tokio::spawn(async move {
            let answering = async {
                answer(plugin.map_err(Error::Load), message, unanswered, &answers).await;
                Ok(())
            };
            if let Err(status) = backend.until_shutdown(answering).await {
                // Nobody may be left to hear it.
                let _ = answers.try_send(Err(status));
            }
        });
        let answers = stream::unfold(receiver, async |mut receiver| Some((receiver.recv().await?, receiver)));
        Ok(Response::new(Box::pin(answers)))
    }
}

type Answers = mpsc::Sender<Result<CallResourceResponse, Status>>;

async fn answer(
    plugin: Result<Arc<Plugin>, Error>,
    request: CallResourceRequest,
    unanswered: Unanswered,
    answers: &Answers,
) {
    let (sender, mut pieces) = ResponseSender::channel();
    let call = unanswered.call().clone();
    let work = async {
        match plugin {
            Ok(plugin) => run(&plugin, &call, request, sender).await,
            Err(error) => Err(error),
        }
    };
    let mut sent = false;
    let answering = async {
        let mut work = pin!(work);
        let mut result = None;
        loop {
            tokio::select! {
                biased;
                piece = pieces.recv() => match piece {
                    Some(piece) => match answers.send(Ok(convert::piece(piece))).await {
                        Ok(()) => sent = true,
                        // The component's next `send` tells it that the caller is gone.
                        Err(_) => pieces.close(),
                    },
                    None => break,
                },
                done = &mut work, if result.is_none() => {
                    result = Some(done);
                    // A component may have kept its handle, but its call is over.
                    pieces.close();
                }
            }
        }
        match result {
            Some(result) => result,
            None => work.await,
        }
    };
    let hung_up = async {
        answers.closed().await;
        call.set_caller_is_gone();
        tokio::time::sleep(GRACE).await;
    };
    let result = tokio::select! {
        result = answering => result,
        // Dropping the work stops the component; `unanswered` then counts as cancelled.
        () = hung_up => return,
    };
    match result {
        Ok(()) => {
            if !sent {
                let _ = answers.send(Ok(convert::piece(whole(200, Bytes::new())))).await;
            }
            unanswered.answered(Outcome::OK);
        }
        Err(error) => {
            let message = error.to_string();
            let last = if sent {
                Err(Status::unknown(message.clone()))
            } else {
                Ok(convert::piece(failure(&error)))
            };
            let _ = answers.send(last).await;
            unanswered.answered(Outcome::failed(error.source(), message));
        }
    }
}

async fn run(
    plugin: &Plugin,
    call: &Arc<Call>,
    request: CallResourceRequest,
    sender: ResponseSender,
) -> Result<(), Error> {
    let request = convert::resource_request(request);
    let called = plugin.call(call, |store, exports| {
        Box::pin(async move {
            let gone = || wasmtime::Error::msg("gpx:plugin/resource is gone");
            let resource = exports.resource.as_ref().ok_or_else(gone)?;
            let sender = store.data_mut().table.push(sender)?;
            resource.call_call(store, &request, sender).await
        })
    });
    called.await
}

fn failure(error: &Error) -> Piece {
    let body = serde_json::json!({ "message": error.to_string() });
    whole(error.status(), body.to_string().into())
}

fn whole(status: u16, body: Bytes) -> Piece {
    let head = AnswerHead { status, headers: Default::default() };
    Piece { head: Some(head), body }
}
