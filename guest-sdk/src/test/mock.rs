//! Scripted upstreams: which requests are answered, and how.

use std::fmt::{self, Display};
use std::rc::Rc;
use std::time::Duration;

use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, InvalidHeaderName, InvalidHeaderValue};
use http::{HeaderMap, Method, StatusCode, Uri};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::record::RequestSpanRecord;
use crate::http::Cause;

/// A request that the plugin has sent. The headers that the host adds, such as the data source's credentials, are not there.
///
/// ```
/// # use gpx_sdk::{http, span, test::{Host, any, status}};
/// let host = Host::new();
/// host.given(any()).respond(status(201));
/// {
///     let _span = span!("store");
///     http::post("http://prices.example/gold?unit=kg").bearer("abc").json(&[1.5]).send()?;
/// }
///
/// let request = &host.requests()[0];
/// assert_eq!((request.method.as_str(), request.url.path()), ("POST", "/gold"));
/// assert_eq!(request.query("unit").next().as_deref(), Some("kg"));
/// assert_eq!(request.header("authorization"), Some("Bearer abc"));
/// assert_eq!(request.json::<Vec<f64>>().unwrap(), [1.5]);
/// assert_eq!(request.span.as_deref(), Some("store"));
/// # Ok::<_, gpx_sdk::Fault>(())
/// ```
#[derive(Clone)]
pub struct SentRequest {
    pub method: Method,
    pub url: Uri,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    /// The name of the span around it.
    pub span: Option<String>,
    /// What its own span shall be, if the plugin has said anything.
    pub own_span: Option<RequestSpanRecord>,
}

/// Which requests a scripted answer is for: see [`any`], [`get`] and [`post`].
///
/// ```
/// # use gpx_sdk::{http, test::{Host, any, get, post, status}};
/// # let host = Host::new();
/// host.given(get("/prices").query("symbol", "gold").header("X-Tenant", "a")).respond(status(200));
/// host.given(post("/prices").json(&[1.5])).respond(status(201));
/// host.given(any().method(http::Method::DELETE).url("https://other.example/prices")).respond(status(202));
/// host.given(any().that(|request| request.body.is_empty())).respond(status(203));
///
/// # let sent = |request: http::Request| request.send().unwrap().status().as_u16();
/// # let url = "http://a.example/prices";
/// # assert_eq!(sent(http::get(url).query("symbol", "gold").header("x-tenant", "a")), 200);
/// # assert_eq!(sent(http::post(url).body("[1.50]")), 201);
/// # assert_eq!(sent(http::delete("https://other.example/prices?a=b")), 202);
/// # assert_eq!(sent(http::get(url)), 203);
/// ```
#[derive(Clone)]
pub struct Matcher {
    method: Option<Method>,
    url: Option<String>,
    query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    json: Option<serde_json::Value>,
    that: Option<Rc<Predicate>>,
}

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

type Predicate = dyn Fn(&SentRequest) -> bool;

/// Makes the answer to a request.
pub(crate) type Respond = Rc<dyn Fn(&SentRequest) -> ResponseTemplate>;

/// A matcher with its answer, and for how many requests it is.
pub(crate) struct Mock {
    pub(crate) matcher: Matcher,
    pub(crate) left: Option<usize>,
    pub(crate) respond: Respond,
}

/// Matches every request.
///
/// ```
/// # use gpx_sdk::{http, test::{Host, any, status}};
/// # let host = Host::new();
/// host.given(any()).respond(status(204));
/// # assert_eq!(http::delete("http://prices.example").send()?.status(), 204);
/// # Ok::<_, gpx_sdk::Fault>(())
/// ```
pub fn any() -> Matcher {
    Matcher { method: None, url: None, query: Vec::new(), headers: Vec::new(), json: None, that: None }
}

/// Matches GET requests with that path, such as `/api/prices`, of any origin; or with that URL, such as
/// `https://login.example.com/token`. Neither has a query: see [`Matcher::query`].
///
/// ```
/// # use gpx_sdk::{http, test::{Host, get, text}};
/// # let host = Host::new();
/// host.given(get("/prices")).respond(text("1.5"));
/// host.given(get("https://other.example/prices")).respond(text("2.5"));
/// assert_eq!(http::get("https://prices.example/prices?symbol=gold").send()?.text()?, "1.5");
/// # Ok::<_, gpx_sdk::Fault>(())
/// ```
pub fn get(url: impl Into<String>) -> Matcher {
    any().method(Method::GET).url(url)
}

/// Matches POST requests with that path or URL, as [`get`] does.
///
/// ```
/// # use gpx_sdk::{http, test::{Host, post, status}};
/// # let host = Host::new();
/// host.given(post("/prices").json(&[1.5])).respond(status(201));
/// assert_eq!(http::post("http://prices.example/prices").json(&[1.5]).send()?.status(), 201);
/// # Ok::<_, gpx_sdk::Fault>(())
/// ```
pub fn post(url: impl Into<String>) -> Matcher {
    any().method(Method::POST).url(url)
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

// === impl Matcher ===

impl Matcher {
    #[must_use]
    pub fn method(mut self, method: Method) -> Self {
        self.method = Some(method);
        self
    }

    /// Matches a path, or a URL.
    #[must_use]
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.url = Some(url.into());
        self
    }

    /// Matches requests with that parameter in the query. Others may be there as well.
    #[must_use]
    pub fn query(mut self, name: &str, value: impl Display) -> Self {
        self.query.push((name.to_owned(), value.to_string()));
        self
    }

    /// Matches requests with that header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Matches requests whose body is that JSON, however it is written.
    ///
    /// # Panics
    ///
    /// If it cannot be written as JSON.
    #[must_use]
    #[track_caller]
    #[expect(clippy::expect_used, reason = "it fails the test that is wrong")]
    pub fn json(mut self, body: &(impl Serialize + ?Sized)) -> Self {
        self.json = Some(serde_json::to_value(body).expect("the body to match can be written as JSON"));
        self
    }

    /// Matches requests for which the function returns true.
    #[must_use]
    pub fn that(mut self, predicate: impl Fn(&SentRequest) -> bool + 'static) -> Self {
        self.that = Some(Rc::new(predicate));
        self
    }

    fn matches(&self, request: &SentRequest) -> bool {
        self.method.as_ref().is_none_or(|method| *method == request.method)
            && self.url.as_ref().is_none_or(|url| request.is_at(url))
            && self.query.iter().all(|(name, value)| request.query(name).any(|sent| sent == *value))
            && self.headers.iter().all(|(name, value)| {
                request.headers.get_all(name.as_str()).iter().any(|sent| sent.as_bytes() == value.as_bytes())
            })
            && self.json.as_ref().is_none_or(|json| {
                serde_json::from_slice::<serde_json::Value>(&request.body).is_ok_and(|sent| sent == *json)
            })
            && self.that.as_ref().is_none_or(|predicate| predicate(request))
    }
}

/// As somebody would write it.
impl Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let method = self.method.as_ref().map_or("any method", Method::as_str);
        write!(f, "{method} {}", self.url.as_deref().unwrap_or("anywhere"))?;
        self.query.iter().try_for_each(|(name, value)| write!(f, ", query {name}={value}"))?;
        self.headers.iter().try_for_each(|(name, value)| write!(f, ", header {name}: {value}"))?;
        self.json.iter().try_for_each(|json| write!(f, ", body {json}"))?;
        if self.that.is_some() { f.write_str(", that …") } else { Ok(()) }
    }
}

impl fmt::Debug for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Matcher({self})")
    }
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

// === impl SentRequest ===

impl SentRequest {
    /// Returns the values of a parameter of the query, decoded.
    pub fn query<'a>(&'a self, name: &'a str) -> impl Iterator<Item = String> + 'a {
        let pairs = form_urlencoded::parse(self.url.query().unwrap_or_default().as_bytes());
        pairs.filter(move |(known, _)| known == name).map(|(_, value)| value.into_owned())
    }

    /// Returns the header's first value. `None` also if it is no text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Reads the body as JSON.
    ///
    /// # Errors
    ///
    /// If it is not that.
    pub fn json<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        serde_json::from_slice(&self.body)
    }

    fn is_at(&self, url: &str) -> bool {
        if url.starts_with('/') {
            return self.url.path() == url;
        }
        let mut origin_and_path = self.url.to_string();
        if let Some(query) = origin_and_path.find('?') {
            origin_and_path.truncate(query);
        }
        origin_and_path.trim_end_matches('/') == url.trim_end_matches('/')
    }
}

/// With the body as text.
impl fmt::Debug for SentRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SentRequest")
            .field("method", &self.method)
            .field("url", &self.url)
            .field("headers", &self.headers)
            .field("body", &String::from_utf8_lossy(&self.body))
            .field("span", &self.span)
            .field("own_span", &self.own_span)
            .finish()
    }
}

// === impl Mock ===

impl Mock {
    /// Returns what makes the answer, if it is for this request and for one more.
    pub(crate) fn take(&mut self, request: &SentRequest) -> Option<Respond> {
        if self.left == Some(0) || !self.matcher.matches(request) {
            return None;
        }
        self.left = self.left.map(|left| left - 1);
        Some(Rc::clone(&self.respond))
    }
}

impl Display for Mock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.matcher.fmt(f)?;
        match self.left {
            Some(0) => f.write_str(" (used up)"),
            Some(left) => write!(f, " (for {left} more)"),
            None => Ok(()),
        }
    }
}
