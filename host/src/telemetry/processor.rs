//! The side of the queue where the SDK puts spans.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry::trace::Span as _;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};

use super::queue::Queue;

#[derive(Debug)]
pub(super) struct Processor(Arc<Queue>);

// === impl Processor ===

impl Processor {
    pub(super) fn new(queue: Arc<Queue>) -> Self {
        Self(queue)
    }
}

impl SpanProcessor for Processor {
    fn on_start(&self, span: &mut Span, parent: &Context) {
        self.0.open().begin(span.span_context().span_id(), parent);
    }

    fn on_end(&self, mut span: SpanData) {
        let owner = self.0.open().end(&mut span);
        self.0.push(span, owner);
        self.0.open().ended();
    }

    /// Does nothing: code that wants the spans out uses the queue's own `flush`, which can wait.
    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        self.0.close();
        Ok(())
    }
}
