//! The rows for tracing. `telemetry` parses their values, since most have a second source.

use super::row::{DURATION, LIST_OF_PAIRS, Setting};

pub(in crate::config) const OTLP_ENDPOINT: Setting = Setting {
    name: "gpx_otlp_endpoint",
    kind: "URL, `http://` or `https://`",
    default: "",
    when_bad: "",
    meaning: "Where spans are sent, instead of Grafana's `address` under `[tracing.opentelemetry.otlp]`. With `https://`, only by \
              TLS. For `http/protobuf`, `/v1/traces` is added to the path. If it is invalid, tracing is off.",
};
pub(in crate::config) const OTLP_PROTOCOL: Setting = Setting {
    name: "gpx_otlp_protocol",
    kind: "`grpc` or `http/protobuf`",
    default: "grpc",
    when_bad: "grpc",
    meaning: "How spans are sent.",
};
pub(in crate::config) const OTLP_HEADERS: Setting = Setting {
    name: "gpx_otlp_headers",
    kind: LIST_OF_PAIRS,
    default: "",
    when_bad: "",
    meaning: "Headers that are sent with the spans, such as `Authorization=Bearer%20token`. Their values are secrets: they are \
              never printed.",
};
pub(in crate::config) const OTLP_CA_FILE: Setting = Setting {
    name: "gpx_otlp_ca_file",
    kind: "absolute path",
    default: "",
    when_bad: "",
    meaning: "CA certificates in PEM, one of which must have signed the collector's. If empty, those that the system trusts. With \
              it, Grafana's address is reached by TLS only. If it is invalid, tracing is off.",
};
pub(in crate::config) const OTLP_CLIENT_CERT: Setting = Setting {
    name: "gpx_otlp_client_cert",
    kind: "absolute path",
    default: "",
    when_bad: "",
    meaning: "The certificate, as PEM, that is shown to the collector, with `gpx_otlp_client_key`. With it, Grafana's address is \
              reached by TLS only. If it is invalid, tracing is off.",
};
pub(in crate::config) const OTLP_CLIENT_KEY: Setting = Setting {
    name: "gpx_otlp_client_key",
    kind: "absolute path",
    default: "",
    when_bad: "",
    meaning: "The private key, as PEM, of `gpx_otlp_client_cert`. If it is invalid, tracing is off.",
};
pub(in crate::config) const OTLP_COMPRESSION: Setting = Setting {
    name: "gpx_otlp_compression",
    kind: "`gzip` or `none`",
    default: "none",
    when_bad: "none",
    meaning: "How spans are compressed when they are sent.",
};
pub(in crate::config) const OTLP_TIMEOUT: Setting = Setting {
    name: "gpx_otlp_timeout",
    kind: DURATION,
    default: "10s",
    when_bad: "10s",
    meaning: "How long one attempt to send spans may take.",
};
pub(in crate::config) const SAMPLER_TYPE: Setting = Setting {
    name: "gpx_sampler_type",
    kind: "`const`, `probabilistic`, `rateLimiting` or `remote`",
    default: "",
    when_bad: "const",
    meaning: "Which traces are recorded of those that begin in the plugin, instead of Grafana's `sampler_type` under \
              `[tracing.opentelemetry]`. A trace that Grafana has begun is recorded if Grafana records it.",
};
pub(in crate::config) const SAMPLER_PARAM: Setting = Setting {
    name: "gpx_sampler_param",
    kind: "number",
    default: "1",
    when_bad: "1",
    meaning: "For `const` 1 (all) or 0 (none), for `probabilistic` the part from 0 to 1, for `rateLimiting` traces a \
              second, for `remote` the part until the server has answered. If it is empty and `gpx_sampler_type` too, Grafana's \
              `sampler_param` counts.",
};
pub(in crate::config) const SAMPLER_URL: Setting = Setting {
    name: "gpx_sampler_url",
    kind: "URL, `http://` or `https://`",
    default: "",
    when_bad: "",
    meaning: "Where `remote` asks for the sampling strategy, such as `http://jaeger:5778/sampling`. If it is empty and \
              `gpx_sampler_type` too, Grafana's `sampling_server_url` counts.",
};
pub(in crate::config) const RESOURCE_ATTRIBUTES: Setting = Setting {
    name: "gpx_resource_attributes",
    kind: LIST_OF_PAIRS,
    default: "",
    when_bad: "",
    meaning: "Attributes of the resource of all spans, such as `deployment.environment=prod,team=a%2Cb`. They replace those of the \
              same name that the plugin's author gave. If it is invalid, nothing is added.",
};

pub(super) const ALL: [&Setting; 12] = [
    &OTLP_ENDPOINT,
    &OTLP_PROTOCOL,
    &OTLP_HEADERS,
    &OTLP_CA_FILE,
    &OTLP_CLIENT_CERT,
    &OTLP_CLIENT_KEY,
    &OTLP_COMPRESSION,
    &OTLP_TIMEOUT,
    &SAMPLER_TYPE,
    &SAMPLER_PARAM,
    &SAMPLER_URL,
    &RESOURCE_ATTRIBUTES,
];
