//! Tracing whose spans stay in the process, for tests of whatever starts them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry::trace::Span as _;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Sampler, Span, SpanData, SpanProcessor};

use super::export::ExportStatus;
use super::{Propagation, Queue, Recording, Telemetry, weight};
use crate::config::SpanChoices;
use crate::log::Log;

/// The spans that have ended.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ended {
    spans: Arc<Mutex<Vec<SpanData>>>,
    queue: Arc<Queue>,
}

/// Records every span.
pub(crate) fn recording() -> (Telemetry, Ended) {
    recording_with(SpanChoices::default())
}

/// The same, with such choices of the operator.
pub(crate) fn recording_with(choices: SpanChoices) -> (Telemetry, Ended) {
    let ended = Ended::default();
    let queue = Arc::clone(&ended.queue);
    let status = Arc::new(ExportStatus::new(Vec::new(), Log::memory().0));
    let (resource, sampler) = (Resource::builder_empty().build(), Sampler::AlwaysOn);
    let recording = Recording::new("plugin".into(), resource, sampler, ended.clone(), queue, status);
    let choices = Arc::new(choices);
    (Telemetry { propagation: Propagation::default(), choices, recording: Some(recording) }, ended)
}

// === impl Ended ===

impl Ended {
    pub(crate) fn spans(&self) -> Vec<SpanData> {
        self.spans.lock().unwrap().clone()
    }

    /// Takes the spans as they were kept; a copy has no room that it does not need.
    pub(crate) fn take(&self) -> Vec<SpanData> {
        std::mem::take(&mut *self.spans.lock().unwrap())
    }

    /// Returns what all of them weigh, in bytes.
    pub(crate) fn weight(&self) -> usize {
        self.spans.lock().unwrap().iter().map(weight::span).sum()
    }
}

impl SpanProcessor for Ended {
    fn on_start(&self, span: &mut Span, parent: &Context) {
        self.queue.open().begin(span.span_context().span_id(), parent);
    }

    fn on_end(&self, mut span: SpanData) {
        self.queue.open().end(&mut span);
        self.queue.open().ended();
        self.spans.lock().unwrap().push(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }
}
