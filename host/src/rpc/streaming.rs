//! An answer that is streamed while the component works: as fast as its caller reads, until one of them ends it.

use std::pin::pin;
use std::time::Duration;

use futures_util::stream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tonic::Status;
use tonic::codegen::BoxStream;

use super::convert;
use crate::call::Call;
use crate::plugin::CallError;

/// How long a component has to stop on its own once its caller is gone.
const GRACE: Duration = Duration::from_millis(50);

/// How an answer ends after its messages.
pub(super) type End = Result<(), Status>;

/// How the component's work ended.
pub(super) struct Worked {
    pub result: Result<(), CallError>,
    /// Whether anything was sent.
    pub sent: bool,
}

/// Returns the messages as a stream, and at the end the status, for which there is always room. If the task that makes
/// them panics, so does the stream. The layer for panics then answers, as for any other call.
pub(super) fn answer_stream<M: Send + 'static>(
    messages: mpsc::Receiver<M>,
    answering: JoinHandle<End>,
) -> BoxStream<M> {
    Box::pin(stream::unfold((messages, Some(answering)), async |(mut messages, mut answering)| {
        if let Some(message) = messages.recv().await {
            return Some((Ok(message), (messages, answering)));
        }
        let end = match answering.take()?.await {
            Ok(end) => end,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => Err(convert::stopping()),
            },
        };
        end.err().map(|status| (Err(status), (messages, None)))
    }))
}

/// Does the component's work, and sends what it produces as messages. Returns `None` if the caller hung up before the work
/// was done: the component has stopped, or been stopped, and the call counts as cancelled.
pub(super) async fn pass_on<P, M>(
    call: &Call,
    work: impl Future<Output = Result<(), CallError>>,
    mut pieces: mpsc::Receiver<P>,
    messages: &mpsc::Sender<M>,
    mut message: impl FnMut(P) -> M,
) -> Option<Worked> {
    let mut sent = false;
    let working = async {
        let mut work = pin!(work);
        let (mut next, mut result, mut is_open) = (None, None, true);
        loop {
            // The work goes on while a piece waits for its reader: a call's clock does not stop for a slow one.
            tokio::select! {
                biased;
                // The component's next attempt to send says that the caller is gone.
                () = messages.closed(), if is_open => {
                    is_open = false;
                    call.set_caller_is_gone();
                    pieces.close();
                }
                room = messages.reserve(), if next.is_some() => match (room, next.take()) {
                    (Ok(room), Some(piece)) => {
                        room.send(message(piece));
                        sent = true;
                    }
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
        messages.closed().await;
        tokio::time::sleep(GRACE).await;
    };
    let result = tokio::select! {
        result = working => result,
        // Dropping the work stops the component.
        () = hung_up => return None,
    };
    if result.is_err() && messages.is_closed() {
        // The component stopped because its caller hung up, which is no failure.
        return None;
    }
    Some(Worked { result, sent })
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt as _;
    use opentelemetry::Context;

    use super::*;
    use crate::call::{Arrival, CallContext, Deadline, Endpoint, Unanswered};
    use crate::log::Log;
    use crate::metrics::Metrics;
    use crate::telemetry::Telemetry;

    fn unanswered() -> Unanswered {
        let arrival = Arrival {
            endpoint: Endpoint { name: "callResource", span: "sdk.callResource" },
            context: CallContext::default(),
            deadline: Deadline::new(None, Duration::from_secs(60)),
            parent: Context::new(),
        };
        Call::begin(arrival, Telemetry::default(), Metrics::unattached(), &Log::memory().0)
    }

    fn failed() -> Result<(), CallError> {
        Err(CallError::Host("the caller is gone".to_owned()))
    }

    #[tokio::test]
    async fn work_that_fails_because_its_caller_is_gone_is_cancelled() {
        let unanswered = unanswered();
        for (is_gone, result) in [(false, Ok(())), (false, failed()), (true, Ok(())), (true, failed())] {
            let (messages, receiver) = mpsc::channel::<()>(1);
            let (sender, pieces) = mpsc::channel::<()>(1);
            let receiver = (!is_gone).then_some(receiver);
            let is_cancelled = is_gone && result.is_err();
            let work = async {
                drop(sender);
                result
            };
            let worked = pass_on(unanswered.call(), work, pieces, &messages, |()| ()).await;
            assert_eq!(worked.is_none(), is_cancelled);
            drop(receiver);
        }
    }

    #[tokio::test]
    async fn a_panic_in_the_task_is_a_panic_of_the_call() {
        let (messages, receiver) = mpsc::channel(1);
        let task = tokio::spawn(async move {
            messages.send("one").await.unwrap();
            panic!("out of luck");
        });
        let mut stream = answer_stream(receiver, task);
        assert!(matches!(stream.next().await, Some(Ok("one"))));
        let rest = tokio::spawn(async move { stream.next().await.is_none() });
        let panic = rest.await.unwrap_err().into_panic();
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"out of luck"));
    }
}
