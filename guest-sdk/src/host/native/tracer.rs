//! Spans: recorded, with the clock of the fake host. Without a host they do nothing.

use std::rc::Rc;

use super::fake::{Fake, current as current_fake};
use super::json;
use crate::test::record::{EventRecord, RequestSpanRecord, SpanRecord, SpanStatus};
use crate::{Attribute, Time};

pub(crate) use crate::bindings::base::gpx::plugin::tracer::{
    Link, RequestOptions, SpanContext, StartOptions, Status,
};

/// The trace of every test.
const TRACE_ID: &str = "0af7651916cd43dd8448eb211c80319c";

/// Where the ids of descriptions begin: no test starts so many spans.
const DESCRIBED: usize = 1 << 30;

/// A span that is not over, or one that is recorded nowhere.
#[derive(Debug)]
pub(crate) struct Span(Option<Open>);

struct Open {
    fake: Rc<Fake>,
    index: usize,
}

pub(crate) fn start(name: &str, options: &StartOptions) -> Span {
    let Some(fake) = current_fake() else { return Span(None) };
    let index = fake.spans.borrow().len();
    let known = |context: &SpanContext| (0..index).find(|other| span_id(*other) == context.span_id);
    let parent = options.parent.as_ref().and_then(known).or_else(|| fake.open.borrow().last().copied());
    fake.spans.borrow_mut().push(SpanRecord {
        name: name.to_owned(),
        kind: options.kind,
        parent,
        attributes: json::object(&options.attributes),
        events: Vec::new(),
        links: options.links.iter().map(|link| link.context.clone()).collect(),
        status: SpanStatus::Unset,
        start: time(options.start_time.unwrap_or_else(|| fake.now.get())),
        end: None,
    });
    if !options.detached {
        fake.open.borrow_mut().push(index);
    }
    Span(Some(Open { fake, index }))
}

pub(crate) fn current() -> Option<SpanContext> {
    let fake = current_fake()?;
    let index = fake.open.borrow().last().copied()?;
    Some(context(index))
}

pub(crate) fn describe_request(options: &RequestOptions) -> SpanContext {
    let Some(fake) = current_fake() else { return SpanContext { sampled: false, ..context(0) } };
    let RequestOptions { name, attributes, resend_count, hidden, .. } = options.clone();
    let record =
        RequestSpanRecord { name, attributes: json::object(&attributes), resent: resend_count, hidden };
    let index = fake.described.borrow().len();
    fake.described.borrow_mut().push(Some(record));
    context(DESCRIBED + index)
}

/// Returns what was said of the request that has this `traceparent`.
pub(super) fn described(fake: &Fake, traceparent: &str) -> Option<RequestSpanRecord> {
    let id = usize::from_str_radix(traceparent.split('-').nth(2)?, 16).ok()?;
    fake.described.borrow_mut().get_mut(id.checked_sub(DESCRIBED + 1)?)?.take()
}

fn context(index: usize) -> SpanContext {
    SpanContext {
        trace_id: TRACE_ID.to_owned(),
        span_id: span_id(index),
        sampled: true,
        trace_state: String::new(),
    }
}

fn span_id(index: usize) -> String {
    format!("{:016x}", index + 1)
}

fn time(nanos: u64) -> Time {
    Time::from_unix_nanos(i64::try_from(nanos).unwrap_or(i64::MAX))
}

// === impl Span ===

impl Span {
    pub(crate) fn context(&self) -> SpanContext {
        self.0
            .as_ref()
            .map_or_else(|| SpanContext { sampled: false, ..context(0) }, |open| context(open.index))
    }

    pub(crate) fn is_recording(&self) -> bool {
        self.0.is_some()
    }

    pub(crate) fn set_attributes(&self, attributes: &[Attribute]) {
        self.change(|span| span.attributes.extend(json::object(attributes)));
    }

    pub(crate) fn add_event(&self, name: &str, attributes: &[Attribute]) {
        let event = EventRecord { name: name.to_owned(), attributes: json::object(attributes) };
        self.change(|span| span.events.push(event));
    }

    pub(crate) fn add_link(&self, link: &Link) {
        self.change(|span| span.links.push(link.context.clone()));
    }

    /// The order of OpenTelemetry: a success stays.
    pub(crate) fn set_status(&self, status: &Status) {
        self.change(|span| match (&span.status, status) {
            (SpanStatus::Ok, _) | (_, Status::Unset) => {}
            (_, Status::Ok) => span.status = SpanStatus::Ok,
            (_, Status::Error(message)) => span.status = SpanStatus::Error(message.clone()),
        });
    }

    pub(crate) fn record_error(&self, message: &str, kind: &str) {
        let kind = (!kind.is_empty()).then(|| Attribute::new("exception.type", kind));
        let message = Attribute::new("exception.message", message);
        let attributes: Vec<_> = kind.into_iter().chain([message]).collect();
        self.add_event("exception", &attributes);
    }

    pub(crate) fn update_name(&self, name: &str) {
        self.change(|span| name.clone_into(&mut span.name));
    }

    pub(crate) fn attach(&self) {
        self.detach();
        let Some(Open { fake, index }) = &self.0 else { return };
        if fake.spans.borrow().get(*index).is_some_and(|span| span.end.is_none()) {
            fake.open.borrow_mut().push(*index);
        }
    }

    pub(crate) fn detach(&self) {
        if let Some(Open { fake, index }) = &self.0 {
            fake.open.borrow_mut().retain(|open| open != index);
        }
    }

    pub(crate) fn end(&self, end_time: Option<u64>) {
        let Some(Open { fake, index }) = &self.0 else { return };
        fake.open.borrow_mut().retain(|open| open != index);
        self.change(|span| {
            span.end = Some(time(end_time.unwrap_or_else(|| fake.now.get())));
            eprintln!("{span}");
        });
    }

    /// Changes the record, unless the span is over.
    fn change(&self, change: impl FnOnce(&mut SpanRecord)) {
        let Some(Open { fake, index }) = &self.0 else { return };
        if let Some(span) = fake.spans.borrow_mut().get_mut(*index)
            && span.end.is_none()
        {
            change(span);
        }
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        self.end(None);
    }
}

impl std::fmt::Debug for Open {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.index.fmt(f)
    }
}
