//! What happens on a connection as events of a request's span, named as Go's `otelhttptrace` names them.

use std::borrow::Cow;
use std::fmt::Display;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use opentelemetry::KeyValue;

use super::wording;
use crate::log::duration;
use crate::net::ResolveError;
use crate::telemetry::{LimitedSpan, SPAN_TEXT};
use crate::text::Scrub;

/// How many addresses of a DNS answer are listed. The answer is not the host's, and may have hundreds.
const SHOWN_ADDRESSES: usize = 32;

/// Adds events to one span, if that span is recorded.
#[derive(Clone, Debug)]
pub(in crate::egress) struct Events {
    recorded: Option<Arc<LimitedSpan>>,
    scrub: Scrub,
}

/// How a request got its connection.
#[derive(Clone, Copy, Debug)]
pub(in crate::egress) enum Reuse {
    New,
    Idle(Duration),
    /// Beside other requests.
    Shared,
}

// === impl Events ===

impl Events {
    pub(super) fn new(recorded: Option<Arc<LimitedSpan>>, scrub: Scrub) -> Self {
        Self { recorded, scrub }
    }

    pub(in crate::egress) fn connection_wanted(&self, authority: &str) {
        self.add("http.getconn.start", || vec![KeyValue::new("server.address", self.text(authority))]);
    }

    pub(in crate::egress) fn connection_ready(&self, remote: SocketAddr, local: SocketAddr, reuse: Reuse) {
        self.add("http.getconn.done", || {
            let (reused, was_idle) = (!matches!(reuse, Reuse::New), matches!(reuse, Reuse::Idle(_)));
            let mut attributes = vec![
                KeyValue::new("http.remote", remote.to_string()),
                KeyValue::new("http.local", local.to_string()),
                KeyValue::new("http.conn.reused", reused),
                KeyValue::new("http.conn.wasidle", was_idle),
            ];
            if let Reuse::Idle(time) = reuse {
                attributes.push(KeyValue::new("http.conn.idletime", duration(time)));
            }
            attributes
        });
    }

    pub(in crate::egress) fn dns_start(&self, host: &str) {
        self.add("http.dns.start", || vec![KeyValue::new("server.address", self.text(host))]);
    }

    pub(in crate::egress) fn dns_done(&self, addresses: &[IpAddr], error: Option<&ResolveError>) {
        self.add("http.dns.done", || {
            let shown = addresses.iter().take(SHOWN_ADDRESSES).map(ToString::to_string);
            let mut text = shown.collect::<Vec<_>>().join(",");
            if text.is_empty() {
                text = "undefined".to_owned();
            }
            let mut attributes = vec![KeyValue::new("http.dns.addrs", text)];
            attributes.extend(self.error_attribute("http.dns.error", error.map(wording::of_lookup)));
            attributes
        });
    }

    pub(in crate::egress) fn connect_start(&self, address: SocketAddr) {
        self.add_named(
            || format!("http.connect.{address}.start"),
            || {
                vec![
                    KeyValue::new("http.remote", address.to_string()),
                    KeyValue::new("http.conn.start.network", "tcp"),
                ]
            },
        );
    }

    pub(in crate::egress) fn connect_done(&self, address: SocketAddr, error: Option<&io::Error>) {
        self.add_named(
            || format!("http.connect.{address}.done"),
            || {
                let mut attributes = vec![
                    KeyValue::new("http.conn.done.addr", address.to_string()),
                    KeyValue::new("http.conn.done.network", "tcp"),
                ];
                let error = error.map(|error| self.text(wording::of_connect(address, error)));
                let key = || format!("http.connect.{address}.error");
                attributes.extend(error.map(|error| KeyValue::new(key(), error)));
                attributes
            },
        );
    }

    pub(in crate::egress) fn tls_start(&self) {
        self.add("http.tls.start", Vec::new);
    }

    pub(in crate::egress) fn tls_done(&self, error: Option<&io::Error>) {
        let words = || error.map(wording::of_handshake);
        self.add("http.tls.done", || self.error_attribute("http.tls.error", words()));
    }

    pub(in crate::egress) fn send_start(&self) {
        self.add("http.send.start", Vec::new);
    }

    pub(in crate::egress) fn send_done(&self, error: Option<&dyn Display>) {
        self.add("http.send.done", || self.error_attribute("http.send.error", error));
    }

    pub(in crate::egress) fn receive_start(&self) {
        self.add("http.receive.start", Vec::new);
    }

    pub(in crate::egress) fn receive_done(&self) {
        self.add("http.receive.done", Vec::new);
    }

    fn add(&self, name: &'static str, attributes: impl FnOnce() -> Vec<KeyValue>) {
        self.add_named(|| name, attributes);
    }

    fn add_named<N: Into<Cow<'static, str>>>(
        &self,
        name: impl FnOnce() -> N,
        attributes: impl FnOnce() -> Vec<KeyValue>,
    ) {
        if let Some(span) = self.recorded.as_ref().filter(|span| span.is_recording()) {
            span.add_event(name(), attributes().into_iter());
        }
    }

    fn error_attribute(&self, key: &'static str, error: Option<impl Display>) -> Vec<KeyValue> {
        error.map(|error| KeyValue::new(key, self.text(error))).into_iter().collect()
    }

    /// Returns a text that may repeat what the guest or the upstream says.
    fn text(&self, text: impl Display) -> String {
        self.scrub.shorten(text.to_string(), SPAN_TEXT)
    }
}
