//! Grafana's side of the services, in the test's own process: messages go in, messages come out.

mod pieces;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tonic::{Request, Response, Status};

pub(super) use self::pieces::Pieces;
use super::{Backend, BackendParts, data, diagnostics, resource, stream};
use crate::budget::Limits;
use crate::call::CallerDeadline;
use crate::plugin::test::{Guest, LIMITS, Loaded, directory};
use crate::plugin::{LoadError, Loaded as Current, Loading, Plugin, loading};
use crate::proto::pluginv2::data_server::Data as _;
use crate::proto::pluginv2::diagnostics_server::Diagnostics as _;
use crate::proto::pluginv2::resource_server::Resource as _;
use crate::proto::pluginv2::stream_server::Stream as _;
use crate::proto::pluginv2::{
    CallResourceRequest, CallResourceResponse, CheckHealthRequest, CheckHealthResponse,
    CollectMetricsRequest, DataFrameFormat, DataQuery, DataSourceInstanceSettings, PluginContext,
    PublishStreamRequest, QueryChunkedDataRequest, QueryChunkedDataResponse, QueryDataRequest,
    QueryDataResponse, RunStreamRequest, SubscribeStreamRequest,
};
use crate::shutdown::Shutdown;

/// A caller of one plugin's services. Cheap to clone.
#[derive(Clone)]
pub(super) struct Grafana {
    backend: Backend,
    loading: Arc<Loading>,
    /// What the calls leave behind. If the plugin could not be loaded, this is another plugin, which is not called.
    pub(super) loaded: Loaded,
    pub(super) shutdown: Shutdown,
}

/// Returns a data source, as it comes with each request.
pub(super) fn context() -> PluginContext {
    let settings = DataSourceInstanceSettings { uid: "my-uid".to_owned(), ..Default::default() };
    PluginContext { data_source_instance_settings: Some(settings), ..Default::default() }
}

/// Makes a request with these queries, each of a refId and a script. The answers come as JSON.
pub(super) fn queries(queries: &[(&str, &str)]) -> QueryDataRequest {
    let query = |(ref_id, script): &(&str, &str)| DataQuery {
        ref_id: (*ref_id).to_owned(),
        json: (*script).to_owned().into(),
        ..Default::default()
    };
    QueryDataRequest {
        plugin_context: Some(context()),
        queries: queries.iter().map(query).collect(),
        format: DataFrameFormat::Json.into(),
        ..Default::default()
    }
}

/// Returns the name of the only frame that a query was answered with.
pub(super) fn answer(response: &QueryDataResponse, ref_id: &str) -> String {
    let response = &response.responses[ref_id];
    assert_eq!((response.status, response.error.as_str()), (200, ""));
    let [frame] = response.frames.as_slice() else { panic!("{} frames", response.frames.len()) };
    let frame: serde_json::Value = serde_json::from_slice(frame).unwrap();
    frame["schema"]["name"].as_str().unwrap_or_default().to_owned()
}

/// Makes a request whose caller waits no longer than this, as the layers pass it on.
fn within<T>(patience: Duration, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.extensions_mut().insert(CallerDeadline(Instant::now() + patience));
    request
}

// === impl Grafana ===

impl Grafana {
    /// Serves the usual guest.
    pub(super) async fn new() -> Self {
        Self::misconfigured(&[]).await
    }

    /// Serves this guest.
    pub(super) async fn of(guest: Guest) -> Self {
        let grafana = Self::with(Loaded::of(guest).await, Vec::new());
        grafana.loads();
        grafana
    }

    /// Serves the usual guest, within these limits.
    pub(super) async fn of_limits(limits: &Limits) -> Self {
        let grafana = Self::with(Loaded::with(limits).await, Vec::new());
        grafana.loads();
        grafana
    }

    /// Serves a plugin that is loaded when `loads` is called.
    pub(super) async fn loading() -> Self {
        Self::with(Loaded::new().await, Vec::new())
    }

    /// Serves a plugin whose settings have these problems.
    pub(super) async fn misconfigured(problems: &[&str]) -> Self {
        let problems = problems.iter().map(|problem| (*problem).to_owned()).collect();
        let grafana = Self::with(Loaded::new().await, problems);
        grafana.loads();
        grafana
    }

    /// Serves a plugin whose component cannot be loaded.
    pub(super) async fn broken() -> Self {
        let (_directory, file) = directory(b"nonsense");
        let (broken, _) = Loaded::from_file(&file, false, &LIMITS).await;
        let grafana = Self::loading().await;
        grafana.set(broken.map(|loaded| loaded.plugin));
        grafana
    }

    fn with(loaded: Loaded, problems: Vec<String>) -> Self {
        let shutdown = Shutdown::new();
        let (loading, current) = loading();
        let parts = BackendParts {
            current,
            problems,
            call_timeout: LIMITS.call_timeout,
            app_url: None,
            metrics: loaded.metrics.clone(),
            log: loaded.log.clone(),
            shutdown: shutdown.clone(),
        };
        Self { backend: Backend::new(parts), loading: Arc::new(loading), loaded, shutdown }
    }

    /// Loads the component.
    pub(super) fn loads(&self) {
        self.set(Ok(self.loaded.plugin.clone()));
    }

    fn set(&self, plugin: Result<Arc<Plugin>, LoadError>) {
        let telemetry = self.loaded.telemetry.clone();
        self.loading.loaded(Current { plugin, telemetry, refused: None });
    }

    /// Queries as a caller that waits no longer than this.
    pub(super) async fn query_within(
        &self,
        patience: Duration,
        message: QueryDataRequest,
    ) -> Result<QueryDataResponse, Status> {
        let service = data::DataService(self.backend.clone());
        service.query_data(within(patience, message)).await.map(Response::into_inner)
    }

    pub(super) async fn query(&self, request: QueryDataRequest) -> Result<QueryDataResponse, Status> {
        self.query_as("", request).await
    }

    /// Queries as a tenant of Grafana Cloud.
    pub(super) async fn query_as(
        &self,
        tenant: &str,
        message: QueryDataRequest,
    ) -> Result<QueryDataResponse, Status> {
        let mut request = Request::new(message);
        if !tenant.is_empty() {
            request.metadata_mut().insert("tenantid", tenant.parse().unwrap());
        }
        data::DataService(self.backend.clone()).query_data(request).await.map(Response::into_inner)
    }

    /// Queries for an answer in chunks.
    pub(super) async fn chunked(
        &self,
        request: QueryDataRequest,
    ) -> Result<Pieces<QueryChunkedDataResponse>, Status> {
        self.chunked_of(Request::new, request).await
    }

    /// Queries for an answer in chunks, as a caller that waits no longer than this.
    pub(super) async fn chunked_within(
        &self,
        patience: Duration,
        request: QueryDataRequest,
    ) -> Result<Pieces<QueryChunkedDataResponse>, Status> {
        self.chunked_of(|message| within(patience, message), request).await
    }

    async fn chunked_of(
        &self,
        request: impl FnOnce(QueryChunkedDataRequest) -> Request<QueryChunkedDataRequest>,
        message: QueryDataRequest,
    ) -> Result<Pieces<QueryChunkedDataResponse>, Status> {
        let QueryDataRequest { plugin_context, headers, queries, format } = message;
        let message = QueryChunkedDataRequest { plugin_context, headers, queries, format };
        let service = data::DataService(self.backend.clone());
        service.query_chunked_data(request(message)).await.map(|response| Pieces(response.into_inner()))
    }

    /// Makes each call of a stream, and returns its endpoint and its failure.
    pub(super) async fn stream(
        &self,
        subscribe: SubscribeStreamRequest,
        publish: PublishStreamRequest,
        run: RunStreamRequest,
    ) -> [(&'static str, Option<Status>); 3] {
        let service = stream::StreamService(self.backend.clone());
        [
            ("subscribeStream", service.subscribe_stream(Request::new(subscribe)).await.err()),
            ("publishStream", service.publish_stream(Request::new(publish)).await.err()),
            ("runStream", service.run_stream(Request::new(run)).await.err()),
        ]
    }

    /// Checks the health with this script.
    pub(super) async fn health(&self, script: &str) -> Result<CheckHealthResponse, Status> {
        self.health_of(Request::new, script).await
    }

    /// Checks the health as a caller that waits no longer than this.
    pub(super) async fn health_within(
        &self,
        patience: Duration,
        script: &str,
    ) -> Result<CheckHealthResponse, Status> {
        self.health_of(|message| within(patience, message), script).await
    }

    async fn health_of(
        &self,
        request: impl FnOnce(CheckHealthRequest) -> Request<CheckHealthRequest>,
        script: &str,
    ) -> Result<CheckHealthResponse, Status> {
        let mut context = context();
        context.data_source_instance_settings.get_or_insert_default().database = script.to_owned();
        let message = CheckHealthRequest { plugin_context: Some(context), ..Default::default() };
        let service = diagnostics::DiagnosticsService(self.backend.clone());
        service.check_health(request(message)).await.map(Response::into_inner)
    }

    /// Returns the process's metrics, as Grafana collects them.
    pub(super) async fn metrics(&self) -> String {
        let service = diagnostics::DiagnosticsService(self.backend.clone());
        let collected =
            service.collect_metrics(Request::new(CollectMetricsRequest::default())).await.unwrap();
        String::from_utf8(collected.into_inner().metrics.unwrap().prometheus.into()).unwrap()
    }

    /// Returns how often a call ended in this way: `queryData`, `error`, `downstream`.
    pub(super) fn counted(&self, endpoint: &str, status: &str, source: &str) -> String {
        let labels = format!(r#"endpoint="{endpoint}",status="{status}",status_source="{source}""#);
        self.loaded.metric(&format!("grafana_plugin_request_total{{{labels}}}"))
    }

    /// Calls a resource with this script.
    pub(super) async fn resource(&self, script: &str) -> Result<Pieces<CallResourceResponse>, Status> {
        self.resource_of(Request::new, script).await
    }

    /// Calls a resource as a caller that waits no longer than this.
    pub(super) async fn resource_within(
        &self,
        patience: Duration,
        script: &str,
    ) -> Result<Pieces<CallResourceResponse>, Status> {
        self.resource_of(|message| within(patience, message), script).await
    }

    async fn resource_of(
        &self,
        request: impl FnOnce(CallResourceRequest) -> Request<CallResourceRequest>,
        script: &str,
    ) -> Result<Pieces<CallResourceResponse>, Status> {
        let message = CallResourceRequest {
            plugin_context: Some(context()),
            body: script.to_owned().into(),
            ..Default::default()
        };
        let service = resource::ResourceService(self.backend.clone());
        service.call_resource(request(message)).await.map(|response| Pieces(response.into_inner()))
    }
}

/// Waits until everything that can happen has happened, on tokio's clock.
pub(super) async fn a_while() {
    tokio::time::sleep(Duration::from_secs(1)).await;
}
