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
        "tracing is off: {0} needs gpx_otlp_client_cert and gpx_otlp_client_key, both; set the other one"
    )]
    Half(Origin),
    #[error("tracing is off: there are files for TLS, but {0} starts with http://; write https://")]
    Plaintext(Origin),
    #[error("{0} has a path, which gRPC does not use; remove it, or set gpx_otlp_protocol = http/protobuf")]
    Path(Origin),
    #[error(
        "trace propagation {0:?} is not supported, W3C is used; set `propagation` under \
         [tracing.opentelemetry.otlp] to w3c"
    )]
    Propagation(String),
    #[error(
        "trace sampler {0:?} is not supported, every trace is recorded; set `sampler_type` under \
         [tracing.opentelemetry] to const"
    )]
    SamplerType(String),
    #[error(
        "trace sampler parameter {0:?} is not a number, 1.0 is used; set `sampler_param` under [tracing.opentelemetry]"
    )]
    SamplerParam(String),
    #[error(
        "a const trace sampler is 0 or 1, not {0}, every trace is recorded; set `sampler_param` under \
         [tracing.opentelemetry]"
    )]
    SamplerRange(f64),
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
            | Self::Path(origin) => *origin,
            Self::Address(_)
            | Self::Propagation(_)
            | Self::SamplerType(_)
            | Self::SamplerParam(_)
            | Self::SamplerRange(_) => Origin::Grafana("[tracing.opentelemetry]"),
        }
    }
}
