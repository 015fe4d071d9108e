//! The plugin's spans: where they come from, how they travel, where they go.

use opentelemetry::Context;
use opentelemetry::trace::{SpanBuilder, TraceContextExt as _, Tracer as _};

/// The spans of one process. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Telemetry {}

/// Starts spans under one instrumentation scope. Cheap to clone.
#[derive(Clone, Debug)]
pub enum Tracer {
    /// Records and exports.
    On(opentelemetry_sdk::trace::SdkTracer),
    /// Hands the parent's context on and keeps nothing.
    Off,
}

// === impl Telemetry ===

impl Telemetry {
    /// The tracer of the plugin itself: its scope is the plugin's id, as in the Go SDK.
    pub fn plugin(&self) -> Tracer {
        Tracer::Off
    }

    /// The context that a call brought along.
    pub fn extract(&self, _headers: &http::HeaderMap) -> Context {
        Context::new()
    }

    /// Writes `context` into the headers of an outgoing request, replacing whatever they said.
    pub fn inject(&self, _context: &Context, _headers: &mut http::HeaderMap) {}
}

// === impl Tracer ===

impl Tracer {
    /// Starts a span below `parent`, and gives the context that holds it.
    pub fn start(&self, builder: SpanBuilder, parent: &Context) -> Context {
        match self {
            Tracer::On(tracer) => parent.with_span(tracer.build_with_context(builder, parent)),
            Tracer::Off => parent.clone(),
        }
    }
}
