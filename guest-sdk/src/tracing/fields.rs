//! The fields of a span or an event, as attributes and as what OpenTelemetry reads of them.

use std::error::Error;
use std::fmt::Debug;

use tracing_core::field::{Field, Visit};

use crate::fault::messages;
use crate::span::{Span, SpanKind, Status};
use crate::{Attribute, ToValue};

#[derive(Default)]
pub(super) struct Fields {
    pub(super) attributes: Vec<Attribute>,
    pub(super) message: Option<String>,
    /// `otel.name`.
    pub(super) name: Option<String>,
    /// `otel.kind`.
    pub(super) kind: Option<SpanKind>,
    /// `otel.status_code`: whether it is a success.
    succeeded: Option<bool>,
    /// `otel.status_description`, which only a failure has.
    description: String,
}

// === impl Fields ===

impl Fields {
    /// Adds them to a span that has started. Its kind does not change any more.
    pub(super) fn add_to(mut self, span: &Span) {
        if let Some(name) = &self.name {
            span.update_name(name);
        }
        span.set_attributes(std::mem::take(&mut self.attributes));
        self.set_status(span);
    }

    pub(super) fn set_status(&self, span: &Span) {
        match self.succeeded {
            Some(true) => span.set_status(Status::Ok),
            Some(false) => span.set_status(Status::error(&self.description)),
            None => {}
        }
    }

    fn put(&mut self, field: &Field, value: &(impl ToValue + ?Sized)) {
        self.attributes.push(Attribute::new(field.name(), value));
    }

    fn text(&mut self, field: &Field, text: &str) {
        match field.name() {
            "message" => self.message = Some(text.to_owned()),
            "otel.name" => self.name = Some(text.to_owned()),
            "otel.kind" => self.kind = kind(text),
            "otel.status_code" => self.succeeded = succeeded(text),
            "otel.status_description" | "otel.status_message" => {
                text.clone_into(&mut self.description);
                self.succeeded.get_or_insert(false);
            }
            _ => self.put(field, text),
        }
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, &value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, &value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, &value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, &value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field, value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.text(field, &messages(value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.text(field, &format!("{value:?}"));
    }
}

fn kind(text: &str) -> Option<SpanKind> {
    Some(match text.to_ascii_lowercase().as_str() {
        "internal" => SpanKind::Internal,
        "client" => SpanKind::Client,
        "server" => SpanKind::Server,
        "producer" => SpanKind::Producer,
        "consumer" => SpanKind::Consumer,
        _ => return None,
    })
}

fn succeeded(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "ok" => Some(true),
        "error" => Some(false),
        _ => None,
    }
}
