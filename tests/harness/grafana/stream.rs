//! Streams of Grafana Live, as Grafana calls them.

use std::collections::HashMap;

use bytes::Bytes;
use serde_json::Value;
use tonic::{Status, Streaming};

use super::Call;
use crate::plugin::Plugin;
use crate::proto::pluginv2::stream_client::StreamClient;
use crate::proto::pluginv2::{
    PluginContext, PublishStreamRequest, PublishStreamResponse, RunStreamRequest, StreamPacket,
    SubscribeStreamRequest, SubscribeStreamResponse,
};

/// The packets of a stream, as a subscriber gets them.
pub struct Packets(Streaming<StreamPacket>);

// === impl Plugin ===

impl Plugin {
    pub fn subscribe(
        &self,
        source: impl Into<PluginContext>,
        path: &str,
        data: impl Into<Bytes>,
    ) -> Call<SubscribeStreamRequest, SubscribeStreamResponse> {
        self.channel.subscribe(source, path, data)
    }

    pub fn publish(
        &self,
        source: impl Into<PluginContext>,
        path: &str,
        data: impl Into<Bytes>,
    ) -> Call<PublishStreamRequest, PublishStreamResponse> {
        let request = PublishStreamRequest {
            plugin_context: Some(source.into()),
            path: path.to_owned(),
            data: data.into(),
            headers: HashMap::new(),
        };
        let mut client = StreamClient::new(self.channel.clone());
        Call::new(request, move |request| {
            Box::pin(async move { Ok(client.publish_stream(request).await?.into_inner()) })
        })
    }

    /// Calls RunStream; dropping the packets hangs up.
    pub fn run_stream(
        &self,
        source: impl Into<PluginContext>,
        path: &str,
        data: impl Into<Bytes>,
    ) -> Call<RunStreamRequest, Packets> {
        self.channel.run_stream(source, path, data).map(Packets)
    }
}

// === impl Packets ===

impl Packets {
    /// Returns the next packet, which is JSON. Fails the test if there is none.
    pub async fn next(&mut self) -> Value {
        self.try_next().await.unwrap_or_else(|status| panic!("the stream has failed: {status:?}"))
    }

    /// Returns the next packet, or the error that ends the stream.
    pub async fn try_next(&mut self) -> Result<Value, Status> {
        let packet = self.0.message().await?.expect("the stream has not ended");
        Ok(serde_json::from_slice(&packet.data).expect("a packet is JSON"))
    }

    /// Reads to the end. Returns the packets that are left, and the status if it is an error.
    pub async fn rest(mut self) -> (Vec<Value>, Option<Status>) {
        let mut packets = Vec::new();
        loop {
            match self.0.message().await {
                Ok(Some(packet)) => {
                    packets.push(serde_json::from_slice(&packet.data).expect("a packet is JSON"));
                }
                Ok(None) => return (packets, None),
                Err(status) => return (packets, Some(status)),
            }
        }
    }
}
