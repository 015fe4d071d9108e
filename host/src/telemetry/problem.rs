//! The settings for tracing that could not be followed.

use crate::config::{Expected, Origin};

/// Names the setting, what happens instead, and the remedy.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(crate) enum TracingProblem {
    #[error("{origin} must be {expected}; until it is corrected, {instead}")]
    Invalid { origin: Origin, expected: Expected, instead: Expected },
    #[error(
        "tracing is off: the collector's address {0:?} is not host:port; set `address` under \
         [tracing.opentelemetry.otlp], without a scheme"
    )]
    Address(String),
    #[error(
        "tracing is off: {0} is set without its counterpart; set both gpx_otlp_client_cert and gpx_otlp_client_key"
    )]
    Half(Origin),
    #[error("tracing is off: there are files for TLS, but {0} starts with http://; write https://")]
    Plaintext(Origin),
    #[error("{0} has a path, which gRPC does not use; remove it, or set gpx_otlp_protocol = http/protobuf")]
    Path(Origin),
    #[error(
        "trace propagation {name:?} is not supported, {instead} is used; set `propagation` under \
         [tracing.opentelemetry.otlp] to w3c, jaeger or both"
    )]
    Propagation { name: String, instead: &'static str },
    #[error(
        "{0} is remote, but no server is named, so nobody is asked; set gpx_sampler_url, or `sampling_server_url` \
         under [tracing.opentelemetry]"
    )]
    NoSamplerUrl(Origin),
}

// === impl TracingProblem ===

impl TracingProblem {
    pub(super) fn invalid(origin: Origin, expected: Expected, instead: Expected) -> Self {
        Self::Invalid { origin, expected, instead }
    }

    /// Returns where the value that could not be followed comes from.
    pub(crate) fn origin(&self) -> Origin {
        match self {
            Self::Invalid { origin, .. }
            | Self::Half(origin)
            | Self::Plaintext(origin)
            | Self::Path(origin)
            | Self::NoSamplerUrl(origin) => *origin,
            Self::Address(_) | Self::Propagation { .. } => Origin::Grafana("[tracing.opentelemetry.otlp]"),
        }
    }
}
