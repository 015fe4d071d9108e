//! Admission and conversion of objects, as Grafana calls them.

use bytes::Bytes;

use super::Call;
use crate::plugin::Plugin;
use crate::proto::pluginv2::admission_control_client::AdmissionControlClient;
use crate::proto::pluginv2::resource_conversion_client::ResourceConversionClient;
use crate::proto::pluginv2::{
    AdmissionRequest, ConversionRequest, ConversionResponse, GroupVersion, GroupVersionKind,
    MutationResponse, PluginContext, RawObject, ValidationResponse,
};

/// The group of settings, which are messages of the protocol.
pub const SETTINGS: &str = "grafana-plugin-sdk-go";

// === impl Plugin ===

impl Plugin {
    /// Calls ValidateAdmission for a new object of that kind.
    pub fn validate(
        &self,
        source: impl Into<PluginContext>,
        kind: &str,
        object: impl Into<Bytes>,
    ) -> Call<AdmissionRequest, ValidationResponse> {
        let mut client = AdmissionControlClient::new(self.channel.clone());
        Call::new(admission(source, kind, object), move |request| {
            Box::pin(async move { Ok(client.validate_admission(request).await?.into_inner()) })
        })
    }

    /// Calls MutateAdmission for a new object of that kind.
    pub fn mutate(
        &self,
        source: impl Into<PluginContext>,
        kind: &str,
        object: impl Into<Bytes>,
    ) -> Call<AdmissionRequest, MutationResponse> {
        let mut client =
            AdmissionControlClient::new(self.channel.clone()).max_decoding_message_size(usize::MAX);
        Call::new(admission(source, kind, object), move |request| {
            Box::pin(async move { Ok(client.mutate_admission(request).await?.into_inner()) })
        })
    }

    /// Calls ConvertObjects for JSON objects.
    pub fn convert(
        &self,
        source: impl Into<PluginContext>,
        version: &str,
        objects: impl IntoIterator<Item = serde_json::Value>,
    ) -> Call<ConversionRequest, ConversionResponse> {
        let json = |object: serde_json::Value| RawObject {
            raw: object.to_string().into(),
            content_type: "application/json".to_owned(),
        };
        let request = ConversionRequest {
            plugin_context: Some(source.into()),
            uid: "the id of the request".to_owned(),
            objects: objects.into_iter().map(json).collect(),
            target_version: Some(GroupVersion {
                group: "test.example".to_owned(),
                version: version.to_owned(),
            }),
        };
        let mut client =
            ResourceConversionClient::new(self.channel.clone()).max_decoding_message_size(usize::MAX);
        Call::new(request, move |request| {
            Box::pin(async move { Ok(client.convert_objects(request).await?.into_inner()) })
        })
    }
}

fn admission(source: impl Into<PluginContext>, kind: &str, object: impl Into<Bytes>) -> AdmissionRequest {
    let group = if kind.ends_with("InstanceSettings") { SETTINGS } else { "test.example" };
    let kind = GroupVersionKind { group: group.to_owned(), version: "v1".to_owned(), kind: kind.to_owned() };
    AdmissionRequest {
        plugin_context: Some(source.into()),
        operation: 0,
        kind: Some(kind),
        object_bytes: object.into(),
        old_object_bytes: Bytes::new(),
    }
}
