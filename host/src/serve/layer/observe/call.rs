//! One call from its arrival to its end. If it is dropped in between, its caller has hung up.

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use http::HeaderMap;
use opentelemetry::trace::{SpanBuilder, SpanKind};
use opentelemetry::{Context, KeyValue};
use tonic::Status;
use tonic::body::Body;

use super::code;
use super::messages::Messages;
use super::method::Method;
use super::open::OpenSpan;
use super::received::ReceivedBody;
use super::server::ObservedServer;
use crate::plugin::Loaded;
use crate::telemetry::Telemetry;

pub(super) struct ServerCall {
    shared: Arc<ObservedServer>,
    /// Such as `pluginv2.Data/QueryData`.
    pub(super) name: String,
    /// `None` for a method that is not served. Such a call is traced, but must not create new series.
    method: Option<Arc<Method>>,
    /// A method that is served or not, depending on the component.
    waiting: Option<Arc<Method>>,
    /// Whether it is one of Grafana's services, whose calls are traced.
    pub(super) is_grafanas: bool,
    arrived: SystemTime,
    start: Instant,
    /// `None` without tracing.
    span: Option<OpenSpan>,
    finished: bool,
}

// === impl ServerCall ===

impl ServerCall {
    /// Returns `None` for a call that is neither counted nor traced.
    pub(super) fn arrived(shared: &Arc<ObservedServer>, path: &str) -> Option<Self> {
        let name = path.strip_prefix('/')?;
        let (method, is_grafanas) = (shared.methods.get(name), name.starts_with("pluginv2."));
        if method.is_none() && !is_grafanas {
            return None;
        }
        // Whether an optional service is there is known once the component is loaded.
        let (waiting, method) = match method {
            Some(method) if method.is_optional => (Some(method), None),
            method => (None, method),
        };
        if let Some(method) = &method {
            started(shared, method);
        }
        Some(Self {
            shared: Arc::clone(shared),
            name: name.to_owned(),
            method,
            waiting,
            is_grafanas,
            arrived: SystemTime::now(),
            start: Instant::now(),
            span: None,
            finished: false,
        })
    }

    /// Counts the call of an optional service from now on, if the component serves it.
    pub(super) fn counted_if_served(&mut self, loaded: &Loaded) {
        self.method =
            self.method.take().or(self.waiting.take().filter(|method| loaded.serves(method.service)));
        if let Some(method) = self.method.as_ref().filter(|method| method.is_optional) {
            started(&self.shared, method);
        }
    }

    /// Counts the messages of a request that has a stream of them. Of any other, the one message is counted already.
    pub(super) fn counting(&self, body: Body) -> Body {
        match self.method.as_ref().filter(|method| method.takes_stream) {
            Some(method) => {
                let (method, metrics) = (Arc::clone(method), self.shared.metrics.grpc.clone());
                Body::new(ReceivedBody { body, messages: Messages::default(), method, metrics })
            }
            None => body,
        }
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

fn started(shared: &ObservedServer, method: &Method) {
    shared.metrics.grpc.started(method.labels());
    if !method.takes_stream {
        shared.metrics.grpc.received(method.labels(), 1);
    }
}

impl Drop for ServerCall {
    fn drop(&mut self) {
        self.finish(&Status::cancelled("the caller hung up"));
    }
}
