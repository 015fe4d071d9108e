//! `pluginv2.Data`: a request's queries run concurrently, and each has its own answer.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use tokio::task::JoinSet;
use tonic::codegen::BoxStream;
use tonic::{Request, Response, Status};

use super::{Backend, Begun, Door, Target, convert, fail, paid_by};
use crate::budget::MAX_REQUEST;
use crate::call::{Call, CallContext, Endpoint, ErrorSource, Outcome, Subject};
use crate::frame::Format;
use crate::log::Value;
use crate::plugin::{CallError, Export};
use crate::proto::pluginv2::data_server::{Data, DataServer};
use crate::proto::pluginv2::{
    DataQuery, QueryChunkedDataRequest, QueryChunkedDataResponse, QueryDataRequest, QueryDataResponse,
};

const QUERY_DATA: Endpoint = Endpoint { name: "queryData", span: "sdk.queryData" };

pub(super) struct DataService(pub(super) Backend);

type QueryAnswer = Result<Vec<Bytes>, CallError>;

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
        let context = convert::context(plugin_context, &door.metadata, convert::header_pairs(headers));
        let answer = answer(&self.0, door, context, queries, format);
        self.0.until_shutdown(answer).await
    }

    type QueryChunkedDataStream = BoxStream<QueryChunkedDataResponse>;

    async fn query_chunked_data(
        &self,
        _: Request<QueryChunkedDataRequest>,
    ) -> Result<Response<Self::QueryChunkedDataStream>, Status> {
        Err(Status::unimplemented("Grafana calls QueryData instead"))
    }
}

async fn answer(
    backend: &Backend,
    door: Door,
    context: Option<CallContext>,
    queries: Vec<DataQuery>,
    format: i32,
) -> Result<Response<QueryDataResponse>, Status> {
    let Begun { unanswered, target } = backend.begin(Export::Data, QUERY_DATA, door, context).await?;
    let format = match asked(&unanswered.call().context, format) {
        Ok(format) => format,
        Err(error) => return Err(fail(unanswered, &error)),
    };
    let call = unanswered.call();
    let ref_ids: Vec<_> = queries.iter().map(|query| query.ref_id.clone()).collect();
    let (answers, memory) = match target {
        Ok(target) => {
            let memory = target.owner.memory.clone();
            (run_all(&Arc::new(target), call, queries, format).await, Some(memory))
        }
        Err(error) => (vec![Some(Err(error)); ref_ids.len()], None),
    };
    if let Some(error) = end_of_call(&answers) {
        let status = convert::failed_data(error);
        unanswered.answered(Outcome::failed(error.source(), error.to_string()));
        return Err(status);
    }
    let mut responses = convert::DataResponses::new(format, answers.len());
    let mut sources = Vec::new();
    for (ref_id, answer) in last_of_each(ref_ids, answers) {
        let answer = answer.unwrap_or_else(|| Err(CallError::Host("a query's task ended early".to_owned())));
        if let Err(error) = &answer {
            sources.push(error.source());
            log_failure(call, &ref_id, error);
        }
        responses.add(ref_id, answer);
    }
    unanswered.answered(Outcome::of_parts(sources));
    Ok(paid_by(memory, responses.into_message()))
}

/// Returns the format that Grafana asks for. Queries are always for a data source or an app.
fn asked(context: &CallContext, format: i32) -> Result<Format, CallError> {
    if matches!(context.subject, Subject::Plugin) {
        let text = "the request has no settings of a data source or an app";
        return Err(CallError::Malformed(text.to_owned()));
    }
    convert::format(format)
}

/// Pairs the answers with their refIds. If queries have the same one, which is their caller's mistake, the last counts.
fn last_of_each(
    ref_ids: Vec<String>,
    answers: Vec<Option<QueryAnswer>>,
) -> Vec<(String, Option<QueryAnswer>)> {
    let mut later = HashSet::with_capacity(ref_ids.len());
    let mut is_last: Vec<_> = ref_ids.iter().rev().map(|ref_id| later.insert(ref_id.as_str())).collect();
    is_last.reverse();
    let pairs = ref_ids.into_iter().zip(answers).zip(is_last);
    pairs.filter_map(|(pair, is_last)| is_last.then_some(pair)).collect()
}

/// Runs the queries, as many at once as Grafana allows, and returns their answers in order. An answer is `None` if its
/// task panicked. Dropping the future stops all queries.
async fn run_all(
    target: &Arc<Target>,
    call: &Arc<Call>,
    queries: Vec<DataQuery>,
    format: Format,
) -> Vec<Option<QueryAnswer>> {
    let count = queries.len();
    let at_once = convert::concurrent_queries(&call.context);
    let queries = queries.into_iter().enumerate();
    let mut waiting = queries.map(|(index, query)| (index, convert::query(query, index, count)));
    if count == 1 {
        // The usual request has one query, which does not need a separate task.
        let Some((_, query)) = waiting.next() else { return Vec::new() };
        return vec![Some(target.plugin.query(call, &target.owner, query, format).await)];
    }
    let mut answers = vec![None; count];
    let mut running = JoinSet::new();
    loop {
        while running.len() < at_once
            && let Some((index, query)) = waiting.next()
        {
            let (target, call) = (target.clone(), call.clone());
            running.spawn(
                async move { (index, target.plugin.query(&call, &target.owner, query, format).await) },
            );
        }
        match running.join_next().await {
            Some(Ok((index, answer))) => {
                if let Some(place) = answers.get_mut(index) {
                    *place = Some(answer);
                }
            }
            Some(Err(_)) => {}
            None => return answers,
        }
    }
}

/// The error that ends the call as a whole, if there is one. If any query waited for an upstream, so did the call.
fn end_of_call(answers: &[Option<QueryAnswer>]) -> Option<&CallError> {
    let errors = || answers.iter().flatten().filter_map(|answer| answer.as_ref().err());
    let ends = || errors().filter(|error| error.ends_call());
    ends().find(|error| error.source() == ErrorSource::Downstream).or_else(|| ends().next())
}

fn log_failure(call: &Call, ref_id: &str, error: &CallError) {
    let fields = [
        ("refID", Value::from(ref_id.to_owned())),
        ("status", Value::from(i64::from(error.status()))),
        ("error", Value::from(error.to_string())),
        ("statusSource", Value::from(error.source().name())),
    ];
    call.log.error("Partial data response error", &fields);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin::WaitedFor;

    #[test]
    fn a_call_that_ends_late_waited_for_an_upstream_if_any_query_did() {
        let late = |awaited| Some(Err(CallError::CallerDeadline(awaited)));
        let queries = [
            Some(Ok(Vec::new())),
            Some(Err(CallError::Host(String::new()))),
            late(WaitedFor::Instance { max: 1 }),
            late(WaitedFor::Component),
            late(WaitedFor::Upstream),
        ];
        let source = |queries: &[_]| end_of_call(queries).map(CallError::source);
        assert_eq!(source(&queries), Some(ErrorSource::Downstream));
        assert_eq!(source(&queries[..4]), Some(ErrorSource::Plugin));
        assert_eq!(source(&queries[..2]), None);
    }
}
