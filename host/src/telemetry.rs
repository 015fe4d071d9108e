//! Tracing: which spans are recorded, how their context travels, and where they go.

mod allowance;
mod apart;
mod cause;
mod config;
mod connect;
mod export;
#[cfg(any(test, feature = "fuzz"))]
pub(crate) mod fuzz;
mod ids;
mod limited;
mod loss;
mod owner;
mod probe;
mod problem;
mod processor;
mod propagation;
mod queue;
mod report;
mod resource;
mod sampler;
mod tenant;
#[cfg(test)]
pub(crate) mod test;
mod weight;

use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use opentelemetry::trace::{SpanBuilder, TraceContextExt as _, Tracer as _, TracerProvider as _};
use opentelemetry::{Context, InstrumentationScope, KeyValue};
use opentelemetry_otlp::ExporterBuildError;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider, ShouldSample, SpanLimits, SpanProcessor};
use tokio::time::Instant;

pub(crate) use self::allowance::{CALL_BYTES, MAX_SPANS, RequestAllowance, SpanAllowance};
pub(crate) use self::apart::link_origin;
use self::config::Destination;
pub(crate) use self::config::{Fact, TracingConfig};
use self::export::ExportStatus;
use self::ids::{Ids, Known};
pub(crate) use self::ids::{KnownIds, new_span_id, new_trace_id};
pub(crate) use self::limited::{LimitedSpan, SPAN_BYTES, SPAN_ITEMS, SPAN_TEXT, span_text};
pub(crate) use self::loss::Losses;
use self::owner::SpanOwner;
pub(crate) use self::probe::{Probed, probe};
use self::processor::Processor;
pub(crate) use self::propagation::{Propagation, traceparent};
use self::queue::Queue;
pub(crate) use self::resource::ServiceIdentity;
use self::tenant::Tenant;
use crate::config::SpanChoices;
use crate::log::Log;

/// Of the time of a flush, the part that is spent waiting for spans to end: a quarter.
const SETTLE_SHARE: u32 = 4;

/// The scope of the spans that the host starts for itself.
const HOST_SCOPE: &str = "gpx-host";

/// The spans of one process. Cheap to clone; the default records nothing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Telemetry {
    propagation: Propagation,
    choices: Arc<SpanChoices>,
    recording: Option<Recording>,
}

/// Starts spans under one instrumentation scope. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) enum Tracer {
    /// Records and exports.
    On(SdkTracer, Arc<Queue>),
    /// Passes the parent's context on and records nothing.
    Off,
}

#[derive(Clone, Debug)]
struct Recording {
    plugin: SdkTracer,
    host: SdkTracer,
    queue: Arc<Queue>,
    status: Arc<ExportStatus>,
}

// === impl Telemetry ===

impl Telemetry {
    /// Starts tracing as `config` says. `attributes` come from the plugin's author and describe the resource.
    ///
    /// Must run inside the runtime that shall export: the export task and the connection live there.
    pub(crate) fn start(
        config: &TracingConfig,
        service: ServiceIdentity,
        attributes: Vec<KeyValue>,
        choices: Arc<SpanChoices>,
        log: Log,
    ) -> Self {
        let recording = config.destination().ok().and_then(|destination| {
            let sampler = config.sampling().start(&service.id, &log);
            let started = Recording::start(destination, config, service, attributes, sampler, &log);
            let failed = "Tracing is off: the exporter cannot be made";
            started.inspect_err(|error| log.error(failed, &[("error", error.to_string().into())])).ok()
        });
        Self { propagation: config.propagation(), choices, recording }
    }

    /// Returns the tracer of the plugin itself. As in the Go SDK, its scope is the plugin's id.
    pub(crate) fn plugin(&self) -> Tracer {
        self.recording.as_ref().map_or(Tracer::Off, |recording| recording.tracer(&recording.plugin))
    }

    /// Returns the tracer of the host. Its scope is the host's name.
    pub(crate) fn host(&self) -> Tracer {
        self.recording.as_ref().map_or(Tracer::Off, |recording| recording.tracer(&recording.host))
    }

    /// Returns the tracer of what the host does for calls, which records only if the operator wants to see that.
    pub(crate) fn steps(&self) -> Tracer {
        if self.choices.host { self.host() } else { Tracer::Off }
    }

    /// Returns what the operator wants of spans.
    pub(crate) fn choices(&self) -> &SpanChoices {
        &self.choices
    }

    /// Returns the context that a call's headers carry.
    pub(crate) fn extract(&self, headers: &HeaderMap) -> Context {
        self.propagation.extract(headers)
    }

    /// Writes `context` into the headers of an outgoing request and replaces any that were there. A context without a
    /// valid span leaves them as they are.
    pub(crate) fn inject(&self, context: &Context, headers: &mut HeaderMap) {
        self.propagation.inject(context, headers);
    }

    /// Returns a context whose spans in the scope of the plugin say that they are the tenant's. Empty: there is none.
    pub(crate) fn for_tenant(&self, context: &Context, tenant: &str) -> Context {
        match &self.recording {
            Some(_) if !tenant.is_empty() => context.with_value(Tenant::new(&span_text(tenant))),
            _ => context.clone(),
        }
    }

    /// Returns a context whose spans belong to the owner with that key. Each owner has its share of what waits for export.
    pub(crate) fn owned(&self, context: &Context, owner: impl Hash) -> Context {
        match &self.recording {
            Some(_) => context.with_value(SpanOwner::of(owner)),
            None => context.clone(),
        }
    }

    /// Returns a context for traces of their own, which are linked to the span of `context`; or `None` if that is not recorded,
    /// so that they are not either.
    pub(crate) fn apart(&self, context: &Context) -> Option<Context> {
        let is_sampled = context.span().span_context().is_sampled();
        (self.recording.is_some() && is_sampled).then(|| apart::context(context))
    }

    /// Exports the spans that have ended so far, and gives up after `within`. What is left then counts as dropped. Spans
    /// that are about to end have a part of that time: what was cancelled ends on other threads.
    pub(crate) async fn flush(&self, within: Duration) {
        if let Some(recording) = &self.recording {
            let until = Instant::now() + within;
            recording.queue.settle(within / SETTLE_SHARE).await;
            let left = until.saturating_duration_since(Instant::now());
            recording.status.flushed(recording.queue.flush(left).await);
        }
    }

    /// Returns how many spans the collector has taken.
    pub(crate) fn exported(&self) -> u64 {
        self.recording.as_ref().map_or(0, |recording| recording.queue.taken())
    }

    /// Returns the ended spans that are known not to have reached the collector.
    pub(crate) fn losses(&self) -> Losses {
        self.recording.as_ref().map(|recording| recording.queue.losses()).unwrap_or_default()
    }

    /// Returns how many requests to the collector had which result. Empty if tracing is off.
    pub(crate) fn export_attempts(&self) -> Vec<(&'static str, u64)> {
        self.recording.as_ref().map(|recording| recording.status.attempts()).unwrap_or_default()
    }

    /// Returns how many requests to the collector were sent again.
    pub(crate) fn export_retries(&self) -> u64 {
        self.recording.as_ref().map_or(0, |recording| recording.status.retries())
    }

    /// Returns what the ended spans weigh that have not been exported yet, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.recording.as_ref().map_or(0, |recording| recording.queue.bytes())
    }
}

// === impl Recording ===

impl Recording {
    /// Starts the export to `destination`, which is that of `config`.
    fn start(
        destination: &Destination,
        config: &TracingConfig,
        service: ServiceIdentity,
        attributes: Vec<KeyValue>,
        sampler: impl ShouldSample + Clone + 'static,
        log: &Log,
    ) -> Result<Self, ExporterBuildError> {
        let queue = Arc::new(Queue::default());
        let scope = service.id.clone();
        let resource = resource::resource(service, attributes, config.attributes());
        let status = export::start(destination, &resource, &queue, log)?;
        let processor = Processor::new(Arc::clone(&queue));
        Ok(Self::new(scope, resource, sampler, processor, queue, status))
    }

    /// Sets every value: whatever is missing, the SDK would take from `OTEL_*` variables.
    fn new(
        plugin_scope: String,
        resource: Resource,
        sampler: impl ShouldSample + Clone + 'static,
        processor: impl SpanProcessor + 'static,
        queue: Arc<Queue>,
        status: Arc<ExportStatus>,
    ) -> Self {
        let provider = SdkTracerProvider::builder()
            .with_resource(resource)
            .with_sampler(Known(sampler))
            .with_id_generator(Ids::default())
            .with_span_limits(SpanLimits {
                max_attributes_per_span: SPAN_ITEMS as u32,
                max_events_per_span: SPAN_ITEMS as u32,
                max_links_per_span: SPAN_ITEMS as u32,
                max_attributes_per_event: SPAN_ITEMS as u32,
                max_attributes_per_link: SPAN_ITEMS as u32,
            })
            .with_span_processor(processor)
            .build();
        let host = InstrumentationScope::builder(HOST_SCOPE).with_version(env!("CARGO_PKG_VERSION")).build();
        Self { plugin: provider.tracer(plugin_scope), host: provider.tracer_with_scope(host), queue, status }
    }

    fn tracer(&self, tracer: &SdkTracer) -> Tracer {
        Tracer::On(tracer.clone(), Arc::clone(&self.queue))
    }
}

// === impl Tracer ===

impl Tracer {
    /// Starts a child of `parent` and returns the context that holds it.
    pub(crate) fn start(&self, mut builder: SpanBuilder, parent: &Context) -> Context {
        match self {
            Tracer::On(tracer, _) => {
                if let Some(tenant) = parent.get::<Tenant>() {
                    builder.attributes.get_or_insert_default().push(tenant.attribute());
                }
                parent.with_span(tracer.build_with_context(builder, parent))
            }
            Tracer::Off => parent.clone(),
        }
    }

    /// Starts a child of `parent` within what its call may hold. The builder has no attributes, events and links: they
    /// are added to the span that is returned. Returns `None` if it would not be recorded, or exceeds the allowance.
    pub(crate) fn start_limited(
        &self,
        builder: SpanBuilder,
        parent: &Context,
        allowance: &Arc<SpanAllowance>,
    ) -> Option<LimitedSpan> {
        let Tracer::On(tracer, queue) = self else { return None };
        let outer = parent.span();
        let outer = outer.span_context();
        // The sampler's rule.
        if outer.is_valid() && !outer.is_sampled() {
            return None;
        }
        LimitedSpan::start(tracer, builder, parent, allowance, queue)
    }

    /// The same, with ids that are known already.
    pub(crate) fn start_limited_as(
        &self,
        known: KnownIds,
        builder: SpanBuilder,
        parent: &Context,
        allowance: &Arc<SpanAllowance>,
    ) -> Option<LimitedSpan> {
        ids::with(known, || self.start_limited(builder, parent, allowance))
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
