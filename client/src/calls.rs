//! The calls that Grafana makes. Each is awaited, or given headers and metadata first.

use std::collections::HashMap;

use bytes::Bytes;
use tonic::Streaming;

use crate::call::Call;
use crate::channel::Channel;
use crate::proto::pluginv2::data_client::DataClient;
use crate::proto::pluginv2::diagnostics_client::DiagnosticsClient;
use crate::proto::pluginv2::resource_client::ResourceClient;
use crate::proto::pluginv2::stream_client::StreamClient;
use crate::proto::pluginv2::{
    CallResourceRequest, CallResourceResponse, CheckHealthRequest, CheckHealthResponse, DataFrameFormat,
    DataQuery, PluginContext, QueryDataRequest, QueryDataResponse, RunStreamRequest, StreamPacket,
    SubscribeStreamRequest, SubscribeStreamResponse,
};

// === impl Channel ===

impl Channel {
    /// Calls QueryData and asks for JSON frames, like the newest Grafana.
    pub fn query(
        &self,
        context: impl Into<PluginContext>,
        queries: Vec<DataQuery>,
    ) -> Call<QueryDataRequest, QueryDataResponse> {
        let request = QueryDataRequest {
            plugin_context: Some(context.into()),
            headers: HashMap::new(),
            queries,
            format: DataFrameFormat::Json.into(),
        };
        let mut client = DataClient::new(self.clone())
            .max_decoding_message_size(usize::MAX)
            .max_encoding_message_size(usize::MAX);
        Call::new(request, move |request| {
            Box::pin(async move { Ok(client.query_data(request).await?.into_inner()) })
        })
    }

    pub fn health(&self, context: impl Into<PluginContext>) -> Call<CheckHealthRequest, CheckHealthResponse> {
        let request = CheckHealthRequest { plugin_context: Some(context.into()), headers: HashMap::new() };
        let mut client = DiagnosticsClient::new(self.clone());
        Call::new(request, move |request| {
            Box::pin(async move { Ok(client.check_health(request).await?.into_inner()) })
        })
    }

    /// Calls CallResource; `url` is a path, and can have a query string.
    pub fn resource(
        &self,
        context: impl Into<PluginContext>,
        method: &str,
        url: &str,
        body: impl Into<Bytes>,
    ) -> Call<CallResourceRequest, Streaming<CallResourceResponse>> {
        let request = CallResourceRequest {
            plugin_context: Some(context.into()),
            path: url.split('?').next().unwrap_or_default().to_owned(),
            method: method.to_owned(),
            url: url.to_owned(),
            headers: HashMap::new(),
            body: body.into(),
        };
        let mut client = ResourceClient::new(self.clone());
        Call::new(request, move |request| {
            Box::pin(async move { Ok(client.call_resource(request).await?.into_inner()) })
        })
    }

    pub fn subscribe(
        &self,
        context: impl Into<PluginContext>,
        path: &str,
        data: impl Into<Bytes>,
    ) -> Call<SubscribeStreamRequest, SubscribeStreamResponse> {
        let request = SubscribeStreamRequest {
            plugin_context: Some(context.into()),
            path: path.to_owned(),
            data: data.into(),
            headers: HashMap::new(),
        };
        let mut client = StreamClient::new(self.clone());
        Call::new(request, move |request| {
            Box::pin(async move { Ok(client.subscribe_stream(request).await?.into_inner()) })
        })
    }

    /// Calls RunStream; dropping the packets hangs up.
    pub fn run_stream(
        &self,
        context: impl Into<PluginContext>,
        path: &str,
        data: impl Into<Bytes>,
    ) -> Call<RunStreamRequest, Streaming<StreamPacket>> {
        let request = RunStreamRequest {
            plugin_context: Some(context.into()),
            path: path.to_owned(),
            data: data.into(),
            headers: HashMap::new(),
        };
        let mut client = StreamClient::new(self.clone()).max_decoding_message_size(usize::MAX);
        Call::new(request, move |request| {
            Box::pin(async move { Ok(client.run_stream(request).await?.into_inner()) })
        })
    }
}
