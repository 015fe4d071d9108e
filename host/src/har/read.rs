//! Reads a document: what was asked, and what was answered. It may be one of this host, of the Go SDK, or of a browser.

use std::collections::HashMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderName, HeaderValue, Method, Response, StatusCode, Uri};
use http_body::Body;
use serde::Deserialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::entry::{self, Failure, TRANSPORT_ERROR, Text};
use super::limits::MAX_BODY;
use super::redact;
use crate::text::Scrub;

/// An exchange that was recorded.
#[derive(Debug)]
pub(crate) struct Recorded {
    /// Which request of its call it was.
    pub order: u64,
    pub began: Option<OffsetDateTime>,
    pub asked: Asked,
    /// The answer, or why there was none.
    pub answer: Result<Answer, Failure>,
}

/// What tells requests apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub method: String,
    pub url: String,
    /// `None` if not all of it was recorded.
    pub body: Option<Text>,
}

#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub response: Response<Bytes>,
    /// Why its body ends, if that is not its own end.
    pub cut: Option<Failure>,
}

#[derive(Deserialize)]
struct Document {
    log: Log,
}

#[derive(Deserialize)]
struct Log {
    entries: Vec<ReadEntry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReadEntry {
    #[serde(default)]
    started_date_time: String,
    request: ReadRequest,
    response: ReadResponse,
    comment: Option<String>,
    #[serde(rename = "_order")]
    order: Option<u64>,
    #[serde(rename = "_failure")]
    failure: Option<Failure>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReadRequest {
    method: String,
    url: String,
    post_data: Option<ReadContent>,
    #[serde(default)]
    body_size: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReadResponse {
    status: u16,
    #[serde(default)]
    headers: Vec<ReadPair>,
    #[serde(default)]
    content: ReadContent,
    #[serde(default)]
    body_size: i64,
}

#[derive(Deserialize)]
struct ReadPair {
    name: String,
    value: String,
}

#[derive(Default, Deserialize)]
struct ReadContent {
    #[serde(default)]
    size: i64,
    #[serde(default)]
    text: String,
    encoding: Option<String>,
}

/// Reads the entries of a HAR document, in their order.
pub(crate) fn read(text: &[u8]) -> Result<Vec<Recorded>, serde_json::Error> {
    let Document { log } = serde_json::from_slice(text)?;
    Ok(log.entries.into_iter().zip(0..).map(|(entry, at)| entry.recorded(at)).collect())
}

/// Returns a URL as documents have it.
pub(crate) fn shown_url(uri: &Uri, scrub: &Scrub) -> String {
    redact::reference(&uri.to_string(), scrub)
}

// === impl Asked ===

impl Asked {
    /// Reads the body of a request, as documents would have it.
    pub(crate) async fn read<B>(
        method: &Method,
        url: String,
        body: B,
        scrub: &Scrub,
    ) -> Result<Self, B::Error>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        let (mut body, mut bytes, mut is_whole) = (body, Vec::new(), true);
        while let Some(frame) = http_body_util::BodyExt::frame(&mut body).await {
            let Ok(data) = frame?.into_data() else { continue };
            is_whole &= bytes.len() + data.len() <= MAX_BODY;
            if is_whole {
                bytes.extend_from_slice(&data);
            }
        }
        let body = is_whole.then(|| entry::text(bytes, scrub));
        Ok(Self { method: scrub.text(method.to_string()), url, body })
    }

    /// Returns whether both may be the same request.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        let same_body = self.body.is_none() || other.body.is_none() || self.body == other.body;
        (&self.method, &self.url) == (&other.method, &other.url) && same_body
    }
}

// === impl ReadEntry ===

impl ReadEntry {
    fn recorded(self, at: u64) -> Recorded {
        let Self { started_date_time, request, response, comment, order, failure } = self;
        let body = request.post_data.unwrap_or_default();
        let is_whole = request.body_size >= 0;
        let asked = Asked {
            method: request.method,
            url: request.url,
            body: is_whole.then(|| Text { text: body.text, encoding: body.encoding.map(Into::into) }),
        };
        let answer = if response.status == 0 {
            let text = comment.as_deref().map(|text| text.strip_prefix(TRANSPORT_ERROR).unwrap_or(text));
            Err(failure.unwrap_or_else(|| Failure::unknown(text.unwrap_or("there was no answer"))))
        } else {
            response.answer(failure).map_err(|what| Failure::unknown(&what))
        };
        let began = OffsetDateTime::parse(&started_date_time, &Rfc3339).ok();
        Recorded { order: order.unwrap_or(at), began, asked, answer }
    }
}

// === impl ReadResponse ===

impl ReadResponse {
    fn answer(self, failure: Option<Failure>) -> Result<Answer, String> {
        let Self { status, headers, content, body_size } = self;
        let is_encoded = content.encoding.as_deref() == Some("base64");
        if content.text.is_empty() && (content.size > 0 || body_size > 0) {
            return Err("the answer's body was too large to be recorded".to_owned());
        }
        let body = if is_encoded {
            let decoded = BASE64_STANDARD.decode(&content.text);
            decoded.map_err(|_| "the answer's body has a secret, which was not recorded".to_owned())?
        } else {
            content.text.into_bytes()
        };
        let cut = failure.or_else(|| {
            (body_size < 0).then(|| Failure::unknown("the recording ends within the answer's body"))
        });
        let status = StatusCode::from_u16(status).map_err(|error| error.to_string())?;
        let mut response = Response::new(Bytes::from(body));
        *response.status_mut() = status;
        for ReadPair { name, value } in headers {
            let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) else {
                continue;
            };
            // What is text has been decoded.
            if name == TRANSFER_ENCODING || name == CONTENT_ENCODING && !is_encoded {
                continue;
            }
            response.headers_mut().append(name, value);
        }
        // Without its secrets the body has another length.
        if cut.is_none() && response.headers().contains_key(CONTENT_LENGTH) && !response.body().is_empty() {
            let length = HeaderValue::from(response.body().len());
            response.headers_mut().insert(CONTENT_LENGTH, length);
        }
        Ok(Answer { response, cut })
    }
}
