//! Whether spans reach the collector: for the log, the health check, metrics and people.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use tokio::time::Instant;

use super::failure::Failure;
use crate::log::{Log, Seldom, Value};
use crate::telemetry::cause::Cause;

/// What all export tasks know together.
#[derive(Debug)]
pub(in crate::telemetry) struct ExportStatus {
    destination: Vec<(&'static str, String)>,
    known: Mutex<Known>,
    log: Log,
    /// For each kind of line: a collector that comes and goes would fill the log.
    failing: Seldom,
    too_large: Seldom,
    partial: Seldom,
}

/// What the last attempts have shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::telemetry) enum ExportState {
    /// Nothing has been sent yet.
    #[default]
    Untried,
    Working,
    Failing {
        cause: Cause,
        error: String,
        since: SystemTime,
    },
}

#[derive(Debug, Default)]
struct Known {
    state: ExportState,
    /// The log says that export fails.
    said: bool,
    /// What the collector last said of spans that it did not take.
    refusal: Option<String>,
    /// Requests by their result: `ok`, `partial`, or the name of a cause.
    attempts: BTreeMap<&'static str, u64>,
    retries: u64,
    /// The collector wants to be left alone until then.
    alone_until: Option<Instant>,
}

// === impl ExportStatus ===

impl ExportStatus {
    /// `destination` is what people are told of it.
    pub(in crate::telemetry) fn new(destination: Vec<(&'static str, String)>, log: Log) -> Self {
        let (failing, too_large, partial) = (Seldom::default(), Seldom::default(), Seldom::default());
        Self { destination, known: Mutex::default(), log, failing, too_large, partial }
    }

    /// Returns what people are told of the destination.
    pub(in crate::telemetry) fn destination(&self) -> &[(&'static str, String)] {
        &self.destination
    }

    pub(in crate::telemetry) fn state(&self) -> ExportState {
        self.lock().state.clone()
    }

    /// Returns what the collector last said of spans that it did not take, though it works.
    pub(in crate::telemetry) fn refusal(&self) -> Option<String> {
        self.lock().refusal.clone()
    }

    /// Returns how many requests had which result. Each result is there, even if nothing had it.
    pub(crate) fn attempts(&self) -> Vec<(&'static str, u64)> {
        let known = self.lock();
        let names = ["ok", "partial"].into_iter().chain(Cause::ALL.map(Cause::name));
        names.map(|name| (name, known.attempts.get(name).copied().unwrap_or(0))).collect()
    }

    /// Returns how many requests were sent again.
    pub(crate) fn retries(&self) -> u64 {
        self.lock().retries
    }

    /// The collector has answered. Returns how many spans it says that it has rejected.
    pub(super) fn taken(&self, response: ExportTraceServiceResponse) -> u64 {
        let partial = response.partial_success.unwrap_or_default();
        let is_partial = partial.rejected_spans > 0 || !partial.error_message.is_empty();
        self.answered(if is_partial { "partial" } else { "ok" });
        if is_partial {
            let said = partial.error_message;
            if self.partial.is_due() {
                let rejected = ("rejected", Value::from(partial.rejected_spans));
                self.log.warn(
                    "The collector did not take every span",
                    &[rejected, ("error", said.as_str().into())],
                );
            }
            self.lock().refusal = Some(said);
        }
        u64::try_from(partial.rejected_spans).unwrap_or(0)
    }

    /// So many spans of a batch were too large. Even a request of `bytes` was refused, with these words.
    pub(super) fn lost_too_large(&self, spans: u64, bytes: usize, error: String) {
        self.lock().refusal = Some(error.clone());
        if self.too_large.is_due() {
            let fields = [
                ("spans", spans.into()),
                ("bytes", Value::from(bytes as u64)),
                ("error", Value::from(error)),
                ("remedy", Value::from(Cause::TooLarge.remedy())),
            ];
            self.log.warn("A span that is larger than the collector's limit is lost", &fields);
        }
    }

    /// An attempt has failed. Says so once per outage.
    pub(super) fn failed(&self, failure: &Failure) {
        let Failure { cause, text, .. } = failure;
        if *cause == Cause::TooLarge {
            // Smaller requests will show what the collector takes.
            return self.answered(cause.name());
        }
        let mut known = self.lock();
        *known.attempts.entry(cause.name()).or_default() += 1;
        let since = match known.state {
            ExportState::Failing { since, .. } => since,
            ExportState::Untried | ExportState::Working => SystemTime::now(),
        };
        known.state = ExportState::Failing { cause: *cause, error: text.clone(), since };
        if known.said || !self.failing.is_due() {
            return;
        }
        known.said = true;
        drop(known);
        let fields = [
            ("cause", Value::from(cause.name())),
            ("error", Value::from(text.clone())),
            ("remedy", Value::from(cause.remedy())),
        ];
        self.log.warn("Spans cannot be exported", &fields);
    }

    /// So many spans were given up when the time of a flush was over.
    pub(in crate::telemetry) fn flushed(&self, lost: u64) {
        if lost > 0 {
            self.log.warn("Spans were not sent in time", &[("spans", lost.into())]);
        }
    }

    pub(super) fn retried(&self) {
        self.lock().retries += 1;
    }

    /// Sends nothing for so long: the collector asks for it.
    pub(super) fn leave_alone(&self, time: Duration) {
        let until = Instant::now() + time;
        let mut known = self.lock();
        known.alone_until = known.alone_until.max(Some(until));
    }

    /// Returns for how long the collector still wants to be left alone.
    pub(super) fn left_alone(&self) -> Duration {
        let until = self.lock().alone_until;
        until.map(|until| until.saturating_duration_since(Instant::now())).unwrap_or_default()
    }

    /// The collector works, whatever it thinks of this request.
    fn answered(&self, result: &'static str) {
        let mut known = self.lock();
        *known.attempts.entry(result).or_default() += 1;
        known.state = ExportState::Working;
        if std::mem::take(&mut known.said) {
            drop(known);
            self.log.info("Spans are exported again", &[]);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
