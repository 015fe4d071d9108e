//! `gpx:plugin/tracer`, function by function. All of them work in memory, so none needs to be async.

use opentelemetry::KeyValue;
use opentelemetry::trace::{SpanBuilder, TraceContextExt as _};
use wasmtime::Result;
use wasmtime::component::{HasData, Resource, ResourceTable};

use super::convert;
use super::spans::{CallSpans, Span};
use crate::capability::bindings::gpx::plugin::tracer::{
    Host, HostSpan, Link, RequestOptions, SpanContext, StartOptions, Status,
};
use crate::capability::bindings::gpx::plugin::types::Attribute;
use crate::egress::RequestDescription;
use crate::telemetry::{LimitedSpan, SPAN_ITEMS};
use crate::text::Scrub;

/// The part of a store that this interface works on.
pub(crate) struct TracerView<'a> {
    pub spans: &'a CallSpans,
    pub scrub: &'a Scrub,
    pub table: &'a mut ResourceTable,
}

/// Names [`TracerView`] for the linker.
pub(crate) struct HasTracer;

impl HasData for HasTracer {
    type Data<'a> = TracerView<'a>;
}

impl Host for TracerView<'_> {
    fn start(&mut self, name: String, options: StartOptions) -> Result<Resource<Span>> {
        let StartOptions { kind, attributes, links, parent, start_time, detached } = options;
        let parent = parent.and_then(|context| convert::span_id(&context.span_id));
        let mut builder =
            SpanBuilder::from_name(convert::text(name, self.scrub)).with_kind(convert::kind(kind));
        builder.start_time = start_time.map(convert::time);
        let span = self.spans.start(builder, parent, detached);
        if let Some(recording) = span.recording() {
            recording.set_attributes(convert::attributes(attributes, self.scrub));
            let unread = links.len().saturating_sub(SPAN_ITEMS);
            for link in links.into_iter().take(SPAN_ITEMS) {
                self.add_link_to(recording, link);
            }
            recording.lose_links(unread);
        }
        Ok(self.table.push(span)?)
    }

    fn describe_request(&mut self, options: RequestOptions) -> Result<SpanContext> {
        let RequestOptions { name, attributes, parent, resend_count, hidden } = options;
        let parent = parent.and_then(|context| convert::span_id(&context.span_id));
        let description = RequestDescription {
            name: name.map(|name| convert::text(name, self.scrub)),
            attributes: convert::attributes(attributes, self.scrub).take(SPAN_ITEMS).collect(),
            resent: resend_count,
            hidden,
        };
        Ok(convert::span_context(&self.spans.describe(parent, description)))
    }

    fn current(&mut self) -> Result<Option<SpanContext>> {
        let current = self.spans.current();
        let context = current.span().span_context().clone();
        Ok(context.is_valid().then(|| convert::span_context(&context)))
    }
}

impl HostSpan for TracerView<'_> {
    fn context(&mut self, span: Resource<Span>) -> Result<SpanContext> {
        Ok(convert::span_context(&self.table.get(&span)?.span_context()))
    }

    fn is_recording(&mut self, span: Resource<Span>) -> Result<bool> {
        Ok(self.table.get(&span)?.recording().is_some())
    }

    fn set_attributes(&mut self, span: Resource<Span>, attributes: Vec<Attribute>) -> Result<()> {
        if let Some(span) = self.table.get(&span)?.recording() {
            span.set_attributes(convert::attributes(attributes, self.scrub));
        }
        Ok(())
    }

    fn add_event(&mut self, span: Resource<Span>, name: String, attributes: Vec<Attribute>) -> Result<()> {
        if let Some(span) = self.table.get(&span)?.recording() {
            span.add_event(convert::text(name, self.scrub), convert::attributes(attributes, self.scrub));
        }
        Ok(())
    }

    fn add_link(&mut self, span: Resource<Span>, link: Link) -> Result<()> {
        if let Some(span) = self.table.get(&span)?.recording() {
            self.add_link_to(span, link);
        }
        Ok(())
    }

    fn set_status(&mut self, span: Resource<Span>, status: Status) -> Result<()> {
        if let Some(span) = self.table.get(&span)?.recording() {
            span.set_status(convert::status(status, self.scrub));
        }
        Ok(())
    }

    fn record_error(&mut self, span: Resource<Span>, message: String, kind: String) -> Result<()> {
        if let Some(span) = self.table.get(&span)?.recording() {
            let kind = convert::text(kind, self.scrub);
            let kind = (!kind.is_empty()).then(|| KeyValue::new("exception.type", kind));
            let message = KeyValue::new("exception.message", convert::text(message, self.scrub));
            let attributes: Vec<_> = kind.into_iter().chain([message]).collect();
            span.add_event("exception", attributes.into_iter());
        }
        Ok(())
    }

    fn update_name(&mut self, span: Resource<Span>, name: String) -> Result<()> {
        if let Some(span) = self.table.get(&span)?.recording() {
            span.update_name(convert::text(name, self.scrub));
        }
        Ok(())
    }

    fn attach(&mut self, span: Resource<Span>) -> Result<()> {
        self.table.get(&span)?.attach();
        Ok(())
    }

    fn detach(&mut self, span: Resource<Span>) -> Result<()> {
        self.table.get(&span)?.detach();
        Ok(())
    }

    fn end(&mut self, span: Resource<Span>, end_time: Option<u64>) -> Result<()> {
        self.table.get(&span)?.end(end_time.map(convert::time));
        Ok(())
    }

    fn drop(&mut self, span: Resource<Span>) -> Result<()> {
        self.table.delete(span)?.end(None);
        Ok(())
    }
}

// === impl TracerView ===

impl TracerView<'_> {
    fn add_link_to(&self, span: &LimitedSpan, link: Link) {
        if let Some(context) = convert::linked(&link.context, self.scrub) {
            span.add_link(context, convert::attributes(link.attributes, self.scrub));
        }
    }
}
