//! The resource of the spans: which service they come from.

use opentelemetry::KeyValue;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::resource::TelemetryResourceDetector;

use crate::config::{Given, Origin};

/// The plugin, as `plugin.json` names it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ServiceIdentity {
    /// The plugin's id.
    pub id: String,
    /// The plugin's version; empty if unknown.
    pub version: String,
}

/// Of several attributes with one name, the last one counts: the service's own, those of the plugin's author, those of the
/// operator's settings, and those of the SDK. As in the Go SDK, OpenTelemetry's variables come before all of them.
pub(super) fn resource(
    service: ServiceIdentity,
    author: Vec<KeyValue>,
    operator: &Given<Vec<KeyValue>>,
) -> Resource {
    let (plugin, variables) = match operator.origin {
        Origin::Plugin(_) => (operator.as_slice(), &[][..]),
        _ => (&[][..], operator.as_slice()),
    };
    Resource::builder_empty()
        .with_attributes(variables.iter().cloned())
        .with_attributes([
            KeyValue::new("service.name", service.id),
            KeyValue::new("service.version", service.version),
        ])
        .with_attributes(author)
        .with_attributes(plugin.iter().cloned())
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
        let resource = resource(service, Vec::new(), &Given::default());
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
        let resource = resource(service, attributes, &Given::default());
        assert_eq!(text(&resource, "service.name").as_deref(), Some("renamed"));
        assert_eq!(text(&resource, "service.version").as_deref(), Some("1.0.0"));
        assert_eq!(text(&resource, "telemetry.sdk.language").as_deref(), Some("rust"));
        assert_eq!(text(&resource, "mine").as_deref(), Some("1"));
    }

    #[test]
    fn the_operators_attributes_win_over_the_authors_and_those_of_variables_over_none() {
        let attributes = |origin| Given {
            value: ["service.name", "mine", "telemetry.sdk.language", "theirs"]
                .map(|key| KeyValue::new(key, "operator's"))
                .to_vec(),
            origin,
        };
        let texts = |origin| {
            let service = ServiceIdentity { id: "my-plugin".into(), version: "1.0.0".into() };
            let resource = resource(service, vec![KeyValue::new("mine", "author's")], &attributes(origin));
            ["service.name", "mine", "telemetry.sdk.language", "theirs"]
                .map(|key| text(&resource, key).unwrap_or_default())
        };
        let plugin = texts(Origin::Plugin("gpx_resource_attributes"));
        assert_eq!(plugin, ["operator's", "operator's", "rust", "operator's"]);
        let variable = texts(Origin::Otel("OTEL_RESOURCE_ATTRIBUTES"));
        assert_eq!(variable, ["my-plugin", "author's", "rust", "operator's"]);
    }
}
