//! The methods that can be served, for the metrics' labels.

use std::collections::HashMap;
use std::sync::Arc;

use prost::Message as _;
use prost_types::FileDescriptorSet;

use crate::metrics::Labels;
use crate::proto::{ALL_DESCRIPTORS, OPTIONAL, SERVED};

/// By name, such as `pluginv2.Data/QueryData`.
pub(super) struct Methods(HashMap<String, Arc<Method>>);

#[derive(Debug)]
pub(super) struct Method {
    kind: &'static str,
    pub service: &'static str,
    name: String,
    /// Whether it depends on the component whether its service is there.
    pub is_optional: bool,
    /// Whether it takes a stream of messages.
    pub takes_stream: bool,
}

// === impl Methods ===

impl Methods {
    pub(super) fn known() -> Self {
        // The build wrote them, so they are valid.
        let sets = ALL_DESCRIPTORS.iter().map(|set| FileDescriptorSet::decode(*set).unwrap_or_default());
        let mut methods = HashMap::new();
        for file in sets.flat_map(|set| set.file) {
            for service in &file.service {
                let full_name = format!("{}.{}", file.package(), service.name());
                let mut known = SERVED.into_iter().chain(OPTIONAL);
                let Some(served) = known.find(|served| *served == full_name) else { continue };
                let is_optional = OPTIONAL.contains(&served);
                for method in &service.method {
                    let takes_stream = method.client_streaming();
                    let kind = match (takes_stream, method.server_streaming()) {
                        (false, false) => "unary",
                        (true, false) => "client_stream",
                        (false, true) => "server_stream",
                        (true, true) => "bidi_stream",
                    };
                    let name = method.name().to_owned();
                    let method = Method { kind, service: served, name, is_optional, takes_stream };
                    methods.insert(format!("{served}/{}", method.name), Arc::new(method));
                }
            }
        }
        Self(methods)
    }

    pub(super) fn get(&self, path: &str) -> Option<Arc<Method>> {
        self.0.get(path).cloned()
    }
}

// === impl Method ===

impl Method {
    pub(super) fn labels(&self) -> Labels<'_> {
        Labels { kind: self.kind, service: self.service, method: &self.name }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_served_is_known_and_nothing_else() {
        let methods = Methods::known();
        let kind = |path| methods.get(path).map(|method| method.kind);
        for (path, expected) in [
            ("pluginv2.Data/QueryData", Some("unary")),
            ("pluginv2.Resource/CallResource", Some("server_stream")),
            ("plugin.GRPCBroker/StartStream", Some("bidi_stream")),
            ("plugin.GRPCStdio/StreamStdio", Some("server_stream")),
            ("grpc.health.v1.Health/Check", Some("unary")),
            ("grpc.reflection.v1.ServerReflection/ServerReflectionInfo", Some("bidi_stream")),
            ("grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", Some("bidi_stream")),
            ("pluginv2.Data/Invented", None),
            ("pluginv2.AdmissionControl/ValidateAdmission", Some("unary")),
            ("pluginv2.ResourceConversion/ConvertObjects", Some("unary")),
        ] {
            assert_eq!(kind(path), expected, "{path}");
        }
        let services: std::collections::HashSet<_> =
            methods.0.values().map(|method| method.service).collect();
        assert_eq!(services.len(), SERVED.len() + OPTIONAL.len());
        assert!(OPTIONAL.iter().all(|service| services.contains(service)));
    }
}
