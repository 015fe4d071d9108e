//! A scripted answer.

use std::fmt::{self, Display};
use std::time::Duration;

use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, InvalidHeaderName, InvalidHeaderValue};
use http::{HeaderMap, StatusCode};
use serde::Serialize;

use crate::http::Cause;

/// A scripted answer: see [`json`](json()), [`text`], [`status`] and [`failure`].
///
/// ```
/// # use gpx_sdk::{http::{self, Cause}, test::{Host, any, status}};
/// # use std::time::Duration;
/// # let host = Host::new();
/// let answer = status(200).header("Content-Type", "text/csv").body("gold,1.5\n").delay(Duration::from_secs(2));
/// host.given(any()).once().respond(answer.clone());
/// host.given(any()).once().respond(answer.cut());
///
/// let text = || http::get("http://prices.example").send()?.text();
/// assert_eq!(text()?, "gold,1.5\n");
/// assert!(matches!(text().unwrap_err().cause(), Cause::Incomplete));
/// # assert_eq!(host.now().unix_seconds() % 60, 4);
/// # Ok::<_, gpx_sdk::Fault>(())
/// ```
#[derive(Clone, Debug)]
pub struct ResponseTemplate {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    pub(crate) delay: Duration,
    pub(crate) body_delay: Duration,
    pub(crate) failure: Option<Cause>,
    pub(crate) is_cut: bool,
}

/// Answers 200 with JSON.
///
/// ```
/// # use gpx_sdk::{http, test::{self, Host, any}};
/// # let host = Host::new();
/// host.given(any()).respond(test::json(&serde_json::json!({ "price": 1.5 })));
/// # assert_eq!(http::get("http://a.example").send()?.json::<serde_json::Value>()?["price"], 1.5);
/// # Ok::<_, gpx_sdk::Fault>(())
/// ```
///
/// # Panics
///
/// If the body cannot be written as JSON.
#[track_caller]
pub fn json(body: &(impl Serialize + ?Sized)) -> ResponseTemplate {
    status(200).json(body)
}

/// Answers 200 with a text.
///
/// ```
/// # use gpx_sdk::{http, test::{Host, any, text}};
/// # let host = Host::new();
/// host.given(any()).respond(text("1.5"));
/// # assert_eq!(http::get("http://a.example").send()?.text()?, "1.5");
/// # Ok::<_, gpx_sdk::Fault>(())
/// ```
pub fn text(body: impl Into<String>) -> ResponseTemplate {
    status(200).header("Content-Type", "text/plain; charset=utf-8").body(body.into())
}

/// Answers with a status and an empty body.
///
/// ```
/// # use gpx_sdk::{http, test::{Host, any, status}};
/// # let host = Host::new();
/// host.given(any()).once().respond(status(429).header("Retry-After", "2"));
/// # assert_eq!(http::get("http://a.example").send()?.headers()["retry-after"], "2");
/// # Ok::<_, gpx_sdk::Fault>(())
/// ```
///
/// # Panics
///
/// If it is not 100 to 999.
#[track_caller]
#[expect(clippy::panic, reason = "it fails the test that is wrong")]
pub fn status(status: u16) -> ResponseTemplate {
    if StatusCode::from_u16(status).is_err() {
        panic!("{status} is not a status of HTTP");
    }
    ResponseTemplate {
        status,
        headers: HeaderMap::new(),
        body: Vec::new(),
        delay: Duration::ZERO,
        body_delay: Duration::ZERO,
        failure: None,
        is_cut: false,
    }
}

/// Does not answer: the request fails, for example with [`Cause::Refused`].
///
/// ```
/// # use gpx_sdk::{Fault, http::{self, Cause}, test::{Host, any, failure}};
/// # let host = Host::new();
/// host.given(any()).respond(failure(Cause::Refused));
/// let fault = Fault::from(http::get("http://prices.example").send().unwrap_err());
/// assert_eq!((fault.status, fault.message.as_str()), (502, "GET http://prices.example/: connection refused"));
/// ```
pub fn failure(cause: Cause) -> ResponseTemplate {
    ResponseTemplate { failure: Some(cause), ..status(200) }
}

// === impl ResponseTemplate ===

impl ResponseTemplate {
    /// Adds a header.
    ///
    /// # Panics
    ///
    /// If it is not one.
    #[must_use]
    #[track_caller]
    #[expect(clippy::panic, reason = "it fails the test that is wrong")]
    pub fn header(mut self, name: &str, value: impl AsRef<str>) -> Self {
        let parsed: Result<HeaderName, InvalidHeaderName> = name.parse();
        let value: Result<HeaderValue, InvalidHeaderValue> = value.as_ref().parse();
        let (Ok(known), Ok(value)) = (parsed, value) else {
            panic!("`{name}` with this value is not a header")
        };
        self.headers.append(known, value);
        self
    }

    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Sets a body in JSON and its content type.
    ///
    /// # Panics
    ///
    /// If the body cannot be written as JSON.
    #[must_use]
    #[track_caller]
    #[expect(clippy::expect_used, reason = "it fails the test that is wrong")]
    pub fn json(mut self, body: &(impl Serialize + ?Sized)) -> Self {
        self.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let body = serde_json::to_vec(body).expect("a scripted body can be written as JSON");
        self.body(body)
    }

    /// Lets the response begin, or the failure come, after a time of the fake clock. Nothing really waits. If the request or the
    /// data source does not wait that long, the request fails with [`Cause::Timeout`]: a data source waits for 30 s, unless its
    /// jsonData has another `timeout`.
    #[must_use]
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Lets the body come so much later than the response begins.
    #[must_use]
    pub fn body_delay(mut self, delay: Duration) -> Self {
        self.body_delay = delay;
        self
    }

    /// Ends the connection after the body, as if there should be more of it.
    #[must_use]
    pub fn cut(mut self) -> Self {
        self.is_cut = true;
        self
    }
}

/// In short: what happens, and when.
impl Display for ResponseTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.failure {
            Some(cause) => write!(f, "a failure ({cause})")?,
            None => write!(f, "{}", self.status)?,
        }
        if self.delay.is_zero() { Ok(()) } else { write!(f, " after {:?}", self.delay) }
    }
}
