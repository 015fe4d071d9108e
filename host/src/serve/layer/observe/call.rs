//! One call from its arrival to its end. If it is dropped in between, its caller has hung up.

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use http::HeaderMap;
use opentelemetry::trace::{SpanBuilder, SpanKind};
use opentelemetry::{Context, KeyValue};
use tonic::Status;

use super::code;
use super::method::Method;
use super::open::OpenSpan;
use super::server::ObservedServer;
use crate::telemetry::Telemetry;

pub(super) struct ServerCall {
    shared: Arc<ObservedServer>,
    /// Such as `pluginv2.Data/QueryData`.
    name: String,
    /// `None` for a method that the protocol does not have. Such a call is traced, but must not create new series.
    method: Option<Arc<Method>>,
    arrived: SystemTime,
    start: Instant,
    /// `None` without tracing.
    span: Option<OpenSpan>,
    finished: bool,
}

// === impl ServerCall ===

impl ServerCall {
    /// Returns `None` for services that are not Grafana's.
    pub(super) fn arrived(shared: &Arc<ObservedServer>, path: &str) -> Option<Self> {
        let name = path.strip_prefix('/').filter(|name| name.starts_with("pluginv2."))?;
        let method = shared.methods.get(name);
        if let Some(method) = &method {
            shared.metrics.grpc.started(method.labels());
            // No method of the protocol takes more than one message.
            shared.metrics.grpc.received(method.labels());
        }
        Some(Self {
            shared: Arc::clone(shared),
            name: name.to_owned(),
            method,
            arrived: SystemTime::now(),
            start: Instant::now(),
            span: None,
            finished: false,
        })
    }

    /// Starts the server span, as of the call's arrival, and returns its context.
    pub(super) fn start_span(&mut self, telemetry: &Telemetry, headers: &HeaderMap) -> Context {
        let parent = telemetry.extract(headers);
        let mut attributes = Vec::with_capacity(5);
        attributes.push(KeyValue::new("rpc.system.name", "grpc"));
        attributes.push(KeyValue::new("rpc.method", self.name.clone()));
        attributes.extend(self.shared.address.iter().cloned());
        let span = SpanBuilder::from_name(self.name.clone())
            .with_kind(SpanKind::Server)
            .with_start_time(self.arrived)
            .with_attributes(attributes);
        let context = telemetry.host().start(span, &parent);
        self.span = self.shared.open.add(&context);
        context
    }

    pub(super) fn sent(&self, messages: u64) {
        if let Some(method) = &self.method {
            self.shared.metrics.grpc.sent(method.labels(), messages);
        }
    }

    /// Records how the call ended. Only the first status counts.
    pub(super) fn finish(&mut self, status: &Status) {
        if std::mem::replace(&mut self.finished, true) {
            return;
        }
        if let Some(method) = &self.method {
            let code = code::camel_case(status.code());
            self.shared.metrics.grpc.handled(method.labels(), code, self.start.elapsed());
        }
        if let Some(span) = self.span.take() {
            span.end(status);
        }
    }
}

impl Drop for ServerCall {
    fn drop(&mut self) {
        self.finish(&Status::cancelled("the caller hung up"));
    }
}
