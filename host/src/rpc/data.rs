//! `pluginv2.Data`: a request's queries run side by side, and each has an answer of its own.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use tokio::task::JoinSet;
use tonic::codegen::BoxStream;
use tonic::{Request, Response, Status};

use super::{Backend, Head};
use crate::call::{Call, Endpoint, Outcome};
use crate::convert;
use crate::frame;
use crate::log::Value;
use crate::plugin::{self, Error, Plugin};
use crate::proto::pluginv2::data_server::Data;
use crate::proto::pluginv2::{
    DataFrameFormat, DataQuery, QueryChunkedDataRequest, QueryChunkedDataResponse, QueryDataRequest,
    QueryDataResponse,
};

pub struct Service(pub(super) Backend);

type Answer = Result<Vec<Bytes>, Error>;

#[tonic::async_trait]
impl Data for Service {
    async fn query_data(
        &self,
        request: Request<QueryDataRequest>,
    ) -> Result<Response<QueryDataResponse>, Status> {
        let (metadata, extensions, message) = request.into_parts();
        let QueryDataRequest { plugin_context, headers, queries, format } = message;
        let head = Head::new(metadata, extensions, plugin_context, headers);
        let format = DataFrameFormat::try_from(format)
            .map_err(|_| Status::invalid_argument(format!("unsupported data frame format {format}")))?;
        self.0.until_shutdown(answer(&self.0, head, queries, format)).await.map(Response::new)
    }

    type QueryChunkedDataStream = BoxStream<QueryChunkedDataResponse>;

    async fn query_chunked_data(
        &self,
        _: Request<QueryChunkedDataRequest>,
    ) -> Result<Response<Self::QueryChunkedDataStream>, Status> {
        Err(Status::unimplemented("Grafana asks by QueryData instead"))
    }
}

async fn answer(
    backend: &Backend,
    head: Head,
    queries: Vec<DataQuery>,
    format: DataFrameFormat,
) -> Result<QueryDataResponse, Status> {
    let plugin = backend.plugin(plugin::Service::Data).await?;
    let unanswered = backend.begin(Endpoint::QueryData, head).await;
    let call = unanswered.call();
    let ref_ids = convert::ref_ids(&queries);
    let answers = match plugin {
        Ok(plugin) => run_all(&plugin, call, queries, format).await,
        Err(error) => vec![Some(Err(Error::Load(error))); ref_ids.len()],
    };
    let mut responses = HashMap::with_capacity(answers.len());
    let mut sources = Vec::new();
    for (ref_id, answer) in ref_ids.into_iter().zip(answers) {
        let answer = answer.unwrap_or_else(|| Err(Error::Host("a query's task ended early".to_owned())));
        if let Err(error) = &answer {
            sources.push(error.source());
            log_failure(call, &ref_id, error);
        }
        // Two queries of one name are a mistake of the caller's; the first one's answer stands.
        responses.entry(ref_id).or_insert_with(|| convert::data_response(answer, format));
    }
    unanswered.answered(Outcome::of_parts(sources));
    Ok(QueryDataResponse { responses })
}

/// Runs the queries, as many at once as Grafana allows, and gives their answers in order. One that is missing belonged
/// to a task that panicked. Dropping the future stops all of them.
async fn run_all(
    plugin: &Arc<Plugin>,
    call: &Arc<Call>,
    queries: Vec<DataQuery>,
    format: DataFrameFormat,
) -> Vec<Option<Answer>> {
    let count = queries.len();
    let at_once = convert::concurrent_queries(&call.context);
    let mut waiting = queries.into_iter().enumerate();
    if count == 1 {
        // The usual request has one query, which needs no task of its own.
        let Some((index, query)) = waiting.next() else { return Vec::new() };
        return vec![Some(run(plugin, call, query, (index, count), format).await)];
    }
    let mut answers = vec![None; count];
    let mut running = JoinSet::new();
    loop {
        while running.len() < at_once
            && let Some((index, query)) = waiting.next()
        {
            let (plugin, call) = (plugin.clone(), call.clone());
            running.spawn(async move { (index, run(&plugin, &call, query, (index, count), format).await) });
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

async fn run(
    plugin: &Plugin,
    call: &Arc<Call>,
    query: DataQuery,
    (index, count): (usize, usize),
    format: DataFrameFormat,
) -> Answer {
    let ref_id = query.ref_id.clone();
    let query = convert::query(query, index, count);
    let frames = plugin.call(call, |store, exports| {
        Box::pin(async move {
            let data =
                exports.data.as_ref().ok_or_else(|| wasmtime::Error::msg("gpx:plugin/data is gone"))?;
            data.call_query_data(store, &query).await
        })
    });
    let frames = frames.await?;
    let format = match format {
        DataFrameFormat::Arrow => frame::Format::Arrow,
        DataFrameFormat::Json => frame::Format::Json,
    };
    let encode =
        |frame| frame::encode(frame, &ref_id, format).map_err(|error| Error::Frame(error.to_string()));
    frames.iter().map(encode).collect()
}

fn log_failure(call: &Call, ref_id: &str, error: &Error) {
    let fields = [
        ("refID", Value::from(ref_id.to_owned())),
        ("status", Value::from(i64::from(error.status()))),
        ("error", Value::from(error.to_string())),
        ("statusSource", Value::from(error.source().name())),
    ];
    call.log.error("Partial data response error", &fields);
}
