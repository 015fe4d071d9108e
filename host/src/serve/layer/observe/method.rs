//! The methods of Grafana's protocol, for the metrics' labels.

use std::collections::HashMap;
use std::sync::Arc;

use prost::Message as _;
use prost_types::FileDescriptorSet;

use crate::metrics::Labels;
use crate::proto::DESCRIPTORS;

const PACKAGE: &str = "pluginv2";

/// By name, such as `pluginv2.Data/QueryData`.
pub(super) struct Methods(HashMap<String, Arc<Method>>);

#[derive(Debug)]
pub(super) struct Method {
    kind: &'static str,
    service: String,
    name: String,
}

// === impl Methods ===

impl Methods {
    pub(super) fn known() -> Self {
        // The build wrote them, so they are valid.
        let files = FileDescriptorSet::decode(DESCRIPTORS).unwrap_or_default().file;
        let services = files.iter().filter(|file| file.package() == PACKAGE).flat_map(|file| &file.service);
        let methods = services.flat_map(|service| {
            let service_name = format!("{PACKAGE}.{}", service.name());
            service.method.iter().map(move |method| {
                let kind = match (method.client_streaming(), method.server_streaming()) {
                    (false, false) => "unary",
                    (true, false) => "client_stream",
                    (false, true) => "server_stream",
                    (true, true) => "bidi_stream",
                };
                let name = method.name().to_owned();
                let path = format!("{service_name}/{name}");
                (path, Arc::new(Method { kind, service: service_name.clone(), name }))
            })
        });
        Self(methods.collect())
    }

    pub(super) fn get(&self, path: &str) -> Option<Arc<Method>> {
        self.0.get(path).cloned()
    }
}

// === impl Method ===

impl Method {
    pub(super) fn labels(&self) -> Labels<'_> {
        Labels { kind: self.kind, service: &self.service, method: &self.name }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_protocols_methods_are_known_and_no_others() {
        let methods = Methods::known();
        let labels = |path| methods.get(path).map(|method| (method.kind, method.name.clone()));
        assert_eq!(labels("pluginv2.Data/QueryData"), Some(("unary", "QueryData".into())));
        assert_eq!(labels("pluginv2.Resource/CallResource"), Some(("server_stream", "CallResource".into())));
        assert_eq!(labels("pluginv2.Data/Invented"), None);
        assert_eq!(labels("plugin.GRPCBroker/StartStream"), None);
        // Call::arrived counts one message for each.
        assert!(methods.0.values().all(|method| matches!(method.kind, "unary" | "server_stream")));
    }
}
