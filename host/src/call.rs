//! A call from Grafana while it is being answered: what is known of it, its span, its log lines, and how it ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use opentelemetry::trace::{SpanBuilder, SpanKind, Status, TraceContextExt as _};
use opentelemetry::{Context, KeyValue};
use tokio::time::Instant;

use crate::log::{Log, Value, duration};
use crate::metrics::Metrics;
use crate::proto::pluginv2::PluginContext;
use crate::telemetry::Telemetry;

/// What is known of a call. Shared by all that work on it.
pub struct Call {
    pub endpoint: Endpoint,
    pub context: PluginContext,
    pub headers: Vec<(String, String)>,
    /// Grafana Cloud's tenant, empty elsewhere.
    pub tenant: String,
    /// When the caller's or the operator's patience ends.
    pub deadline: Instant,
    /// The `sdk.…` span, the parent of all that the component does.
    pub span: Context,
    pub log: Log,
    pub telemetry: Telemetry,
    caller_is_gone: AtomicBool,
}

/// What Grafana can ask of a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    CallResource,
    CheckHealth,
    QueryData,
}

/// What the edge knows of a call when it arrives.
pub struct Arrival {
    pub endpoint: Endpoint,
    pub context: PluginContext,
    pub headers: Vec<(String, String)>,
    pub tenant: String,
    pub deadline: Instant,
    /// The server span's context.
    pub parent: Context,
}

/// A call that has not been answered yet. It is recorded once, whatever becomes of it: as cancelled if it is dropped.
pub struct Unanswered {
    call: Arc<Call>,
    metrics: Metrics,
    began: Instant,
    outcome: Outcome,
}

/// How a call ended, in the words of Grafana's metrics, logs and spans.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    pub status: RequestStatus,
    pub source: Source,
    /// Set if the call as a whole failed, not just some of its queries.
    pub error: Option<String>,
}

/// The three words of `request_status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestStatus {
    Ok,
    Cancelled,
    Error,
}

/// Who is to blame for an error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Source {
    #[default]
    Plugin,
    Downstream,
}

// === impl Call ===

impl Call {
    /// Starts the call's span and writes its first log line. `log` is the process's; the call's own fields are added.
    pub fn begin(arrival: Arrival, telemetry: Telemetry, metrics: Metrics, log: &Log) -> Unanswered {
        let Arrival { endpoint, context, headers, tenant, deadline, parent } = arrival;
        let span = SpanBuilder::from_name(endpoint.span_name())
            .with_kind(SpanKind::Internal)
            .with_attributes(span_attributes(&context, &tenant));
        let span = telemetry.plugin().start(span, &parent);
        let log = log.with(log_fields(endpoint, &context, &parent));
        log.debug("Plugin Request Started", &[]);
        let caller_is_gone = AtomicBool::new(false);
        let call =
            Self { endpoint, context, headers, tenant, deadline, span, log, telemetry, caller_is_gone };
        Unanswered { call: Arc::new(call), metrics, began: Instant::now(), outcome: Outcome::CANCELLED }
    }

    /// Whether nobody waits for the answer any more.
    pub fn caller_is_gone(&self) -> bool {
        self.caller_is_gone.load(Ordering::Relaxed)
    }

    pub fn set_caller_is_gone(&self) {
        self.caller_is_gone.store(true, Ordering::Relaxed);
    }
}

/// The fields of every log line of a call, in the Go SDK's names and order.
fn log_fields(endpoint: Endpoint, context: &PluginContext, parent: &Context) -> Vec<(&'static str, Value)> {
    let mut fields = vec![
        ("pluginId", Value::from(context.plugin_id.clone())),
        ("pluginVersion", Value::from(context.plugin_version.clone())),
        ("endpoint", Value::from(endpoint.name())),
    ];
    let span = parent.span();
    if span.span_context().is_valid() {
        fields.push(("traceId", Value::from(span.span_context().trace_id().to_string())));
    }
    if let Some(settings) = &context.data_source_instance_settings {
        fields.push(("dsName", Value::from(settings.name.clone())));
        fields.push(("dsUid", Value::from(settings.uid.clone())));
        if let Some(user) = &context.user {
            fields.push(("uname", Value::from(user.name.clone())));
        }
    }
    fields
}

fn span_attributes(context: &PluginContext, tenant: &str) -> Vec<KeyValue> {
    let mut attributes =
        vec![KeyValue::new("plugin_id", context.plugin_id.clone()), KeyValue::new("org_id", context.org_id)];
    if !tenant.is_empty() {
        attributes.push(KeyValue::new("tenant_id", tenant.to_owned()));
    }
    if let Some(settings) = &context.data_source_instance_settings {
        attributes.push(KeyValue::new("datasource_name", settings.name.clone()));
        attributes.push(KeyValue::new("datasource_uid", settings.uid.clone()));
    }
    if let Some(user) = &context.user {
        attributes.push(KeyValue::new("user", user.name.clone()));
    }
    attributes
}

// === impl Unanswered ===

impl Unanswered {
    pub fn call(&self) -> &Arc<Call> {
        &self.call
    }

    /// Records how the call ended.
    pub fn answered(mut self, outcome: Outcome) {
        self.outcome = outcome;
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        let Self { call, metrics, began, outcome } = self;
        let (status, source) = (outcome.status.name(), outcome.source.name());
        let span = call.span.span();
        span.set_attribute(KeyValue::new("request_status", status));
        span.set_attribute(KeyValue::new("status_source", source));
        if let Some(error) = &outcome.error {
            span.set_status(Status::error(error.clone()));
            span.add_event("exception", vec![KeyValue::new("exception.message", error.clone())]);
        }
        span.end();
        metrics.request(call.endpoint.name(), status, source);

        let mut fields = vec![
            ("status", Value::from(status)),
            ("duration", Value::from(duration(began.elapsed()))),
            ("statusSource", Value::from(source)),
        ];
        fields.extend(outcome.error.clone().map(|error| ("error", Value::from(error))));
        match outcome.status {
            RequestStatus::Error => call.log.error("Plugin Request Completed", &fields),
            RequestStatus::Ok | RequestStatus::Cancelled => {
                call.log.info("Plugin Request Completed", &fields);
            }
        }
    }
}

// === impl Outcome ===

impl Outcome {
    pub const OK: Self = Self { status: RequestStatus::Ok, source: Source::Plugin, error: None };
    pub const CANCELLED: Self =
        Self { status: RequestStatus::Cancelled, source: Source::Plugin, error: None };

    /// The call as a whole failed.
    pub fn failed(source: Source, error: String) -> Self {
        Self { status: RequestStatus::Error, source, error: Some(error) }
    }

    /// Of a request whose parts failed for the given reasons. Downstream is to blame only if nothing else is.
    pub fn of_parts(errors: impl IntoIterator<Item = Source>) -> Self {
        errors.into_iter().fold(Self::OK, |outcome, source| match (outcome.status, outcome.source, source) {
            (RequestStatus::Error, Source::Plugin, _) | (_, _, Source::Plugin) => {
                Self { status: RequestStatus::Error, source: Source::Plugin, error: None }
            }
            (_, _, Source::Downstream) => {
                Self { status: RequestStatus::Error, source: Source::Downstream, error: None }
            }
        })
    }
}

// === impl Endpoint ===

impl Endpoint {
    pub fn name(self) -> &'static str {
        match self {
            Self::CallResource => "callResource",
            Self::CheckHealth => "checkHealth",
            Self::QueryData => "queryData",
        }
    }

    fn span_name(self) -> &'static str {
        match self {
            Self::CallResource => "sdk.callResource",
            Self::CheckHealth => "sdk.checkHealth",
            Self::QueryData => "sdk.queryData",
        }
    }
}

// === impl RequestStatus ===

impl RequestStatus {
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Cancelled => "cancelled",
            Self::Error => "error",
        }
    }
}

// === impl Source ===

impl Source {
    pub fn name(self) -> &'static str {
        match self {
            Self::Plugin => "plugin",
            Self::Downstream => "downstream",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn downstream_is_to_blame_only_if_nothing_else_is() {
        use Source::{Downstream, Plugin};
        let source = |errors: &[Source]| Outcome::of_parts(errors.iter().copied()).source;
        assert_eq!(Outcome::of_parts([]), Outcome::OK);
        assert_eq!(source(&[Downstream, Downstream]), Downstream);
        assert_eq!(source(&[Downstream, Plugin]), Plugin);
        assert_eq!(source(&[Plugin, Downstream]), Plugin);
    }
}
