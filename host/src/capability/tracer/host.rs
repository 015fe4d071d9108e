//! `gpx:plugin/tracer`, function by function. All of them work in memory, so none needs to be async.

use opentelemetry::trace::{SpanBuilder, TraceContextExt as _};
use wasmtime::Result;
use wasmtime::component::{HasData, Resource, ResourceTable};

use super::convert;
use super::spans::{CallSpans, Span};
use crate::capability::bindings::gpx::plugin::tracer::{
    Host, HostSpan, Link, SpanContext, StartOptions, Status,
};
use crate::capability::bindings::gpx::plugin::types::Attribute;
use crate::capability::scrub::Scrub;

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
        let mut builder = SpanBuilder::from_name(convert::text(name, self.scrub))
            .with_kind(convert::kind(kind))
            .with_attributes(convert::attributes(attributes, self.scrub))
            .with_links(links.into_iter().filter_map(|link| convert::link(link, self.scrub)).collect());
        builder.start_time = start_time.map(convert::time);
        let span = self.spans.start(builder, parent, detached);
        Ok(self.table.push(span)?)
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
        Ok(self.table.get(&span)?.context.span().is_recording())
    }

    fn set_attributes(&mut self, span: Resource<Span>, attributes: Vec<Attribute>) -> Result<()> {
        self.table.get(&span)?.context.span().set_attributes(convert::attributes(attributes, self.scrub));
        Ok(())
    }

    fn add_event(&mut self, span: Resource<Span>, name: String, attributes: Vec<Attribute>) -> Result<()> {
        let attributes = convert::attributes(attributes, self.scrub);
        self.table.get(&span)?.context.span().add_event(convert::text(name, self.scrub), attributes);
        Ok(())
    }

    fn add_link(&mut self, span: Resource<Span>, link: Link) -> Result<()> {
        if let Some(link) = convert::link(link, self.scrub) {
            self.table.get(&span)?.context.span().add_link(link.span_context, link.attributes);
        }
        Ok(())
    }

    fn set_status(&mut self, span: Resource<Span>, status: Status) -> Result<()> {
        self.table.get(&span)?.context.span().set_status(convert::status(status, self.scrub));
        Ok(())
    }

    fn record_error(&mut self, span: Resource<Span>, message: String, kind: String) -> Result<()> {
        self.table
            .get(&span)?
            .record_error(convert::text(message, self.scrub), convert::text(kind, self.scrub));
        Ok(())
    }

    fn update_name(&mut self, span: Resource<Span>, name: String) -> Result<()> {
        self.table.get(&span)?.context.span().update_name(convert::text(name, self.scrub));
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
