//! QueryChunkedData: the answer to the queries of a request, streamed while the component makes it.

use tokio::sync::mpsc;
use tonic::codegen::BoxStream;
use tonic::{Request, Response, Status};

use super::super::streaming::{End, Worked, answer_stream, pass_on};
use super::super::{Backend, Begun, Door, convert, fail, paid_by};
use super::failure;
use crate::call::{CallContext, Endpoint, Outcome};
use crate::capability::chunks::{Chunk, Content};
use crate::frame::Format;
use crate::plugin::{CallError, Export, Plugin};
use crate::proto::pluginv2::{DataQuery, QueryChunkedDataRequest, QueryChunkedDataResponse};

const QUERY_CHUNKED: Endpoint = Endpoint { name: "queryChunkedData", span: "sdk.queryChunkedData" };

pub(super) async fn query(
    backend: Backend,
    request: Request<QueryChunkedDataRequest>,
) -> Result<Response<BoxStream<QueryChunkedDataResponse>>, Status> {
    // Grafana calls QueryData instead: it has no other way to find out. So this is no failure that would be worth recording.
    backend.serves(&[Export::DataChunked]).await?;
    let (door, message) = Door::enter(request);
    let QueryChunkedDataRequest { plugin_context, headers, queries, format } = message;
    let forwarded = convert::forwarded(&headers);
    let context = convert::context(plugin_context, &door.metadata, convert::header_pairs(headers));
    let context = context.map(|context| CallContext { forwarded, ..context });
    let begun = backend.begin(&[Export::DataChunked], QUERY_CHUNKED, door, context).await?;
    let format = match convert::format(&begun.unanswered.call().context, format) {
        Ok(format) => format,
        Err(error) => return Err(fail(begun.unanswered, &error)),
    };
    let memory = begun.target.as_ref().ok().map(|target| target.owner.memory.clone());
    let (messages, receiver) = mpsc::channel(1);
    let answering = async move { backend.until_shutdown(answer(begun, queries, format, messages)).await };
    Ok(paid_by(memory, answer_stream(receiver, tokio::spawn(answering))))
}

async fn answer(
    begun: Begun,
    queries: Vec<DataQuery>,
    format: Format,
    messages: mpsc::Sender<QueryChunkedDataResponse>,
) -> End {
    let Begun { unanswered, target } = begun;
    let target = match target {
        Ok(target) => target,
        Err(error) => return Err(fail(unanswered, &error)),
    };
    let call = unanswered.call().clone();
    let (sender, chunks) = Plugin::chunks(&target.owner, format);
    let work = target.plugin.query_chunked(&call, &target.owner, convert::queries(queries), sender);
    let mut outcome = Outcome::OK;
    let worked = pass_on(&call, work, chunks, &messages, |Chunk { ref_id, content }| match content {
        Content::Rows { frame_id, frame } => convert::rows(ref_id, frame_id, frame, format),
        Content::Fault(fault) => {
            let error = CallError::Fault(fault);
            outcome.add_error(error.source());
            failure::log(&call, Some(&target.owner), ref_id.clone(), &error);
            convert::chunk_failure(&call, ref_id, &error)
        }
    });
    match worked.await {
        Some(Worked { result: Ok(()), .. }) => {
            unanswered.answered(outcome);
            Ok(())
        }
        Some(Worked { result: Err(error), .. }) => {
            unanswered.answered(Outcome::failed(error.source(), error.to_string()));
            Err(convert::failed_data(&error))
        }
        None => Ok(()),
    }
}
