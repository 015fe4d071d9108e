//! What the host does for a call, as spans of the call's trace, if the operator wants to see it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use opentelemetry::trace::{SpanBuilder, SpanKind, Status};
use opentelemetry::{Context, KeyValue};

use crate::telemetry::{LimitedSpan, SpanAllowance, Telemetry, Tracer, span_text};

/// The steps of one call.
pub(crate) struct Steps(Option<Shown>);

/// A step that has begun. It ends when this is dropped. Boxed, since few operators want to see it: the future of each call would
/// have room for it.
pub(crate) struct Step(Option<Box<LimitedSpan>>);

struct Shown {
    tracer: Tracer,
    /// The span of the call.
    parent: Context,
    allowance: Arc<SpanAllowance>,
    /// What the component's functions have used in all, in nanoseconds.
    cpu: AtomicU64,
    /// The most that one instance had, in bytes.
    memory: AtomicUsize,
}

// === impl Steps ===

impl Steps {
    pub(super) fn new(telemetry: &Telemetry, parent: &Context) -> Self {
        let tracer = telemetry.steps();
        let shown = matches!(tracer, Tracer::On(..)).then(|| Shown {
            tracer,
            parent: parent.clone(),
            allowance: SpanAllowance::of_call(None),
            cpu: AtomicU64::new(0),
            memory: AtomicUsize::new(0),
        });
        Self(shown)
    }

    pub(crate) fn begin(&self, name: &'static str) -> Step {
        let start = |shown: &Shown| {
            let builder = SpanBuilder::from_name(name).with_kind(SpanKind::Internal);
            shown.tracer.start_limited(builder, &shown.parent, &shown.allowance)
        };
        Step(self.0.as_ref().and_then(start).map(Box::new))
    }

    /// Notes what a function of the component has used, in `step` and for the call: processor time, and the memory of its
    /// instance in bytes.
    pub(crate) fn used(&self, step: &Step, cpu: Duration, memory: usize) {
        let Some(shown) = &self.0 else { return };
        let nanoseconds = u64::try_from(cpu.as_nanos()).unwrap_or(u64::MAX);
        shown.cpu.fetch_add(nanoseconds, Ordering::Relaxed);
        shown.memory.fetch_max(memory, Ordering::Relaxed);
        usage(nanoseconds, memory).into_iter().for_each(|attribute| step.set(|| attribute));
    }

    /// Returns what the component's functions have used in all, if that is to be seen.
    pub(super) fn total(&self) -> Option<[KeyValue; 2]> {
        let shown = self.0.as_ref()?;
        Some(usage(shown.cpu.load(Ordering::Relaxed), shown.memory.load(Ordering::Relaxed)))
    }
}

fn usage(nanoseconds: u64, memory: usize) -> [KeyValue; 2] {
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    [
        KeyValue::new("gpx.cpu_time_us", number(nanoseconds / 1000)),
        KeyValue::new("gpx.memory_bytes", number(memory as u64)),
    ]
}

// === impl Step ===

impl Step {
    /// Returns the context for what happens within the step, if it is to be seen.
    pub(crate) fn context(&self) -> Option<&Context> {
        self.0.as_ref().map(|span| span.context())
    }

    pub(crate) fn set(&self, attribute: impl FnOnce() -> KeyValue) {
        if let Some(span) = &self.0 {
            span.set_attributes([attribute()].into_iter());
        }
    }

    pub(crate) fn fail(&self, error: &str) {
        if let Some(span) = &self.0 {
            span.set_status(Status::error(span_text(error)));
        }
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        if let Some(span) = &self.0 {
            span.end(None);
        }
    }
}
