//! A call from Grafana while it is being answered: what is known about it, its span, its log lines, and how it ended.

mod context;
mod deadline;
mod dropped;
mod forwarded;
mod headers;
mod log_params;
mod outcome;
mod steps;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use opentelemetry::trace::{SpanBuilder, SpanKind, Status, TraceContextExt as _};
use opentelemetry::{Context, KeyValue};
use tokio::time::Instant;

pub(crate) use self::context::{AppSettings, CallContext, DataSourceSettings, Subject, User};
pub(crate) use self::deadline::{CallerDeadline, Deadline, SetBy};
pub(crate) use self::dropped::Dropped;
pub(crate) use self::forwarded::ForwardedHeaders;
pub(crate) use self::headers::{CallHeaders, HeaderGrants, bears_credentials, is_header_name};
pub(crate) use self::log_params::LogParams;
pub(crate) use self::outcome::{ErrorSource, Outcome, RequestStatus};
use self::steps::Steps;
use crate::budget::Upstream;
use crate::config::{APP_URL, TRACE_ID, TraceReference};
use crate::har::Capture;
use crate::log::{Log, Value, duration, origin};
use crate::metrics::Metrics;
use crate::telemetry::Telemetry;

/// What is known about a call. Shared by everything that works on it.
pub(crate) struct Call {
    pub endpoint: Endpoint,
    pub context: CallContext,
    pub deadline: Deadline,
    /// The `sdk.…` span, the parent of everything that the component does.
    pub span: Context,
    pub log: Log,
    pub telemetry: Telemetry,
    /// What the host does for the call, as far as the operator wants to see it.
    pub steps: Steps,
    /// What its spans lack.
    pub dropped: Dropped,
    pub upstream: Upstream,
    /// What the call exchanges with upstreams, if its caller asks for that.
    pub capture: Option<Capture>,
    caller_is_gone: AtomicBool,
}

/// A kind of request that Grafana makes, as it is named in logs, metrics and spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// Such as `queryData`.
    pub name: &'static str,
    /// Such as `sdk.queryData`.
    pub span: &'static str,
}

/// The context of a call's server span, in the request's extensions.
#[derive(Clone, Debug)]
pub(crate) struct ServerContext(pub Context);

/// A call as it arrives.
pub(crate) struct Arrival {
    pub endpoint: Endpoint,
    pub context: CallContext,
    pub deadline: Deadline,
    /// The server span's context.
    pub parent: Context,
}

/// A call that has not been answered yet. It is recorded exactly once. If it is dropped, it is recorded as cancelled,
/// or as failed if its deadline has passed or its work panicked.
pub(crate) struct Unanswered {
    call: Arc<Call>,
    metrics: Metrics,
    began: Instant,
    outcome: Option<Outcome>,
}

// === impl Call ===

impl Call {
    /// Starts the call's span. `log` is the process's log; the call's own fields are added to it.
    pub(crate) fn begin(arrival: Arrival, telemetry: Telemetry, metrics: Metrics, log: &Log) -> Unanswered {
        let Arrival { endpoint, context, deadline, parent } = arrival;
        let parent = telemetry.owned(&parent, context.owner());
        let parent = telemetry.for_tenant(&parent, &context.tenant);
        let span = SpanBuilder::from_name(endpoint.span)
            .with_kind(SpanKind::Internal)
            .with_attributes(span_attributes(&context));
        let span = telemetry.plugin().start(span, &parent);
        let log = log.with(log_fields(endpoint, &context, &parent)).with_params(context.log_params.iter());
        let log = log.in_span(span.span().span_context());
        let steps = Steps::new(&telemetry, &span);
        let (upstream, caller_is_gone) = (Upstream::default(), AtomicBool::new(false));
        let capture = context.wants_capture.then(Capture::default);
        let call = Self {
            endpoint,
            context,
            deadline,
            span,
            log,
            telemetry,
            steps,
            dropped: Dropped::default(),
            upstream,
            capture,
            caller_is_gone,
        };
        Unanswered { call: Arc::new(call), metrics, began: Instant::now(), outcome: None }
    }

    /// Returns whether nothing waits for the answer any more.
    pub(crate) fn caller_is_gone(&self) -> bool {
        self.caller_is_gone.load(Ordering::Relaxed) || self.deadline.caller_has_left()
    }

    /// Returns what an error's text says of the call's trace: nothing if that is not recorded, or if the operator does not want
    /// it.
    pub(crate) fn trace_reference(&self) -> Option<String> {
        let span = self.span.span();
        let context = span.span_context();
        let id = || format!(" (trace {})", context.trace_id());
        match &self.telemetry.choices().in_errors {
            TraceReference::Nothing => None,
            _ if !context.is_sampled() => None,
            TraceReference::Id => Some(id()),
            TraceReference::Link(link) => {
                let link = link.replace(TRACE_ID, &context.trace_id().to_string());
                if !link.starts_with('/') {
                    return Some(format!(" (trace: {link})"));
                }
                // Older versions of Grafana do not say where they are.
                let grafana = self.context.grafana_config.get(APP_URL);
                Some(grafana.map_or_else(id, |url| format!(" (trace: {}{link})", url.trim_end_matches('/'))))
            }
        }
    }

    pub(crate) fn set_caller_is_gone(&self) {
        self.caller_is_gone.store(true, Ordering::Relaxed);
    }
}

/// Returns the fields of every log line of a call, with the Go SDK's names and in its order.
fn log_fields(endpoint: Endpoint, context: &CallContext, parent: &Context) -> Vec<(&'static str, Value)> {
    let mut fields = vec![
        (origin::PLUGIN_ID, Value::from(context.plugin_id.clone())),
        (origin::PLUGIN_VERSION, Value::from(context.plugin_version.clone())),
        (origin::ENDPOINT, Value::from(endpoint.name)),
    ];
    let span = parent.span();
    if span.span_context().is_valid() {
        fields.push((origin::TRACE_ID, Value::from(span.span_context().trace_id().to_string())));
    }
    if let Some(settings) = context.data_source() {
        fields.push((origin::DATA_SOURCE_NAME, Value::from(settings.name.clone())));
        fields.push((origin::DATA_SOURCE_UID, Value::from(settings.uid.clone())));
        if let Some(user) = &context.user {
            fields.push((origin::USER, Value::from(user.name.clone())));
        }
    }
    fields
}

fn span_attributes(context: &CallContext) -> Vec<KeyValue> {
    let mut attributes =
        vec![KeyValue::new("plugin_id", context.plugin_id.clone()), KeyValue::new("org_id", context.org_id)];
    if let Some(settings) = context.data_source() {
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
    pub(crate) fn call(&self) -> &Arc<Call> {
        &self.call
    }

    /// Writes the call's first log line. From now on, its lines use the share of its owner's log, if it has an owner. Must
    /// come before anything else works on the call.
    pub(crate) fn started(&mut self, owner: Option<&Log>) {
        if let (Some(call), Some(owner)) = (Arc::get_mut(&mut self.call), owner) {
            call.log = call.log.in_share_of(owner);
        }
        self.call.log.debug("Plugin Request Started", &[]);
    }

    /// Records how the call ended.
    pub(crate) fn answered(mut self, outcome: Outcome) {
        self.outcome = Some(outcome);
    }

    /// Returns how a call ended if its work was dropped.
    fn dropped(&self) -> Outcome {
        if std::thread::panicking() {
            Outcome::failed(ErrorSource::Plugin, "the host panicked".to_owned())
        } else if self.call.deadline.caller_has_left() {
            let at = self.call.deadline.end().unwrap_or(self.call.deadline.at);
            let source = ErrorSource::of_delay(self.call.upstream.was_waited_for(at));
            Outcome::failed(source, "the caller's deadline has passed".to_owned())
        } else {
            Outcome::CANCELLED
        }
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        let outcome = self.outcome.take().unwrap_or_else(|| self.dropped());
        let Self { call, metrics, began, outcome: _ } = self;
        let (status, source) = (outcome.status.name(), outcome.source.name());
        let span = call.span.span();
        span.set_attribute(KeyValue::new("request_status", status));
        span.set_attribute(KeyValue::new("status_source", source));
        let steps = call.steps.total().into_iter().flatten();
        steps.chain(call.dropped.attributes()).for_each(|attribute| span.set_attribute(attribute));
        if let Some(error) = &outcome.error {
            span.set_status(Status::error(error.clone()));
            span.add_event("exception", vec![KeyValue::new("exception.message", error.clone())]);
        }
        span.end();
        metrics.request(call.endpoint.name, status, source);

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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_call_that_is_broken_off_at_its_deadline_waited_for_the_upstream_that_its_work_waited_for() {
        let (log, lines) = Log::memory();
        let patience = Duration::from_secs(1);
        let caller = CallerDeadline(Instant::now() + patience);
        let arrival = Arrival {
            endpoint: Endpoint { name: "queryData", span: "sdk.queryData" },
            context: CallContext::default(),
            deadline: Deadline::new(Some(caller), 2 * patience),
            parent: Context::new(),
        };
        let unanswered = Call::begin(arrival, Telemetry::default(), Metrics::unattached(), &log);
        let work = unanswered.call().upstream.wait();
        tokio::time::advance(patience).await;
        // The work goes first.
        drop(work);
        drop(unanswered);
        let line = lines.json().pop().unwrap();
        assert_eq!(
            (&line["status"], &line["statusSource"]),
            (&"error".into(), &"downstream".into()),
            "{line}"
        );
    }
}
