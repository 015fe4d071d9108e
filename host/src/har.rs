//! The exchanges of a call with its upstreams, in the format HAR 1.2, for a caller that asks for them. As the Go SDK's
//! capture: what is recorded is what passes by, so nothing is delayed and nothing is read that the component does not read.

mod capture;
mod document;
mod entry;
mod limits;
mod read;
mod redact;
mod tee;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use http::{Request, Response, Uri};
use http_body::Body;
use tokio::time::Instant;

pub(crate) use self::capture::Capture;
pub(crate) use self::entry::Failure;
use self::entry::{Exchange, Sent, lock};
use self::limits::ENTRY;
pub(crate) use self::read::{Answer, Asked, Recorded, read, shown_url};
pub(crate) use self::tee::Tee;
use crate::budget::{MemoryKind, OwnerMemory};

/// Asks for a capture. Unlike most headers of a call, its key has no prefix.
const HEADER: &str = "X-Grafana-HAR-Capture";

/// Records the exchanges of one data source or app in a call.
#[derive(Clone)]
pub(crate) struct Recorder {
    capture: Capture,
    memory: OwnerMemory,
    /// Which request of its call the next one is, for a recording that is played back.
    order: Option<u64>,
}

/// An exchange that is being recorded.
pub(crate) struct Recording {
    recorder: Recorder,
    /// `None` if there is no room for it.
    exchange: Option<Arc<Mutex<Exchange>>>,
    began: Instant,
}

/// Returns whether a message with these headers asks for a capture.
pub(crate) fn is_wanted(headers: &HashMap<String, String>) -> bool {
    headers.get(HEADER).is_some_and(|value| value == "true")
}

// === impl Capture ===

impl Capture {
    /// Returns what records for this owner.
    pub(crate) fn recorder(&self, memory: &OwnerMemory) -> Recorder {
        Recorder { capture: self.clone(), memory: memory.clone(), order: None }
    }
}

// === impl Recorder ===

impl Recorder {
    /// Returns what records one request as the one with this number of its call. Then its entry also has what no HAR document
    /// has: the number, and the kind of a failure.
    pub(crate) fn numbered(self, order: u64) -> Self {
        Self { order: Some(order), ..self }
    }

    /// Begins to record a request to `uri`, as it is about to be sent.
    pub(crate) fn begin<B>(&self, uri: &Uri, request: &Request<B>) -> Recording {
        let sent = Sent {
            method: request.method().clone(),
            uri: uri.clone(),
            version: request.version(),
            headers: request.headers().clone(),
        };
        let head = ENTRY + entry::weight_of_url(uri) + entry::weight(&sent.headers);
        let mut memory = self.memory.nothing(MemoryKind::Answers);
        let fits = self.capture.take_for_head(head) && memory.try_grow(head).is_ok();
        let exchange =
            fits.then(|| Arc::new(Mutex::new(Exchange::new(SystemTime::now(), sent, memory, self.order))));
        self.capture.add(exchange.clone());
        Recording { recorder: self.clone(), exchange, began: Instant::now() }
    }
}

// === impl Recording ===

impl Recording {
    /// Records a body of the request as it passes.
    pub(crate) fn request_body<B: Body>(&self, body: B) -> Tee<B> {
        Tee::new(body, self.part(|exchange| &mut exchange.request_body))
    }

    /// Records the head of the response.
    pub(crate) fn answered<B>(&self, response: &Response<B>) {
        let Some(exchange) = &self.exchange else { return };
        let weight = entry::weight(response.headers());
        let mut exchange = lock(exchange);
        exchange.took = self.began.elapsed();
        exchange.error = None;
        if self.recorder.capture.take_for_head(weight) && exchange.memory.try_grow(weight).is_ok() {
            exchange.response = Some((response.status(), response.version(), response.headers().clone()));
        }
    }

    /// Records the body of the response as it passes.
    pub(crate) fn response_body<B: Body>(&self, body: B) -> Tee<B> {
        Tee::new(body, self.part(|exchange| &mut exchange.response_body))
    }

    /// Records that there is no response.
    pub(crate) fn failed(&self, failure: Failure) {
        if let Some(exchange) = &self.exchange {
            let mut exchange = lock(exchange);
            exchange.took = self.began.elapsed();
            exchange.error = Some(failure.text.clone());
            exchange.failure = Some(failure);
        }
    }

    /// Records that the body of the response ends before its end.
    pub(crate) fn cut(&self, failure: Failure) {
        if let Some(exchange) = &self.exchange {
            lock(exchange).failure = Some(failure);
        }
    }

    fn part(&self, of: fn(&mut Exchange) -> &mut entry::Body) -> Option<tee::Part> {
        let exchange = self.exchange.clone()?;
        Some(tee::Part { exchange, of, capture: self.recorder.capture.clone() })
    }
}

#[cfg(test)]
mod tests;
