//! One exchange: as it is recorded, and as HAR 1.2 has it. Names and order of the keys are those of the format.

use std::borrow::Cow;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::header::{CONTENT_TYPE, COOKIE, SET_COOKIE};
use http::{HeaderMap, Method, StatusCode, Uri, Version};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::redact::{self, Pair};
use crate::budget::Charge;
use crate::text::Scrub;

/// An exchange as it is recorded.
pub(super) struct Exchange {
    began: SystemTime,
    /// Until the head of the response.
    pub(super) took: Duration,
    sent: Sent,
    pub(super) request_body: Body,
    pub(super) response: Option<(StatusCode, Version, HeaderMap)>,
    pub(super) response_body: Body,
    pub(super) error: Option<String>,
    pub(super) failure: Option<Failure>,
    pub(super) memory: Charge,
    order: Option<u64>,
}

/// Why there is no answer, or no more of it.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) struct Failure {
    pub kind: Cow<'static, str>,
    /// A limit, or a number that the peer has sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<u64>,
    pub text: String,
}

/// The head of a request.
pub(super) struct Sent {
    pub(super) method: Method,
    pub(super) uri: Uri,
    pub(super) version: Version,
    pub(super) headers: HeaderMap,
}

/// What has passed of a body.
#[derive(Default)]
pub(super) struct Body {
    blocks: Vec<Vec<u8>>,
    /// How many bytes the blocks have.
    pub(super) kept: usize,
    /// How many bytes have passed.
    pub(super) passed: u64,
    pub(super) is_cut: bool,
    /// Whether it was read to its end.
    pub(super) is_whole: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Entry {
    started_date_time: String,
    /// In milliseconds.
    time: f64,
    request: HarRequest,
    response: HarResponse,
    cache: Cache,
    timings: Timings,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
    #[serde(rename = "_order", skip_serializing_if = "Option::is_none")]
    order: Option<u64>,
    #[serde(rename = "_failure", skip_serializing_if = "Option::is_none")]
    failure: Option<Failure>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HarRequest {
    method: String,
    url: String,
    http_version: String,
    headers: Vec<Pair>,
    query_string: Vec<Pair>,
    cookies: Vec<Pair>,
    #[serde(skip_serializing_if = "Option::is_none")]
    post_data: Option<PostData>,
    body_size: i64,
    headers_size: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HarResponse {
    status: u16,
    status_text: String,
    http_version: String,
    headers: Vec<Pair>,
    cookies: Vec<Pair>,
    content: Content,
    #[serde(rename = "redirectURL")]
    redirect_url: String,
    body_size: i64,
    headers_size: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PostData {
    mime_type: String,
    #[serde(flatten)]
    text: Text,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Content {
    size: usize,
    mime_type: String,
    #[serde(flatten)]
    text: Text,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Text {
    pub(super) text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) encoding: Option<Cow<'static, str>>,
}

#[derive(Serialize)]
struct Cache {}

/// As in Go, all of the time is that until the head of the response.
#[derive(Serialize)]
struct Timings {
    send: u8,
    wait: f64,
    receive: u8,
}

/// How large blocks grow, in bytes, unless a larger piece passes at once.
const BLOCK: usize = 64 << 10;

/// What a block takes besides its bytes: its place in a list, and the allocator's own.
const LISTED: usize = 64;

/// What a header, a cookie or a parameter takes besides its text, in bytes.
const PAIR: usize = 64;

/// A size that is not known.
const UNKNOWN: i64 = -1;

/// How a comment begins that says why there is no answer, as in Go.
pub(super) const TRANSPORT_ERROR: &str = "transport error: ";

/// Returns how many bytes headers take, or a little more.
pub(super) fn weight(headers: &HeaderMap) -> usize {
    let of = |value: &[u8]| value.len() + PAIR * (1 + count(value, b';'));
    headers.iter().map(|(name, value)| name.as_str().len() + of(value.as_bytes())).sum()
}

/// Returns how many bytes a URL takes, or a little more. Its query is there twice.
pub(super) fn weight_of_url(url: &Uri) -> usize {
    let url = url.to_string();
    2 * url.len() + PAIR * (1 + count(url.as_bytes(), b'&'))
}

fn count(text: &[u8], byte: u8) -> usize {
    text.iter().filter(|other| **other == byte).count()
}

pub(super) fn lock(exchange: &Mutex<Exchange>) -> MutexGuard<'_, Exchange> {
    exchange.lock().unwrap_or_else(PoisonError::into_inner)
}

// === impl Exchange ===

impl Exchange {
    /// Returns how many bytes the heads take.
    pub(super) fn heads(&self) -> usize {
        let response = self.response.as_ref().map_or(0, |(_, _, headers)| weight(headers));
        weight_of_url(&self.sent.uri) + weight(&self.sent.headers) + response
    }

    /// Returns how many bytes of the bodies are kept.
    pub(super) fn kept(&self) -> usize {
        self.request_body.kept + self.response_body.kept
    }

    /// Forgets what the bodies have, but not how much it was.
    pub(super) fn drop_bodies(&mut self) {
        self.request_body.blocks.clear();
        self.response_body.blocks.clear();
    }

    pub(super) fn new(began: SystemTime, sent: Sent, memory: Charge, order: Option<u64>) -> Self {
        let (request_body, response_body) = (Body::default(), Body::default());
        // Unless something else is said.
        let error = Some("the request was cancelled".to_owned());
        let (took, response, failure) = (Duration::ZERO, None, None);
        Self { began, took, sent, request_body, response, response_body, error, failure, memory, order }
    }

    /// Returns the exchange without the secrets that `scrub` knows. Its bodies are those of the entry from now on.
    pub(super) fn entry(&mut self, scrub: &Scrub) -> Entry {
        let wait = self.took.as_nanos() as f64 / 1e6;
        Entry {
            started_date_time: rfc3339(self.began),
            time: wait,
            request: self.request(scrub),
            response: self.response(scrub),
            cache: Cache {},
            timings: Timings { send: 0, wait, receive: 0 },
            comment: self.error.take().map(|error| format!("{TRANSPORT_ERROR}{}", scrub.text(error))),
            order: self.order,
            failure: self
                .failure
                .take()
                .filter(|_| self.order.is_some())
                .map(|failure| failure.scrubbed(scrub)),
        }
    }

    fn request(&mut self, scrub: &Scrub) -> HarRequest {
        let Sent { method, uri, version, headers } = &self.sent;
        let body_size = self.request_body.size();
        let mime_type = content_type(headers, scrub);
        let post_data = (self.request_body.passed > 0)
            .then(|| PostData { mime_type, text: self.request_body.text(scrub) });
        HarRequest {
            method: scrub.text(method.to_string()),
            url: redact::reference(&uri.to_string(), scrub),
            http_version: format!("{version:?}"),
            headers: redact::headers(headers, scrub),
            query_string: redact::parameters(uri, scrub),
            cookies: redact::cookies(headers, &COOKIE, scrub),
            post_data,
            body_size,
            headers_size: UNKNOWN,
        }
    }

    fn response(&mut self, scrub: &Scrub) -> HarResponse {
        let body_size = if self.response.is_some() { self.response_body.size() } else { UNKNOWN };
        let text = self.response_body.text(scrub);
        let size = self.response_body.kept;
        let Some((status, version, headers)) = &self.response else {
            return HarResponse {
                status: 0,
                status_text: String::new(),
                http_version: String::new(),
                headers: Vec::new(),
                cookies: Vec::new(),
                content: Content { size: 0, mime_type: String::new(), text: Text::default() },
                redirect_url: String::new(),
                body_size,
                headers_size: UNKNOWN,
            };
        };
        HarResponse {
            status: status.as_u16(),
            status_text: status.to_string(),
            http_version: format!("{version:?}"),
            headers: redact::headers(headers, scrub),
            cookies: redact::cookies(headers, &SET_COOKIE, scrub),
            content: Content { size, mime_type: content_type(headers, scrub), text },
            redirect_url: redact::location(headers, scrub),
            body_size,
            headers_size: UNKNOWN,
        }
    }
}

// === impl Body ===

impl Body {
    /// Returns how many bytes more it takes to keep a piece.
    pub(super) fn cost(&self, piece: &[u8]) -> usize {
        let beyond = piece.len().saturating_sub(self.spare());
        if beyond == 0 { 0 } else { self.next_block(beyond) + LISTED }
    }

    /// Keeps a piece. Pieces of a byte each are no allocations of their own.
    pub(super) fn push(&mut self, piece: &[u8]) {
        self.kept += piece.len();
        let (fits, beyond) = piece.split_at(piece.len().min(self.spare()));
        if let Some(block) = self.blocks.last_mut() {
            block.extend_from_slice(fits);
        }
        if !beyond.is_empty() {
            let mut block = Vec::with_capacity(self.next_block(beyond.len()));
            block.extend_from_slice(beyond);
            self.blocks.push(block);
        }
    }

    /// Returns how many bytes the last block can still take.
    fn spare(&self) -> usize {
        self.blocks.last().map_or(0, |block| block.capacity() - block.len())
    }

    /// Returns how large the next block is, if it begins with so many bytes.
    fn next_block(&self, bytes: usize) -> usize {
        let grown = self.blocks.last().map_or(0, |block| 2 * block.capacity());
        bytes.max(grown.min(BLOCK))
    }

    /// Returns -1 if less was recorded than there is, as in Go, or if nobody read it to its end.
    fn size(&self) -> i64 {
        if self.is_cut || !self.is_whole {
            return UNKNOWN;
        }
        i64::try_from(self.passed).unwrap_or(UNKNOWN)
    }

    /// Returns what was recorded.
    fn text(&mut self, scrub: &Scrub) -> Text {
        text(std::mem::take(&mut self.blocks).concat(), scrub)
    }
}

// === impl Failure ===

impl Failure {
    /// One whose kind is not known.
    pub(crate) fn unknown(text: &str) -> Self {
        Self { kind: "unknown".into(), number: None, text: text.to_owned() }
    }

    fn scrubbed(self, scrub: &Scrub) -> Self {
        Self { text: scrub.text(self.text), ..self }
    }
}

// === impl Entry ===

impl Entry {
    /// Returns the bodies' texts.
    pub(super) fn texts(&mut self) -> impl Iterator<Item = &mut Text> {
        let request = self.request.post_data.as_mut().map(|data| &mut data.text);
        request.into_iter().chain([&mut self.response.content.text])
    }
}

/// Returns a body as it is in a document, without secrets.
pub(super) fn text(bytes: Vec<u8>, scrub: &Scrub) -> Text {
    match String::from_utf8(bytes) {
        Ok(text) => Text { text: scrub.text(text), encoding: None },
        // Secrets are found in base64, too.
        Err(error) => {
            let text = BASE64_STANDARD.encode(error.as_bytes());
            Text { text: scrub.text(text), encoding: Some("base64".into()) }
        }
    }
}

fn content_type(headers: &HeaderMap, scrub: &Scrub) -> String {
    let value = headers.get(CONTENT_TYPE).map(|value| String::from_utf8_lossy(value.as_bytes()));
    scrub.text(value.unwrap_or_default().into_owned())
}

/// In UTC, with as many digits of a second as it has.
fn rfc3339(time: SystemTime) -> String {
    let at = OffsetDateTime::from(time);
    let nanos = format!("{:09}", at.nanosecond());
    let fraction = nanos.trim_end_matches('0');
    let (dot, month) = (if fraction.is_empty() { "" } else { "." }, u8::from(at.month()));
    let (date, clock) = (format!("{:04}-{month:02}-{:02}", at.year(), at.day()), at.time());
    format!("{date}T{:02}:{:02}:{:02}{dot}{fraction}Z", clock.hour(), clock.minute(), clock.second())
}
