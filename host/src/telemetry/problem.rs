//! The settings for tracing that could not be followed.

/// Names the setting, what happens instead, and the remedy.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(crate) enum TracingProblem {
    #[error(
        "tracing is off: the collector's address {0:?} is not host:port; set `address` under \
         [tracing.opentelemetry.otlp], without a scheme"
    )]
    Address(String),
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
