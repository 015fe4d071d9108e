//! A span whose data is counted as it is put in. What exceeds a limit is dropped and counted, never kept.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use opentelemetry::trace::{SpanBuilder, SpanContext, Status, TraceContextExt as _, Tracer as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::SdkTracer;

use super::allowance::SpanAllowance;
use super::apart;
use super::queue::{Missing, Queue};
use super::tenant::Tenant;
use super::weight;

/// How many attributes, events and links a span may have, and attributes an event or a link: OpenTelemetry's defaults,
/// which the Go SDK uses too.
pub(crate) const SPAN_ITEMS: usize = 128;

/// How many bytes a span may have: its name, attributes, events, links and status. A span with as many of each as it may
/// have fits if they are short.
pub(crate) const SPAN_BYTES: usize = 128 << 10;

/// How many bytes of one text are kept. Trace backends cut there or earlier, and an attribute is not the place for a
/// body.
pub(crate) const SPAN_TEXT: usize = 4096;

/// The description of an error whose own does not fit. Every span has room for it.
const DROPPED: &str = "(dropped)";

/// An open span of a call.
#[derive(Debug)]
pub(crate) struct LimitedSpan {
    context: Context,
    allowance: Arc<SpanAllowance>,
    queue: Arc<Queue>,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    bytes: usize,
    attributes: usize,
    events: usize,
    links: usize,
    /// Of the bytes, those for the longest name so far, and for the longest status: another one takes the same place.
    name: usize,
    status: usize,
}

// === impl LimitedSpan ===

impl LimitedSpan {
    /// Starts a child of `parent`, unless it would exceed the allowance. The builder has no attributes, events and links.
    pub(super) fn start(
        tracer: &SdkTracer,
        builder: SpanBuilder,
        parent: &Context,
        allowance: &Arc<SpanAllowance>,
        queue: &Arc<Queue>,
    ) -> Option<Self> {
        let (builder, origin) = apart::linked(builder, parent);
        let (name, status) = (weight::text(&builder.name), weight::text(DROPPED));
        let link = origin.as_ref().map_or(0, weight::link);
        let bytes = weight::SPAN + name + status + link + weight::trace_state(parent.span().span_context());
        if !allowance.start(bytes) {
            return None;
        }
        let links = usize::from(origin.is_some());
        let kept = Mutex::new(Kept { bytes, name, status, links, ..Kept::default() });
        let context = parent.with_span(tracer.build_with_context(builder, parent));
        let span = Self { context, allowance: Arc::clone(allowance), queue: Arc::clone(queue), kept };
        if let Some(tenant) = parent.get::<Tenant>() {
            span.set_attributes([tenant.attribute()].into_iter());
        }
        Some(span)
    }

    pub(crate) fn context(&self) -> &Context {
        &self.context
    }

    pub(crate) fn is_recording(&self) -> bool {
        self.context.span().is_recording()
    }

    pub(crate) fn set_attributes(&self, mut attributes: impl ExactSizeIterator<Item = KeyValue>) {
        let mut kept = self.lock();
        let mut missing = 0;
        for attribute in attributes.by_ref().take(SPAN_ITEMS) {
            if kept.attributes < SPAN_ITEMS && self.take(&mut kept, weight::attribute(&attribute)) {
                kept.attributes += 1;
                self.context.span().set_attribute(attribute);
            } else {
                missing += 1;
            }
        }
        self.count(Missing { attributes: count(missing + attributes.len()), ..Missing::default() });
    }

    pub(crate) fn add_event(
        &self,
        name: impl Into<Cow<'static, str>>,
        attributes: impl ExactSizeIterator<Item = KeyValue>,
    ) {
        self.add_event_at(name, None, attributes);
    }

    /// Adds an event that has happened at that time, or now.
    pub(crate) fn add_event_at(
        &self,
        name: impl Into<Cow<'static, str>>,
        at: Option<SystemTime>,
        attributes: impl ExactSizeIterator<Item = KeyValue>,
    ) {
        let name = name.into();
        let mut kept = self.lock();
        let fitting = (kept.events < SPAN_ITEMS)
            .then(|| self.fitting(&mut kept, weight::event(&name), attributes))
            .flatten();
        let Some((attributes, surplus)) = fitting else {
            return self.count(Missing { events: 1, ..Missing::default() });
        };
        kept.events += 1;
        match at {
            Some(at) => self.context.span().add_event_with_timestamp(name, at, attributes),
            None => self.context.span().add_event(name, attributes),
        }
        self.count(Missing { attributes: surplus, ..Missing::default() });
    }

    pub(crate) fn add_link(&self, context: SpanContext, attributes: impl ExactSizeIterator<Item = KeyValue>) {
        let mut kept = self.lock();
        let fitting = (kept.links < SPAN_ITEMS)
            .then(|| self.fitting(&mut kept, weight::link(&context), attributes))
            .flatten();
        let Some((attributes, surplus)) = fitting else {
            return self.lose_links(1);
        };
        kept.links += 1;
        self.context.span().add_link(context, attributes);
        self.count(Missing { attributes: surplus, ..Missing::default() });
    }

    /// Counts attributes that the component has dropped.
    pub(crate) fn lose_attributes(&self, attributes: usize) {
        self.count(Missing { attributes: count(attributes), ..Missing::default() });
    }

    /// Counts events that were not even read.
    pub(crate) fn lose_events(&self, events: usize) {
        self.count(Missing { events: count(events), ..Missing::default() });
    }

    /// Counts links that were not even read.
    pub(crate) fn lose_links(&self, links: usize) {
        self.count(Missing { links: count(links), ..Missing::default() });
    }

    /// Without its description if that does not fit.
    pub(crate) fn set_status(&self, status: Status) {
        let mut kept = self.lock();
        let more = weight::status(&status).saturating_sub(kept.status);
        if self.take(&mut kept, more) {
            kept.status += more;
            self.context.span().set_status(status);
        } else {
            self.context.span().set_status(Status::error(DROPPED));
            // OpenTelemetry has no number of its own for this.
            self.count(Missing { attributes: 1, ..Missing::default() });
        }
    }

    /// Does nothing if the name does not fit.
    pub(crate) fn update_name(&self, name: String) {
        let mut kept = self.lock();
        let more = weight::text(&name).saturating_sub(kept.name);
        if self.take(&mut kept, more) {
            kept.name += more;
            self.context.span().update_name(name);
        } else {
            self.count(Missing { attributes: 1, ..Missing::default() });
        }
    }

    pub(crate) fn end(&self, at: Option<SystemTime>) {
        match at {
            Some(at) => self.context.span().end_with_timestamp(at),
            None => self.context.span().end(),
        }
    }

    /// Returns the attributes of something that has `bytes` without them, and the number of those beyond the limit; or
    /// nothing if it does not fit as a whole. Reads no more than fits.
    fn fitting(
        &self,
        kept: &mut Kept,
        mut bytes: usize,
        mut attributes: impl ExactSizeIterator<Item = KeyValue>,
    ) -> Option<(Vec<KeyValue>, u32)> {
        let room = self.allowance.left().min(SPAN_BYTES.saturating_sub(kept.bytes));
        // Not collected: that could reuse the allocation of a list that is longer than what is kept.
        let mut list = Vec::with_capacity(attributes.len().min(SPAN_ITEMS));
        for attribute in attributes.by_ref().take(SPAN_ITEMS) {
            bytes += weight::attribute(&attribute);
            if bytes > room {
                return None;
            }
            list.push(attribute);
        }
        self.take(kept, bytes).then(|| (list, count(attributes.len())))
    }

    fn take(&self, kept: &mut Kept, bytes: usize) -> bool {
        let fits = SPAN_BYTES.saturating_sub(kept.bytes) >= bytes && self.allowance.take(bytes);
        if fits {
            kept.bytes += bytes;
        }
        fits
    }

    fn count(&self, missing: Missing) {
        if missing != Missing::default() {
            self.queue.open().count(self.context.span().span_context().span_id(), missing);
            self.allowance.count(missing);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns as much of the text as a span keeps.
pub(crate) fn span_text(text: &str) -> String {
    text.get(..text.floor_char_boundary(SPAN_TEXT)).unwrap_or_default().to_owned()
}

fn count(number: usize) -> u32 {
    number.try_into().unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
