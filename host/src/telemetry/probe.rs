//! Sends one span, for people who want to know whether tracing works.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry::trace::{SpanBuilder, TraceContextExt as _, TraceId};
use opentelemetry_sdk::trace::Sampler;

use super::cause::Cause;
use super::config::TracingConfig;
use super::export::ExportState;
use super::{Recording, ServiceIdentity, Telemetry};
use crate::log::Log;

/// How much longer than for the answer the probe waits.
const MARGIN: Duration = Duration::from_secs(1);

/// What became of the span.
#[derive(Debug)]
pub(crate) enum Probed {
    Taken(TraceId),
    /// The collector answers, but does not take the span.
    Refused {
        error: String,
    },
    Failed {
        cause: Cause,
        error: String,
    },
    /// The exporter could not be made.
    Impossible {
        error: String,
    },
}

/// Sends a span, whatever the sampler says, and returns what became of it.
pub(crate) async fn probe(config: &TracingConfig, service: ServiceIdentity, log: &Log) -> Probed {
    let destination = match config.destination() {
        Ok(destination) => destination,
        Err(off) => return Probed::Impossible { error: off.to_string() },
    };
    let recording = match Recording::start(destination, config, service, Vec::new(), Sampler::AlwaysOn, log) {
        Ok(recording) => recording,
        Err(error) => return Probed::Impossible { error: error.to_string() },
    };
    let status = Arc::clone(&recording.status);
    let telemetry = Telemetry { recording: Some(recording), ..Telemetry::default() };
    let span = telemetry.host().start(SpanBuilder::from_name("gpx-host doctor"), &Context::new());
    let trace = span.span().span_context().trace_id();
    span.span().end();
    telemetry.flush(*destination.timeout + MARGIN).await;
    match status.state() {
        ExportState::Failing { cause, error, .. } => Probed::Failed { cause, error },
        ExportState::Working if telemetry.exported() > 0 => Probed::Taken(trace),
        ExportState::Working => Probed::Refused { error: status.refusal().unwrap_or_default() },
        ExportState::Untried => {
            Probed::Failed { cause: Cause::Timeout, error: "no answer in time".to_owned() }
        }
    }
}
