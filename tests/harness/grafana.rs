//! The caller's side: what Grafana sends to a plugin, and what it reads from the answer. A call is built, given its
//! headers and metadata, and awaited.

pub mod objects;
pub mod source;
mod stream;

use std::collections::HashMap;

use bytes::Bytes;

pub use gpx_client::Call;

pub use self::source::{App, DataSource};
use crate::frame::Frame;
use crate::plugin::Plugin;
use crate::proto::pluginv2::data_client::DataClient;
use crate::proto::pluginv2::diagnostics_client::DiagnosticsClient;
use crate::proto::pluginv2::{
    CallResourceRequest, CallResourceResponse, CheckHealthRequest, CheckHealthResponse,
    CollectMetricsRequest, DataFrameFormat, DataQuery, DataResponse, PluginContext, QueryChunkedDataRequest,
    QueryChunkedDataResponse, QueryDataRequest, QueryDataResponse, StringList, TimeRange,
};

/// 2026-01-01T00:00:00Z and an hour later, in milliseconds.
pub const FROM: i64 = 1_767_225_600_000;
pub const TO: i64 = FROM + 3_600_000;

/// One query of a request.
#[derive(Clone, Debug)]
pub struct Query(pub DataQuery);

/// The answer to a QueryData.
#[derive(Clone, Debug)]
pub struct Reply {
    pub responses: HashMap<String, Answer>,
}

/// The answer to one query.
#[derive(Clone, Debug)]
pub struct Answer {
    pub frames: Vec<Frame>,
    pub error: String,
    pub status: i32,
    pub source: String,
    pub raw: DataResponse,
}

/// The response to a CallResource.
#[derive(Clone, Debug)]
pub struct Resource {
    pub status: i32,
    pub headers: HashMap<String, Vec<String>>,
    pub pieces: Vec<Bytes>,
}

/// Returns a query named `ref_id`, over an hour, with an empty query model.
pub fn query(ref_id: &str) -> Query {
    Query(DataQuery {
        ref_id: ref_id.to_owned(),
        max_data_points: 100,
        interval_ms: 1000,
        time_range: Some(TimeRange { from_epoch_ms: FROM, to_epoch_ms: TO }),
        json: Bytes::new(),
        query_type: String::new(),
    })
}

// === impl Query ===

impl Query {
    pub fn json(self, json: serde_json::Value) -> Self {
        self.raw(json.to_string())
    }

    /// Sets the query model to any bytes, valid JSON or not.
    pub fn raw(mut self, json: impl Into<Bytes>) -> Self {
        self.0.json = json.into();
        self
    }

    pub fn kind(mut self, query_type: &str) -> Self {
        self.0.query_type = query_type.to_owned();
        self
    }
}

// === impl Plugin ===

impl Plugin {
    /// Calls QueryData and asks for JSON frames, like the newest Grafana.
    pub fn query(
        &self,
        source: impl Into<PluginContext>,
        queries: impl IntoIterator<Item = Query>,
    ) -> Call<QueryDataRequest, Reply> {
        let queries = queries.into_iter().map(|query| query.0).collect();
        self.channel.query(source, queries).map(Reply::of)
    }

    /// Calls QueryChunkedData and asks for JSON frames; the caller reads the answer chunk by chunk.
    pub fn chunks(
        &self,
        source: impl Into<PluginContext>,
        queries: impl IntoIterator<Item = Query>,
    ) -> Call<QueryChunkedDataRequest, tonic::Streaming<QueryChunkedDataResponse>> {
        let request = QueryChunkedDataRequest {
            plugin_context: Some(source.into()),
            headers: HashMap::new(),
            queries: queries.into_iter().map(|query| query.0).collect(),
            format: DataFrameFormat::Json.into(),
        };
        let mut client = DataClient::new(self.channel.clone()).max_decoding_message_size(usize::MAX);
        Call::new(request, move |request| {
            Box::pin(async move { Ok(client.query_chunked_data(request).await?.into_inner()) })
        })
    }

    pub fn health(&self, source: impl Into<PluginContext>) -> Call<CheckHealthRequest, CheckHealthResponse> {
        self.channel.health(source)
    }

    /// Calls CallResource; `path` can have a query string.
    pub fn resource(
        &self,
        source: impl Into<PluginContext>,
        method: &str,
        path: &str,
        body: impl Into<Bytes>,
    ) -> Call<CallResourceRequest, Resource> {
        self.resource_stream(source, method, path, body).then(|mut stream| async move {
            let mut messages = Vec::new();
            while let Some(message) = stream.message().await? {
                messages.push(message);
            }
            Ok(Resource::of(messages))
        })
    }

    /// Calls CallResource; the caller reads the response chunk by chunk.
    pub fn resource_stream(
        &self,
        source: impl Into<PluginContext>,
        method: &str,
        path: &str,
        body: impl Into<Bytes>,
    ) -> Call<CallResourceRequest, tonic::Streaming<CallResourceResponse>> {
        self.channel.resource(source, method, path, body)
    }

    /// Calls CollectMetrics and returns Prometheus text.
    pub async fn metrics(&self) -> Result<String, tonic::Status> {
        let mut client = DiagnosticsClient::new(self.channel.clone());
        let reply = client.collect_metrics(CollectMetricsRequest::default()).await?.into_inner();
        let text = reply.metrics.map(|payload| payload.prometheus).unwrap_or_default();
        Ok(String::from_utf8_lossy(&text).into_owned())
    }
}

// === impl Reply ===

impl Reply {
    fn of(reply: QueryDataResponse) -> Self {
        let responses = reply.responses.into_iter().map(|(ref_id, raw)| (ref_id, Answer::of(raw))).collect();
        Self { responses }
    }

    pub fn answer(&self, ref_id: &str) -> &Answer {
        let names: Vec<_> = self.responses.keys().collect();
        self.responses.get(ref_id).unwrap_or_else(|| panic!("no answer {ref_id:?} among {names:?}"))
    }

    /// Returns the only frame of a query that succeeded.
    pub fn frame(&self, ref_id: &str) -> &Frame {
        let answer = self.answer(ref_id);
        assert_eq!(answer.error, "", "query {ref_id} failed with status {}", answer.status);
        match answer.frames.as_slice() {
            [frame] => frame,
            frames => panic!("query {ref_id} was answered with {} frames", frames.len()),
        }
    }
}

// === impl Answer ===

impl Answer {
    fn of(raw: DataResponse) -> Self {
        let frames = if raw.format == i32::from(DataFrameFormat::Json) {
            let decoded = raw.frames.iter().map(|bytes| Frame::from_json(bytes));
            decoded.collect::<Result<_, _>>().expect("a JSON frame")
        } else {
            Vec::new()
        };
        Self { frames, error: raw.error.clone(), status: raw.status, source: raw.error_source.clone(), raw }
    }

    /// Returns status, source and text, to compare them at once.
    pub fn failure(&self) -> (i32, &str, &str) {
        (self.status, &self.source, &self.error)
    }
}

// === impl Resource ===

impl Resource {
    fn of(messages: Vec<CallResourceResponse>) -> Self {
        let first = messages.first().expect("a resource call's stream has at least one message");
        let headers =
            first.headers.iter().map(|(name, list)| (name.to_lowercase(), list.values.clone())).collect();
        let later = messages.iter().skip(1);
        assert!(
            later.into_iter().all(|message| message.code == 0 && message.headers.is_empty()),
            "code or headers after the first message"
        );
        Self {
            status: first.code,
            headers,
            pieces: messages.iter().map(|message| message.body.clone()).collect(),
        }
    }

    pub fn body(&self) -> Vec<u8> {
        self.pieces.concat()
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.body()).expect("UTF-8")
    }
}

/// Returns the values of a resource call's header.
pub fn values<const N: usize>(values: [&str; N]) -> StringList {
    StringList { values: values.map(str::to_owned).into() }
}
