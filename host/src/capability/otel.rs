//! `wasi:otel/tracing`: spans that a component's own SDK of OpenTelemetry makes. They are among the call's spans, within the same
//! limits: whatever the component says, they belong to the call's trace.

pub(super) mod bindings;
mod convert;
#[cfg(test)]
mod tests;

use opentelemetry::KeyValue;
use opentelemetry::trace::{SpanBuilder, TraceContextExt as _};
use wasmtime::Result;

use self::bindings::wasi::otel::tracing::{Host, Link, SpanContext, SpanData};
use self::bindings::wasi::otel::types;
use super::tracer::TracerView;
use crate::telemetry::SPAN_ITEMS;

impl types::Host for TracerView<'_> {}

impl Host for TracerView<'_> {
    fn on_start(&mut self, context: SpanContext) -> Result<()> {
        if let Some(id) = convert::span_id(&context.span_id) {
            self.spans.announce(id);
        }
        Ok(())
    }

    fn on_end(&mut self, span: SpanData) -> Result<()> {
        let Some(id) = convert::span_id(&span.span_context.span_id) else { return Ok(()) };
        let name = convert::text(span.name, self.scrub);
        let mut builder = SpanBuilder::from_name(name).with_kind(convert::kind(span.span_kind));
        let start = convert::time(span.start_time);
        builder.start_time = Some(start);
        let parent = convert::span_id(&span.parent_span_id);
        let Some(recorded) = self.spans.complete(id, parent, builder) else { return Ok(()) };
        let scope = convert::text(span.instrumentation_scope.name, self.scrub);
        recorded.set_attributes(convert::attributes(span.attributes, self.scrub));
        recorded.set_attributes([KeyValue::new("otel.scope.name", scope)].into_iter());
        let unread = span.events.len().saturating_sub(SPAN_ITEMS) + span.dropped_events as usize;
        for event in span.events.into_iter().take(SPAN_ITEMS) {
            let attributes = convert::attributes(event.attributes, self.scrub);
            let name = convert::text(event.name, self.scrub);
            recorded.add_event_at(name, Some(convert::time(event.time)), attributes);
        }
        recorded.lose_events(unread);
        let unread = span.links.len().saturating_sub(SPAN_ITEMS) + span.dropped_links as usize;
        for Link { span_context, attributes } in span.links.into_iter().take(SPAN_ITEMS) {
            if let Some(context) = convert::linked(span_context, self.scrub) {
                recorded.add_link(context, convert::attributes(attributes, self.scrub));
            }
        }
        recorded.lose_links(unread);
        recorded.lose_attributes(span.dropped_attributes as usize);
        recorded.set_status(convert::status(span.status, self.scrub));
        recorded.end(Some(convert::time(span.end_time).max(start)));
        Ok(())
    }

    fn outer_span_context(&mut self) -> Result<SpanContext> {
        Ok(convert::span_context(self.spans.root().span().span_context()))
    }
}
