//! Whether tracing works, for those who ask: the health check and metrics.

use serde_json::{Map, Value, json};

use super::Telemetry;
use super::cause::Cause;
use super::export::ExportState;

impl Telemetry {
    /// Returns what a health check says of tracing. `None` if tracing is off.
    pub(crate) fn report(&self) -> Option<Value> {
        let recording = self.recording.as_ref()?;
        let mut report = Map::new();
        match recording.status.state() {
            ExportState::Untried => _ = report.insert("state".into(), "untried".into()),
            ExportState::Working => _ = report.insert("state".into(), "working".into()),
            ExportState::Failing { cause, error, since } => {
                report.insert("state".into(), "failing".into());
                report.insert("cause".into(), cause.name().into());
                report.insert("error".into(), error.into());
                report.insert("remedy".into(), cause.remedy().into());
                let seconds = since.elapsed().unwrap_or_default().as_secs();
                report.insert("failing_seconds".into(), seconds.into());
            }
        }
        for (key, value) in recording.status.destination() {
            report.insert((*key).to_owned(), value.as_str().into());
        }
        if let Some(refusal) = recording.status.refusal() {
            report.insert("refusal".into(), refusal.into());
        }
        report.insert("exported_spans".into(), self.exported().into());
        let lost = self.losses().by_reason().into_iter().filter(|(_, spans)| *spans > 0);
        let lost: Map<_, _> = lost.map(|(reason, spans)| (reason.to_owned(), spans.into())).collect();
        report.insert("dropped_spans".into(), lost.into());
        Some(json!({ "tracing": report }))
    }

    /// Returns 1 for the cause for which spans cannot be exported now, and 0 for the others. Empty if tracing is off.
    pub(crate) fn export_failing(&self) -> Vec<(&'static str, usize)> {
        let Some(recording) = &self.recording else { return Vec::new() };
        let failing = match recording.status.state() {
            ExportState::Failing { cause, .. } => Some(cause),
            ExportState::Untried | ExportState::Working => None,
        };
        Cause::ALL.map(|cause| (cause.name(), usize::from(failing == Some(cause)))).to_vec()
    }
}
