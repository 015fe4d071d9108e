//! `pluginv2.Data`: each query of a request has its own answer.

mod chunked;
mod failure;
mod run;

use tonic::codegen::BoxStream;
use tonic::{Request, Response, Status};

use super::{Backend, Begun, Door, capture, convert, fail, paid_by};
use crate::budget::MAX_REQUEST;
use crate::call::{CallContext, Endpoint, Outcome};
use crate::har;
use crate::plugin::Export;
use crate::proto::pluginv2::data_server::{Data, DataServer};
use crate::proto::pluginv2::{
    DataQuery, QueryChunkedDataRequest, QueryChunkedDataResponse, QueryDataRequest, QueryDataResponse,
};

const QUERY_DATA: Endpoint = Endpoint { name: "queryData", span: "sdk.queryData" };

pub(super) struct DataService(pub(super) Backend);

pub(super) fn server(backend: Backend) -> DataServer<DataService> {
    let server = DataServer::new(DataService(backend));
    server.max_decoding_message_size(MAX_REQUEST).max_encoding_message_size(usize::MAX)
}

// === impl DataService ===

#[tonic::async_trait]
impl Data for DataService {
    async fn query_data(
        &self,
        request: Request<QueryDataRequest>,
    ) -> Result<Response<QueryDataResponse>, Status> {
        let (door, message) = Door::enter(request);
        let QueryDataRequest { plugin_context, headers, queries, format } = message;
        let (wants_capture, forwarded) = (har::is_wanted(&headers), convert::forwarded(&headers));
        let context = convert::context(plugin_context, &door.metadata, convert::header_pairs(headers));
        let context = context.map(|context| CallContext { wants_capture, forwarded, ..context });
        let answer = answer(&self.0, door, context, queries, format);
        self.0.until_shutdown(answer).await
    }

    type QueryChunkedDataStream = BoxStream<QueryChunkedDataResponse>;

    async fn query_chunked_data(
        &self,
        request: Request<QueryChunkedDataRequest>,
    ) -> Result<Response<Self::QueryChunkedDataStream>, Status> {
        chunked::query(self.0.clone(), request).await
    }
}

async fn answer(
    backend: &Backend,
    door: Door,
    context: Option<CallContext>,
    queries: Vec<DataQuery>,
    format: i32,
) -> Result<Response<QueryDataResponse>, Status> {
    let Begun { unanswered, target } =
        backend.begin(&[Export::Data, Export::DataBatch], QUERY_DATA, door, context).await?;
    let format = match convert::format(&unanswered.call().context, format) {
        Ok(format) => format,
        Err(error) => return Err(fail(unanswered, &error)),
    };
    let call = unanswered.call();
    let owner = target.as_ref().ok().map(|target| target.owner.clone());
    let mut lines = failure::Lines::new(queries.iter().map(|query| query.ref_id.clone()));
    let answers = match target {
        Ok(target) => run::run(target, call, queries, format).await,
        Err(error) => Ok(run::failed(queries, &error)),
    };
    let answers = match answers {
        Ok(answers) => answers,
        Err(error) => {
            let status = convert::failed_data(&error);
            unanswered.answered(Outcome::failed(error.source(), error.to_string()));
            return Err(status);
        }
    };
    let mut responses = convert::DataResponses::new(call, format, answers.len());
    let mut sources = Vec::new();
    for answer in answers {
        if let Err(error) = &answer.outcome {
            sources.push(error.source());
            if lines.has(&answer.ref_id) {
                failure::log(call, owner.as_deref(), answer.ref_id.clone(), error);
            }
            // A line is long work if the component wrote much of it.
            tokio::task::yield_now().await;
        }
        responses.add(answer);
    }
    lines.log_rest(call);
    if let Some(owner) = &owner {
        capture::attach(call, owner, format, &mut responses).await;
    }
    unanswered.answered(Outcome::of_parts(sources));
    Ok(paid_by(owner.map(|owner| owner.memory.clone()), responses.into_message()))
}
