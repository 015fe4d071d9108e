//! Requests to upstreams: what the Go SDK's HTTP client measures, and how each of them ended.

mod secure_socks;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use http::{Method, StatusCode};
use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};

use self::secure_socks::{SecureSocks, SecureSocksDial};

/// In seconds, as in the Go SDK.
const SECONDS: [f64; 14] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0];

/// How many sizes there are, doubling from [`SMALLEST`]. As in the Go SDK; the largest is 8 GiB.
const SIZES: i32 = 27;
const SMALLEST: f64 = 128.0;

const TARGET: [&str; 3] = ["datasource_type", "secure_socks_ds_proxy_enabled", "endpoint"];
const REQUEST: [&str; 5] = ["datasource_type", "code", "method", "secure_socks_ds_proxy_enabled", "endpoint"];

/// How many sets of labels the requests have at most: upstreams choose their codes, and components the methods.
const MAX_SETS: usize = 200;

/// The code and the method of all requests beyond [`MAX_SETS`], and Go's word for those that it does not know.
const UNKNOWN: &str = "unknown";

/// How a request ended to which a response came, and one whose call did not wait for it. Other ends are kinds of errors.
const RESPONSE: &str = "response";
const CANCELLED: &str = "cancelled";

/// The metrics of requests to upstreams. Cheap to clone.
#[derive(Clone)]
pub(crate) struct UpstreamRequests(Arc<RequestMetrics>);

struct RequestMetrics {
    count: IntCounterVec,
    seconds: HistogramVec,
    in_flight: IntGaugeVec,
    sizes: HistogramVec,
    last_size: IntGaugeVec,
    ends: IntCounterVec,
    secure_socks: SecureSocks,
    sets: Mutex<HashSet<LabelSet>>,
}

/// A data source's type as a value of `datasource_type`. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct DataSourceType(Arc<str>);

/// A request from when it is made until its response's body is dropped. It is counted when it is dropped.
pub(crate) struct CountedRequest {
    metrics: UpstreamRequests,
    /// What the Go SDK's metrics say of it. `None` if it is not a data source's.
    target: Option<RequestTarget>,
    method: &'static str,
    began: Instant,
    /// The bytes of the body that were passed on, once there is a response.
    received: Option<u64>,
    end: &'static str,
}

struct RequestTarget {
    kind: DataSourceType,
    /// Whether it goes through Grafana's secure SOCKS proxy.
    secure_socks: bool,
    endpoint: &'static str,
    /// The requests in flight, as long as this is one of them.
    in_flight: Option<IntGauge>,
}

#[derive(PartialEq, Eq, Hash)]
struct LabelSet {
    kind: DataSourceType,
    secure_socks: bool,
    code: u16,
    method: &'static str,
    endpoint: &'static str,
}

// === impl DataSourceType ===

impl DataSourceType {
    /// Keeps what the Go SDK keeps of a type. `None` if nothing is left.
    pub(crate) fn new(kind: &str) -> Option<Self> {
        let keep = |(place, letter): (usize, char)| match letter {
            'a'..='z' | 'A'..='Z' | '_' => Some(letter),
            '0'..='9' if place > 0 => Some(letter),
            ' ' => Some('_'),
            _ => None,
        };
        let kept: String = kind.char_indices().filter_map(keep).collect();
        (!kept.is_empty()).then(|| Self(kept.into()))
    }
}

// === impl UpstreamRequests ===

impl UpstreamRequests {
    pub(super) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let sizes: Vec<_> = (0..SIZES).map(|power| SMALLEST * 2_f64.powi(power)).collect();
        let requests = RequestMetrics {
            count: IntCounterVec::new(
                Opts::new(
                    "plugins_datasource_request_total",
                    "A counter for outgoing requests for an external data source",
                ),
                &REQUEST,
            )?,
            seconds: HistogramVec::new(
                HistogramOpts::new(
                    "plugins_datasource_request_duration_seconds",
                    "histogram of durations of outgoing external data source requests sent from Grafana",
                )
                .buckets(SECONDS.to_vec()),
                &REQUEST,
            )?,
            in_flight: IntGaugeVec::new(
                Opts::new(
                    "plugins_datasource_request_in_flight",
                    "A gauge of outgoing external data source requests currently being sent by Grafana",
                ),
                &TARGET,
            )?,
            sizes: HistogramVec::new(
                HistogramOpts::new(
                    "plugins_datasource_response_size_bytes",
                    "histogram of external data source response sizes returned to Grafana",
                )
                .buckets(sizes),
                &TARGET,
            )?,
            last_size: IntGaugeVec::new(
                Opts::new(
                    "plugins_datasource_response_size",
                    "gauge of data source response sizes returned to Grafana in bytes",
                ),
                &TARGET,
            )?,
            ends: IntCounterVec::new(
                Opts::new("gpx_http_requests_total", "Requests of the component, by how they ended"),
                &["outcome"],
            )?,
            secure_socks: SecureSocks::new(registry)?,
            sets: Mutex::default(),
        };
        registry.register(Box::new(requests.count.clone()))?;
        registry.register(Box::new(requests.seconds.clone()))?;
        registry.register(Box::new(requests.in_flight.clone()))?;
        registry.register(Box::new(requests.sizes.clone()))?;
        registry.register(Box::new(requests.last_size.clone()))?;
        registry.register(Box::new(requests.ends.clone()))?;
        Ok(Self(Arc::new(requests)))
    }

    /// A request begins, on behalf of a call of `endpoint`. `secure_socks` says whether the data source asks for Grafana's secure
    /// SOCKS proxy.
    pub(crate) fn begin(
        &self,
        kind: Option<DataSourceType>,
        secure_socks: bool,
        endpoint: &'static str,
        method: &Method,
    ) -> CountedRequest {
        let target = kind.map(|kind| {
            let mut target = RequestTarget { kind, secure_socks, endpoint, in_flight: None };
            let in_flight = self.0.in_flight.with_label_values(&target.labels());
            in_flight.inc();
            target.in_flight = Some(in_flight);
            target
        });
        let (metrics, method) = (self.clone(), known(method));
        CountedRequest { metrics, target, method, began: Instant::now(), received: None, end: CANCELLED }
    }

    /// A connection through the secure SOCKS proxy is being made, for the data source of that name and type.
    pub(crate) fn secure_socks(&self, data_source: &str, kind: &str) -> SecureSocksDial {
        self.0.secure_socks.begin(data_source, kind)
    }
}

// === impl RequestMetrics ===

impl RequestMetrics {
    /// Returns the code and the method under which a request is counted.
    fn bounded(
        &self,
        target: &RequestTarget,
        code: StatusCode,
        method: &'static str,
    ) -> (String, &'static str) {
        let code = code.as_u16();
        let RequestTarget { secure_socks, endpoint, .. } = *target;
        let set = LabelSet { kind: target.kind.clone(), secure_socks, code, method, endpoint };
        let mut sets = self.sets.lock().unwrap_or_else(PoisonError::into_inner);
        if !sets.contains(&set) && sets.len() >= MAX_SETS {
            return (UNKNOWN.to_owned(), UNKNOWN);
        }
        sets.insert(set);
        // As in Go.
        (if code < 600 { code.to_string() } else { UNKNOWN.to_owned() }, method)
    }
}

/// Returns a method in the spelling of Prometheus's Go library.
fn known(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" | "get" => "get",
        "PUT" | "put" => "put",
        "HEAD" | "head" => "head",
        "POST" | "post" => "post",
        "DELETE" | "delete" => "delete",
        "CONNECT" | "connect" => "connect",
        "OPTIONS" | "options" => "options",
        "NOTIFY" | "notify" => "notify",
        "TRACE" | "trace" => "trace",
        "PATCH" | "patch" => "patch",
        _ => UNKNOWN,
    }
}

// === impl CountedRequest ===

impl CountedRequest {
    /// The head of the response has arrived.
    pub(crate) fn answered(&mut self, code: StatusCode) {
        self.end = RESPONSE;
        self.received = (code != StatusCode::SWITCHING_PROTOCOLS).then_some(0);
        self.no_longer_waits();
        let Some(target) = &self.target else { return };
        let metrics = &self.metrics.0;
        let (code, method) = metrics.bounded(target, code, self.method);
        let labels = [&*target.kind.0, &code, method, target.socks(), target.endpoint];
        metrics.count.with_label_values(&labels).inc();
        metrics.seconds.with_label_values(&labels).observe(self.began.elapsed().as_secs_f64());
    }

    /// A part of the response's body is passed on.
    pub(crate) fn received(&mut self, bytes: usize) {
        if let Some(received) = &mut self.received {
            *received += bytes as u64;
        }
    }

    /// The request or its response failed.
    pub(crate) fn failed(&mut self, end: &'static str) {
        self.end = end;
    }

    fn no_longer_waits(&mut self) {
        if let Some(in_flight) = self.target.as_mut().and_then(|target| target.in_flight.take()) {
            in_flight.dec();
        }
    }
}

impl Drop for CountedRequest {
    fn drop(&mut self) {
        self.no_longer_waits();
        let metrics = &self.metrics.0;
        metrics.ends.with_label_values(&[self.end]).inc();
        if let (Some(target), Some(received)) = (&self.target, self.received) {
            let labels = target.labels();
            metrics.sizes.with_label_values(&labels).observe(received as f64);
            metrics.last_size.with_label_values(&labels).set(received.cast_signed());
        }
    }
}

// === impl RequestTarget ===

impl RequestTarget {
    fn labels(&self) -> [&str; 3] {
        [&self.kind.0, self.socks(), self.endpoint]
    }

    fn socks(&self) -> &'static str {
        if self.secure_socks { "true" } else { "false" }
    }
}
