//! Connections through Grafana's secure SOCKS proxy, as the Go SDK measures them.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use prometheus::{HistogramOpts, HistogramVec, Registry};

/// How many sets of labels there are at most, and the word in all others.
const MAX_SETS: usize = 200;
const UNKNOWN: &str = "unknown";

/// How a connection ended that nobody waits for any more.
const CANCELLED: &str = "context_canceled_error";

/// Cheap to clone.
#[derive(Clone)]
pub(crate) struct SecureSocks {
    seconds: HistogramVec,
    sets: Arc<Mutex<HashSet<[String; 3]>>>,
}

/// A connection that is being made. It is counted when it is dropped.
pub(crate) struct SecureSocksDial {
    metrics: SecureSocks,
    data_source: String,
    kind: String,
    began: Instant,
    code: Cow<'static, str>,
}

// === impl SecureSocks ===

impl SecureSocks {
    pub(super) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let opts = HistogramOpts::new(
            "grafana_secure_socks_requests_duration",
            "Duration of requests to the secure socks proxy",
        );
        let seconds = HistogramVec::new(opts, &["code", "datasource", "datasource_type"])?;
        registry.register(Box::new(seconds.clone()))?;
        Ok(Self { seconds, sets: Arc::default() })
    }

    /// A connection is being made for the data source of that name and type.
    pub(crate) fn begin(&self, data_source: &str, kind: &str) -> SecureSocksDial {
        SecureSocksDial {
            metrics: self.clone(),
            data_source: data_source.to_owned(),
            kind: kind.to_owned(),
            began: Instant::now(),
            code: CANCELLED.into(),
        }
    }

    /// Returns the labels under which a connection is counted. Names of data sources are many, and change.
    fn bounded(&self, set: [String; 3]) -> [String; 3] {
        let mut sets = self.sets.lock().unwrap_or_else(PoisonError::into_inner);
        if !sets.contains(&set) && sets.len() >= MAX_SETS {
            let [_, _, kind] = set;
            return [UNKNOWN.to_owned(), UNKNOWN.to_owned(), kind];
        }
        sets.insert(set.clone());
        set
    }
}

// === impl SecureSocksDial ===

impl SecureSocksDial {
    /// The connection is made, or it has failed with this code.
    pub(crate) fn ended(&mut self, code: impl Into<Cow<'static, str>>) {
        self.code = code.into();
    }
}

impl Drop for SecureSocksDial {
    fn drop(&mut self) {
        let take = std::mem::take::<String>;
        let set = [self.code.to_string(), take(&mut self.data_source), take(&mut self.kind)];
        let set = self.metrics.bounded(set);
        let labels = set.each_ref().map(String::as_str);
        self.metrics.seconds.with_label_values(&labels).observe(self.began.elapsed().as_secs_f64());
    }
}

#[cfg(test)]
mod tests {
    use prometheus::TextEncoder;

    use super::*;

    #[test]
    fn each_connection_is_counted_by_its_code_within_bounds() {
        let registry = Registry::new();
        let metrics = SecureSocks::new(&registry).unwrap();
        metrics.begin("Prices", "my-datasource").ended("0");
        drop(metrics.begin("Prices", "my-datasource"));
        for number in 0..2 * MAX_SETS {
            metrics.begin(&format!("Source {number}"), "my-datasource").ended("5");
        }
        let text = TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
        let line = |code: &str, source: &str, count: usize| {
            let name = "grafana_secure_socks_requests_duration_count";
            format!(
                r#"{name}{{code="{code}",datasource="{source}",datasource_type="my-datasource"}} {count}"#
            )
        };
        for line in [
            line("0", "Prices", 1),
            line("context_canceled_error", "Prices", 1),
            line("5", "Source 0", 1),
            line("unknown", "unknown", MAX_SETS + 2),
        ] {
            assert!(text.lines().any(|text| text == line), "{line} is not in\n{text}");
        }
    }
}
