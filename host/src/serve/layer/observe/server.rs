//! What all calls of one server have in common.

use opentelemetry::KeyValue;

use super::method::Methods;
use super::open::OpenSpans;
use crate::metrics::Metrics;
use crate::plugin::Current;
use crate::serve::address::Address;
use crate::shutdown::Shutdown;

/// What is known about the server whose calls are observed.
pub(super) struct ObservedServer {
    pub(super) current: Current,
    pub(super) shutdown: Shutdown,
    pub(super) metrics: Metrics,
    pub(super) address: Vec<KeyValue>,
    pub(super) methods: Methods,
    pub(super) open: OpenSpans,
}

/// Returns the attributes that say where this server listens: a socket's path or abstract name, or host and port.
pub(super) fn address_attributes(address: &Address) -> Vec<KeyValue> {
    match address.address.parse::<std::net::SocketAddr>() {
        Ok(address) => vec![
            KeyValue::new("server.address", address.ip().to_string()),
            KeyValue::new("server.port", i64::from(address.port())),
        ],
        Err(_) => vec![KeyValue::new("server.address", address.address.clone())],
    }
}
