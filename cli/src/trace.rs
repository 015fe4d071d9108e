//! The trace of a call, from this tool through the plugin to its requests.

use gpx_client::Status;
use gpx_client::trace::{Attributes, Span, Trace, duration, ids, now, waterfall};
use serde_json::Value;

use crate::terminal::{Paint, shown};

/// A call that begins a trace.
pub(crate) struct Call {
    span: Span,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Detail {
    Off,
    /// The spans as a waterfall.
    Spans,
    /// Each span's attributes and events, too.
    All,
}

// === impl Call ===

impl Call {
    pub(crate) fn new(name: &str) -> Self {
        let (trace_id, span_id) = ids();
        let span = Span {
            name: format!("gpx: {name}"),
            kind: "client".to_owned(),
            status: "unset".to_owned(),
            trace_id,
            span_id,
            ..Span::default()
        };
        Self { span }
    }

    /// Makes the call, as a part of the trace.
    pub(crate) async fn time<M, R>(&mut self, call: gpx_client::Call<M, R>) -> Result<R, Status> {
        let traceparent = format!("00-{}-{}-01", self.span.trace_id, self.span.span_id);
        self.span.start = now();
        let answer = call.traceparent(&traceparent).await;
        self.span.end = now();
        answer
    }

    /// How long it took, in nanoseconds.
    pub(crate) fn took(&self) -> u64 {
        self.span.end.saturating_sub(self.span.start)
    }

    /// The answer has come to its end.
    pub(crate) fn end(&mut self) {
        self.span.end = now();
    }

    /// Returns those of the spans that belong to it, below its own.
    pub(crate) fn trace(self, spans: Vec<Span>) -> Trace {
        let of_call = spans.into_iter().filter(|span| span.trace_id == self.span.trace_id);
        let mut all: Vec<_> = of_call.collect();
        all.insert(0, self.span);
        Trace::new(all)
    }

    /// Returns the lines that show it.
    pub(crate) fn lines(self, spans: Vec<Span>, detail: Detail, paint: Paint) -> Vec<String> {
        if detail == Detail::Off {
            return Vec::new();
        }
        let start = self.span.start;
        let title = paint.bold(format_args!("trace {}", self.span.trace_id));
        let trace = printable(self.trace(spans));
        let mut lines = vec![String::new(), title];
        lines.extend(waterfall(&trace).lines().map(|line| format!("  {line}")));
        if trace.spans.len() == 1 {
            lines.push("  The plugin has sent no spans.".to_owned());
        }
        if detail == Detail::All {
            trace.roots().into_iter().for_each(|root| details(&trace, root, start, paint, &mut lines));
        }
        lines
    }
}

fn details(trace: &Trace, span: &Span, start: u64, paint: Paint, lines: &mut Vec<String>) {
    let at = |time: u64| format!("+{}", duration(time.saturating_sub(start)));
    let took = duration(span.end.saturating_sub(span.start));
    lines.push(format!("\n  {}  {}  {took}", paint.bold(&span.name), at(span.start)));
    lines.push(format!("    {} · {} {}", span.kind, span.status, span.status_message).trim_end().to_owned());
    lines.extend(pairs(&span.attributes).map(|pair| format!("    {pair}")));
    for event in &span.events {
        let pairs: Vec<_> = pairs(&event.attributes).collect();
        let line = format!("    {} {}  {}", at(event.time), event.name, pairs.join("  "));
        lines.push(line.trim_end().to_owned());
    }
    trace.children(span).into_iter().for_each(|child| details(trace, child, start, paint, lines));
}

fn pairs(attributes: &Attributes) -> impl Iterator<Item = String> {
    attributes.iter().map(|(key, value)| match value {
        Value::String(text) => format!("{key}={text}"),
        other => format!("{key}={other}"),
    })
}

/// What a plugin has sent must not change the terminal.
fn printable(mut trace: Trace) -> Trace {
    fn clean(attributes: &mut Attributes) {
        *attributes = std::mem::take(attributes)
            .into_iter()
            .map(|(key, value)| {
                let value = match value {
                    Value::String(text) => shown(&text).into(),
                    // Shown as JSON, which escapes most itself.
                    Value::Array(_) | Value::Object(_) => shown(&value.to_string()).into(),
                    other => other,
                };
                (shown(&key), value)
            })
            .collect();
    }
    for span in &mut trace.spans {
        span.name = shown(&span.name);
        span.status_message = shown(&span.status_message);
        clean(&mut span.attributes);
        for event in &mut span.events {
            event.name = shown(&event.name);
            clean(&mut event.attributes);
        }
    }
    trace
}
