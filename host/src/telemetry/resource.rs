//! The resource of the spans: which service they come from.

use opentelemetry::KeyValue;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::resource::TelemetryResourceDetector;

/// The plugin, as `plugin.json` names it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ServiceIdentity {
    /// The plugin's id.
    pub id: String,
    /// The plugin's version; empty if unknown.
    pub version: String,
}

/// As in the Go SDK, the author's `attributes` may replace those of the service, but not those of the SDK.
pub(super) fn resource(service: ServiceIdentity, attributes: Vec<KeyValue>) -> Resource {
    Resource::builder_empty()
        .with_attributes([
            KeyValue::new("service.name", service.id),
            KeyValue::new("service.version", service.version),
        ])
        .with_attributes(attributes)
        .with_detector(Box::new(TelemetryResourceDetector))
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::{Key, Value};

    fn text(resource: &Resource, key: &'static str) -> Option<String> {
        resource.get(&Key::from_static_str(key)).map(|value: Value| value.as_str().into_owned())
    }

    #[test]
    fn the_version_is_there_even_if_unknown() {
        let service = ServiceIdentity { id: "my-plugin".into(), version: String::new() };
        let resource = resource(service, Vec::new());
        assert_eq!(text(&resource, "service.name").as_deref(), Some("my-plugin"));
        assert_eq!(text(&resource, "service.version").as_deref(), Some(""));
        assert_eq!(text(&resource, "telemetry.sdk.language").as_deref(), Some("rust"));
        assert_eq!(resource.len(), 5);
    }

    #[test]
    fn the_authors_attributes_win_over_the_services() {
        let service = ServiceIdentity { id: "my-plugin".into(), version: "1.0.0".into() };
        let attributes = vec![
            KeyValue::new("service.name", "renamed"),
            KeyValue::new("telemetry.sdk.language", "go"),
            KeyValue::new("mine", 1),
        ];
        let resource = resource(service, attributes);
        assert_eq!(text(&resource, "service.name").as_deref(), Some("renamed"));
        assert_eq!(text(&resource, "service.version").as_deref(), Some("1.0.0"));
        assert_eq!(text(&resource, "telemetry.sdk.language").as_deref(), Some("rust"));
        assert_eq!(text(&resource, "mine").as_deref(), Some("1"));
    }
}
