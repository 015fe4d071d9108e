//! The environment of a plugin's process, which says nearly all that Grafana tells it before the first call.

use std::collections::BTreeMap;

pub type Variables = BTreeMap<String, String>;

/// The variables of its own environment that Grafana passes on.
pub const PASSED_ON: [&str; 6] =
    ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"];

/// What Grafana 13 and go-plugin 1.8 pass to every plugin. PATH, HOME and the like are not included.
pub fn of_grafana() -> Variables {
    variables([
        ("grafana_plugin_type", "datasource"),
        ("PLUGIN_MIN_PORT", "10000"),
        ("PLUGIN_MAX_PORT", "25000"),
        ("PLUGIN_PROTOCOL_VERSIONS", "2"),
        ("GF_VERSION", "13.1.0"),
        ("GF_EDITION", "Open Source"),
        ("GF_ENTERPRISE_LICENSE_PATH", ""),
        ("GF_ENTERPRISE_APP_URL", "http://localhost:3000/"),
    ])
}

/// What Grafana adds if its own traces go to `collector`, a host and a port.
pub fn tracing(collector: &str, plugin_version: &str) -> Variables {
    variables([
        ("GF_INSTANCE_OTLP_ADDRESS", collector),
        ("GF_INSTANCE_OTLP_PROPAGATION", "w3c"),
        ("GF_INSTANCE_OTLP_SAMPLER_TYPE", ""),
        ("GF_INSTANCE_OTLP_SAMPLER_PARAM", "1.000000"),
        ("GF_INSTANCE_OTLP_SAMPLER_REMOTE_URL", ""),
        ("GF_PLUGIN_VERSION", plugin_version),
    ])
}

/// The variable for a key of `[plugin.<id>]` in grafana.ini.
pub fn setting(key: &str) -> String {
    format!("GF_PLUGIN_{}", key.to_uppercase())
}

fn variables<const N: usize>(pairs: [(&str, &str); N]) -> Variables {
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}
