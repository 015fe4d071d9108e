//! A bridge from the crate `tracing`, with the feature `tracing`: spans of instrumented libraries are spans of Grafana's trace, and
//! their events are lines of its log and events of those spans.
//!
//! Call [`install`] in `open`. A span is current while it is entered, so what a library does in it nests below it: spans of both
//! kinds, requests, and log lines. This also holds for futures that are instrumented, whichever executor polls them.
//!
//! ```
//! use gpx_sdk::{Plugin, Result, Settings};
//!
//! struct Prices;
//!
//! impl Plugin for Prices {
//!     fn open(_: Settings) -> Result<Self> {
//!         gpx_sdk::tracing::install(gpx_sdk::tracing::Level::INFO);
//!         Ok(Self)
//!     }
//! }
//! # let host = gpx_sdk::test::Host::new();
//! # Prices::open(gpx_sdk::test::app().build())?;
//! # tracing::info_span!("parse", rows = 3).in_scope(|| tracing::info!("half done"));
//! # let span = &host.spans()[0];
//! # assert_eq!((span.name.as_str(), &span.attributes["rows"]), ("parse", &3.into()));
//! # assert_eq!(host.logs()[0].message, "half done");
//! # Ok::<_, gpx_sdk::Fault>(())
//! ```
//!
//! Of a span's fields, those count that OpenTelemetry's layer for `tracing` knows: `otel.name`, `otel.kind`, `otel.status_code` and
//! `otel.status_description`. All others are attributes.

mod fields;

use std::cell::RefCell;
use std::collections::HashMap;

use tracing_core::span::{Attributes, Current, Id, Record};
use tracing_core::{Dispatch, Event, LevelFilter, Metadata, Subscriber, dispatcher};

pub use tracing_core::Level;

use self::fields::Fields;
use crate::span::{self, Span};
use crate::{Attribute, log};

/// Has spans and events up to this level go to Grafana. If the component has a subscriber already, that stays.
pub fn install(most: Level) {
    let _ = dispatcher::set_global_default(Dispatch::new(Bridge(LevelFilter::from_level(most))));
}

/// The least important level that passes.
struct Bridge(LevelFilter);

/// The spans of this thread: a component has one, and each test.
#[derive(Default)]
struct Open {
    last: u64,
    spans: HashMap<u64, Entry>,
    /// Those that are entered, the innermost last.
    entered: Vec<u64>,
}

struct Entry {
    span: Span,
    metadata: &'static Metadata<'static>,
    /// How many handles there are.
    handles: usize,
}

thread_local! {
    static OPEN: RefCell<Open> = RefCell::default();
}

impl Subscriber for Bridge {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= &self.0
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.0)
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        let metadata = attributes.metadata();
        // Current only while it is entered.
        let mut builder = span::builder(fields.name.as_deref().unwrap_or(metadata.name())).detached();
        if let Some(kind) = fields.kind {
            builder = builder.with_kind(kind);
        }
        OPEN.with_borrow_mut(|open| {
            if let Some(parent) = attributes.parent().and_then(|id| open.spans.get(&id.into_u64())) {
                builder = builder.with_parent(parent.span.span_context());
            }
            let span = builder.with_attributes(std::mem::take(&mut fields.attributes)).start();
            fields.set_status(&span);
            open.last += 1;
            open.spans.insert(open.last, Entry { span, metadata, handles: 1 });
            Id::from_u64(open.last)
        })
    }

    fn record(&self, id: &Id, values: &Record<'_>) {
        let mut fields = Fields::default();
        values.record(&mut fields);
        with(id, |entry| fields.add_to(&entry.span));
    }

    fn record_follows_from(&self, id: &Id, follows: &Id) {
        let context = with(follows, |entry| entry.span.span_context());
        with(id, |entry| context.map(|context| entry.span.add_link(context, [])));
    }

    fn event(&self, event: &Event<'_>) {
        let metadata = event.metadata();
        let mut fields = Fields::default();
        event.record(&mut fields);
        let message = fields.message.as_deref().unwrap_or(metadata.name());
        let mut attributes = vec![Attribute::new("target", metadata.target())];
        attributes.append(&mut fields.attributes);
        log::log(level(metadata.level()), message, &attributes);
        OPEN.with_borrow(|open| {
            let innermost = || open.entered.last().copied();
            let span = event.parent().map(Id::into_u64).or_else(innermost);
            if let Some(entry) = span.and_then(|id| open.spans.get(&id)) {
                attributes.push(Attribute::new("level", metadata.level().as_str()));
                entry.span.add_event(message, attributes);
            }
        });
    }

    fn enter(&self, id: &Id) {
        OPEN.with_borrow_mut(|open| open.entered.push(id.into_u64()));
        with(id, |entry| entry.span.attach());
    }

    fn exit(&self, id: &Id) {
        with(id, |entry| entry.span.detach());
        OPEN.with_borrow_mut(|open| {
            let id = id.into_u64();
            if let Some(index) = open.entered.iter().rposition(|entered| *entered == id) {
                open.entered.remove(index);
            }
        });
    }

    fn clone_span(&self, id: &Id) -> Id {
        OPEN.with_borrow_mut(|open| {
            if let Some(entry) = open.spans.get_mut(&id.into_u64()) {
                entry.handles += 1;
            }
        });
        id.clone()
    }

    fn try_close(&self, id: Id) -> bool {
        let closed = OPEN.with_borrow_mut(|open| {
            let entry = open.spans.get_mut(&id.into_u64())?;
            entry.handles -= 1;
            if entry.handles == 0 { open.spans.remove(&id.into_u64()) } else { None }
        });
        closed.is_some()
    }

    fn current_span(&self) -> Current {
        OPEN.with_borrow(|open| {
            let innermost = open.entered.last().and_then(|id| Some((id, open.spans.get(id)?)));
            innermost
                .map_or_else(Current::none, |(id, entry)| Current::new(Id::from_u64(*id), entry.metadata))
        })
    }
}

fn with<R>(id: &Id, work: impl FnOnce(&Entry) -> R) -> Option<R> {
    OPEN.with_borrow(|open| open.spans.get(&id.into_u64()).map(work))
}

fn level(level: &Level) -> log::Level {
    match *level {
        Level::TRACE => log::Level::Trace,
        Level::DEBUG => log::Level::Debug,
        Level::INFO => log::Level::Info,
        Level::WARN => log::Level::Warn,
        Level::ERROR => log::Level::Error,
    }
}

#[cfg(test)]
mod tests;
