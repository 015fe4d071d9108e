//! An OTLP/gRPC receiver on a free port: it stands in for the collector that Grafana sends its traces to.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;

use crate::seen::Seen;
use crate::trace::{Span, Trace};

pub struct Collector {
    address: SocketAddr,
    spans: Seen<Vec<Span>>,
    tasks: tokio::task::JoinSet<()>,
}

/// Adds spans from this process, on behalf of Grafana or an upstream.
#[derive(Clone)]
pub struct Reporter(Seen<Vec<Span>>);

// === impl Collector ===

impl Collector {
    pub async fn start() -> Self {
        Self::slow(Duration::ZERO).await
    }

    /// Returns a collector that takes so long to answer each request.
    pub async fn slow(time: Duration) -> Self {
        let (listener, mut collector) = Self::bound().await;
        let seen = collector.spans.clone();
        collector.serve(listener, move |spans| {
            let seen = seen.clone();
            async move {
                tokio::time::sleep(time).await;
                seen.change(|seen| seen.extend(spans));
            }
        });
        collector
    }

    /// Returns a collector that keeps nothing, for measurements that last.
    pub async fn unread() -> Self {
        let (listener, mut collector) = Self::bound().await;
        collector.serve(listener, |_| async {});
        collector
    }

    /// Returns a collector that refuses connections: nobody listens on its port.
    pub async fn refusing() -> Self {
        Self::bound().await.1
    }

    /// Returns a collector that accepts connections and never answers.
    pub async fn hanging() -> Self {
        let (listener, mut collector) = Self::bound().await;
        collector.tasks.spawn(async move {
            let mut open = Vec::new();
            while let Ok((connection, _)) = listener.accept().await {
                open.push(connection);
            }
        });
        collector
    }

    /// Returns host and port without a scheme, as Grafana passes them on.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    pub fn reporter(&self) -> Reporter {
        Reporter(self.spans.clone())
    }

    pub fn spans(&self) -> Vec<Span> {
        self.spans.now(Clone::clone)
    }

    /// Forgets the spans so far, for measurements.
    pub fn forget(&self) {
        self.spans.change(Vec::clear);
    }

    /// Waits until the spans that have arrived for a trace are `enough`, and returns the trace.
    pub async fn wait_for_trace(&self, trace_id: &str, enough: impl Fn(&Trace) -> bool) -> Trace {
        let of_trace = |spans: &Vec<Span>| {
            let spans = spans.iter().filter(|span| span.trace_id == trace_id).cloned().collect();
            let trace = Trace::new(spans);
            enough(&trace).then_some(trace)
        };
        self.spans.until(of_trace).await
    }

    fn serve<T: Future<Output = ()> + Send + 'static>(
        &mut self,
        listener: TcpListener,
        take: impl Fn(Vec<Span>) -> T + Send + Sync + 'static,
    ) {
        let serving = gpx_client::collector::receive(listener, take);
        self.tasks.spawn(async move { serving.await.expect("the collector serves") });
    }

    async fn bound() -> (TcpListener, Self) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("the bound address");
        (listener, Self { address, spans: Seen::new(), tasks: tokio::task::JoinSet::new() })
    }
}

// === impl Reporter ===

impl Reporter {
    pub fn report(&self, span: Span) {
        self.0.push(span);
    }
}
