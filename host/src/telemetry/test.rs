//! Tracing whose spans stay in the process, for tests of whatever starts them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Sampler, Span, SpanData, SpanProcessor};

use super::{Propagation, Queue, Recording, Telemetry};

/// The spans that have ended.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ended(Arc<Mutex<Vec<SpanData>>>);

/// Records every span.
pub(crate) fn recording() -> (Telemetry, Ended) {
    let ended = Ended::default();
    let queue = Arc::new(Queue::default());
    let (resource, sampler) = (Resource::builder_empty().build(), Sampler::AlwaysOn);
    let recording = Recording::new("plugin".into(), resource, sampler, ended.clone(), queue);
    (Telemetry { propagation: Propagation::default(), recording: Some(recording) }, ended)
}

// === impl Ended ===

impl Ended {
    pub(crate) fn spans(&self) -> Vec<SpanData> {
        self.0.lock().unwrap().clone()
    }
}

impl SpanProcessor for Ended {
    fn on_start(&self, _span: &mut Span, _context: &Context) {}

    fn on_end(&self, span: SpanData) {
        self.0.lock().unwrap().push(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }
}
