//! `pluginv2.Resource`: the component's answer, streamed chunk by chunk.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tonic::codegen::BoxStream;
use tonic::{Request, Response, Status};

use super::{Backend, Begun, Door, Target, convert, fail, paid_by};
use crate::budget::MAX_REQUEST;
use crate::call::{Call, Endpoint, Outcome};
use crate::capability::response::ResponseSender;
use crate::plugin::{CallError, Export};
use crate::proto::pluginv2::resource_server::{Resource, ResourceServer};
use crate::proto::pluginv2::{CallResourceRequest, CallResourceResponse};

const CALL_RESOURCE: Endpoint = Endpoint { name: "callResource", span: "sdk.callResource" };

/// How long a component has to stop on its own once its caller is gone.
const GRACE: Duration = Duration::from_millis(50);

pub(super) struct ResourceService(pub(super) Backend);

/// How an answer ends after its pieces.
type End = Result<(), Status>;

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
        let headers = convert::header_list_pairs(std::mem::take(&mut message.headers));
        let context = convert::context(message.plugin_context.take(), &door.metadata, headers);
        let backend = self.0.clone();
        let begun = backend.begin(&[Export::Resource], CALL_RESOURCE, door, context).await?;
        let memory = begun.target.as_ref().ok().map(|target| target.owner.memory.clone());
        let (answers, receiver) = mpsc::channel(1);
        let answering = async move { backend.until_shutdown(answer(begun, message, answers)).await };
        Ok(paid_by(memory, answer_stream(receiver, tokio::spawn(answering))))
    }
}

/// Returns the answers as a stream, and at the end the status, for which there is always room. If the task that makes
/// them panics, so does the stream. The layer for panics then answers, as for any other call.
fn answer_stream(
    answers: mpsc::Receiver<CallResourceResponse>,
    answering: JoinHandle<End>,
) -> BoxStream<CallResourceResponse> {
    Box::pin(stream::unfold((answers, Some(answering)), async |(mut answers, mut answering)| {
        if let Some(answer) = answers.recv().await {
            return Some((Ok(answer), (answers, answering)));
        }
        let end = match answering.take()?.await {
            Ok(end) => end,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => Err(convert::stopping()),
            },
        };
        end.err().map(|status| (Err(status), (answers, None)))
    }))
}

async fn answer(
    begun: Begun,
    request: CallResourceRequest,
    answers: mpsc::Sender<CallResourceResponse>,
) -> End {
    let Begun { unanswered, target } = begun;
    let (sender, mut pieces) = ResponseSender::channel();
    let call = unanswered.call().clone();
    let work = async {
        match target {
            Ok(target) => run(&target, &call, request, sender).await,
            Err(error) => Err(error),
        }
    };
    let mut sent = false;
    let answering = async {
        let mut work = pin!(work);
        let (mut next, mut result) = (None, None);
        loop {
            // The work goes on while a piece waits for its reader: a call's clock does not stop for a slow one.
            tokio::select! {
                biased;
                room = answers.reserve(), if next.is_some() => match (room, next.take()) {
                    (Ok(room), Some(piece)) => {
                        room.send(convert::piece(piece));
                        sent = true;
                    }
                    // The component's next `send` says that the caller is gone.
                    _ => pieces.close(),
                },
                piece = pieces.recv(), if next.is_none() => match piece {
                    Some(piece) => next = Some(piece),
                    None => break,
                },
                done = &mut work, if result.is_none() => {
                    let is_late = done.as_ref().is_err_and(CallError::is_late);
                    result = Some(done);
                    if is_late {
                        break;
                    }
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
        // Dropping the work stops the component. The call then counts as cancelled.
        () = hung_up => return Ok(()),
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

#[cfg(test)]
mod tests {
    use futures_util::StreamExt as _;

    use super::*;

    #[tokio::test]
    async fn a_panic_in_the_task_is_a_panic_of_the_call() {
        let (answers, receiver) = mpsc::channel(1);
        let task = tokio::spawn(async move {
            answers.send(convert::whole(200, Bytes::new())).await.unwrap();
            panic!("out of luck");
        });
        let mut stream = answer_stream(receiver, task);
        assert!(matches!(stream.next().await, Some(Ok(_))));
        let rest = tokio::spawn(async move { stream.next().await.is_none() });
        let panic = rest.await.unwrap_err().into_panic();
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"out of luck"));
    }
}
