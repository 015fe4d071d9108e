//! The plugin's spans: where they come from, how they travel, where they go.

mod config;
mod connect;
mod export;
mod propagation;
mod queue;
mod resource;
mod sampler;
#[cfg(test)]
pub(crate) mod test;

use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use opentelemetry::trace::{SpanBuilder, TraceContextExt as _, Tracer as _, TracerProvider as _};
use opentelemetry::{Context, InstrumentationScope, KeyValue};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracer, SdkTracerProvider, SpanLimits, SpanProcessor};

pub use self::config::{Config, Problem, Settings};
pub use self::propagation::{Propagation, traceparent};
use self::queue::{Processor, Queue};
pub use self::resource::Service;
use crate::log::Log;

/// What one span may carry, and one event or link of it: OpenTelemetry's defaults, which the Go SDK has too.
const LIMIT: u32 = 128;

/// The scope of the spans that the host starts on its own account.
const HOST_SCOPE: &str = "gpx-host";

/// The spans of one process. Cheap to clone; the default records nothing.
#[derive(Clone, Debug, Default)]
pub struct Telemetry {
    propagation: Propagation,
    recording: Option<Recording>,
}

/// Starts spans under one instrumentation scope. Cheap to clone.
#[derive(Clone, Debug)]
pub enum Tracer {
    /// Records and exports.
    On(SdkTracer),
    /// Hands the parent's context on and keeps nothing.
    Off,
}

#[derive(Clone, Debug)]
struct Recording {
    plugin: SdkTracer,
    host: SdkTracer,
    queue: Arc<Queue>,
}

// === impl Telemetry ===

impl Telemetry {
    /// Starts tracing as `config` says; `attributes` are those of the plugin's author and describe the resource.
    ///
    /// Must run inside the runtime that is to export: the export task and the lazy connection live there.
    pub fn start(config: &Config, service: Service, attributes: Vec<KeyValue>, log: Log) -> Self {
        let Some(collector) = config.collector() else { return Self::default() };
        let queue = Arc::new(Queue::default());
        let scope = service.id.clone();
        let resource = resource::resource(service, attributes);
        tokio::spawn(export::run(collector, &resource, Arc::clone(&queue), log));
        let processor = Processor::new(Arc::clone(&queue));
        let recording = Recording::new(scope, resource, config.sampler(), processor, queue);
        Self { propagation: config.propagation(), recording: Some(recording) }
    }

    /// The tracer of the plugin itself: its scope is the plugin's id, as in the Go SDK.
    pub fn plugin(&self) -> Tracer {
        self.recording.as_ref().map_or(Tracer::Off, |recording| Tracer::On(recording.plugin.clone()))
    }

    /// The tracer of the host: its scope is the host's name.
    pub fn host(&self) -> Tracer {
        self.recording.as_ref().map_or(Tracer::Off, |recording| Tracer::On(recording.host.clone()))
    }

    /// The context that a call brought along.
    pub fn extract(&self, headers: &HeaderMap) -> Context {
        self.propagation.extract(headers)
    }

    /// Writes `context` into the headers of an outgoing request, replacing whatever they said. A context without a
    /// valid span leaves them as they are.
    pub fn inject(&self, context: &Context, headers: &mut HeaderMap) {
        self.propagation.inject(context, headers);
    }

    /// Exports what has ended so far, and gives up after `within`; what is left then counts as dropped.
    pub async fn flush(&self, within: Duration) {
        if let Some(recording) = &self.recording {
            recording.queue.flush(within).await;
        }
    }

    /// How many ended spans never reached the collector, as far as is known.
    pub fn dropped(&self) -> u64 {
        self.recording.as_ref().map_or(0, |recording| recording.queue.dropped())
    }
}

// === impl Recording ===

impl Recording {
    /// Each value is given: the SDK would take what is missing from `OTEL_*` variables.
    fn new(
        plugin_scope: String,
        resource: Resource,
        sampler: Sampler,
        processor: impl SpanProcessor + 'static,
        queue: Arc<Queue>,
    ) -> Self {
        let provider = SdkTracerProvider::builder()
            .with_resource(resource)
            .with_sampler(sampler)
            .with_span_limits(SpanLimits {
                max_attributes_per_span: LIMIT,
                max_events_per_span: LIMIT,
                max_links_per_span: LIMIT,
                max_attributes_per_event: LIMIT,
                max_attributes_per_link: LIMIT,
            })
            .with_span_processor(processor)
            .build();
        let host = InstrumentationScope::builder(HOST_SCOPE).with_version(env!("CARGO_PKG_VERSION")).build();
        Self { plugin: provider.tracer(plugin_scope), host: provider.tracer_with_scope(host), queue }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn without_tracing_the_incoming_context_goes_out_again() {
        let telemetry = Telemetry::default();
        let mut incoming = HeaderMap::new();
        incoming.insert("traceparent", TRACEPARENT.parse().unwrap());
        incoming.insert("tracestate", "vendor=1".parse().unwrap());
        let parent = telemetry.extract(&incoming);
        let context = telemetry.plugin().start(SpanBuilder::from_name("query"), &parent);
        assert!(!context.span().is_recording());
        let mut outgoing = HeaderMap::new();
        telemetry.inject(&context, &mut outgoing);
        assert_eq!(outgoing, incoming);
    }
}
