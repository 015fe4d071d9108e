//! Metrics of the server's calls, with the names and texts of go-grpc-middleware.

use std::time::Duration;

use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry};

/// In seconds; the default buckets of Prometheus's Go library.
const BUCKETS: &[f64] = &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// Counters of calls and their messages. A series appears with its first call.
#[derive(Clone)]
pub(crate) struct Grpc {
    started: IntCounterVec,
    handled: IntCounterVec,
    received: IntCounterVec,
    sent: IntCounterVec,
    seconds: HistogramVec,
}

/// The method that was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Labels<'a> {
    /// `unary`, `server_stream`, …
    pub kind: &'a str,
    /// `pluginv2.Data`
    pub service: &'a str,
    /// `QueryData`
    pub method: &'a str,
}

// === impl Grpc ===

impl Grpc {
    pub(super) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        const METHOD: &[&str] = &["grpc_type", "grpc_service", "grpc_method"];
        let counter = |name: &str, help: &str, labels: &[&str]| {
            let counter = IntCounterVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(counter.clone()))?;
            Ok::<_, prometheus::Error>(counter)
        };
        let handled = [METHOD, &["grpc_code"]].concat();
        let seconds = HistogramOpts::new(
            "grpc_server_handling_seconds",
            "Histogram of response latency (seconds) of gRPC that had been application-level handled by the server.",
        );
        let seconds = HistogramVec::new(seconds.buckets(BUCKETS.to_vec()), METHOD)?;
        registry.register(Box::new(seconds.clone()))?;
        Ok(Self {
            started: counter(
                "grpc_server_started_total",
                "Total number of RPCs started on the server.",
                METHOD,
            )?,
            handled: counter(
                "grpc_server_handled_total",
                "Total number of RPCs completed on the server, regardless of success or failure.",
                &handled,
            )?,
            received: counter(
                "grpc_server_msg_received_total",
                "Total number of RPC stream messages received on the server.",
                METHOD,
            )?,
            sent: counter(
                "grpc_server_msg_sent_total",
                "Total number of gRPC stream messages sent by the server.",
                METHOD,
            )?,
            seconds,
        })
    }

    pub(crate) fn started(&self, labels: Labels<'_>) {
        self.started.with_label_values(&labels.values()).inc();
    }

    pub(crate) fn received(&self, labels: Labels<'_>, messages: u64) {
        add(&self.received, labels, messages);
    }

    pub(crate) fn sent(&self, labels: Labels<'_>, messages: u64) {
        add(&self.sent, labels, messages);
    }

    /// `code` is Go's name of the code, such as `DeadlineExceeded`.
    pub(crate) fn handled(&self, labels: Labels<'_>, code: &str, took: Duration) {
        let [kind, service, method] = labels.values();
        self.handled.with_label_values(&[kind, service, method, code]).inc();
        self.seconds.with_label_values(&labels.values()).observe(took.as_secs_f64());
    }
}

/// As in Go, a series appears with its first message.
fn add(counter: &IntCounterVec, labels: Labels<'_>, messages: u64) {
    if messages > 0 {
        counter.with_label_values(&labels.values()).inc_by(messages);
    }
}

// === impl Labels ===

impl<'a> Labels<'a> {
    fn values(self) -> [&'a str; 3] {
        [self.kind, self.service, self.method]
    }
}
