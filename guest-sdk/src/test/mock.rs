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
#[derive(Clone, Debug)]
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
#[derive(Clone)]
pub struct Matcher {
    method: Option<Method>,
    url: Option<String>,
    query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    json: Option<serde_json::Value>,
    that: Option<Rc<dyn Fn(&SentRequest) -> bool>>,
}

/// A scripted answer: see [`json`](json()), [`text`], [`status`] and [`failure`].
#[derive(Clone, Debug)]
pub struct ResponseTemplate {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    pub(crate) delay: Duration,
    pub(crate) failure: Option<Cause>,
    pub(crate) is_cut: bool,
}

/// Makes the answer to a request.
pub(crate) type Respond = Rc<dyn Fn(&SentRequest) -> ResponseTemplate>;

/// A matcher with its answer, and for how many requests it is.
pub(crate) struct Mock {
    pub(crate) matcher: Matcher,
    pub(crate) left: Option<usize>,
    pub(crate) respond: Respond,
}

/// Matches every request.
pub fn any() -> Matcher {
    Matcher { method: None, url: None, query: Vec::new(), headers: Vec::new(), json: None, that: None }
}

/// Matches GET requests with that path, such as `/api/prices`, of any origin; or with that URL, such as
/// `https://login.example.com/token`. Neither has a query: see [`Matcher::query`].
pub fn get(url: impl Into<String>) -> Matcher {
    any().method(Method::GET).url(url)
}

/// Matches POST requests with that path or URL, as [`get`] does.
pub fn post(url: impl Into<String>) -> Matcher {
    any().method(Method::POST).url(url)
}

/// Answers 200 with JSON.
pub fn json(body: &(impl Serialize + ?Sized)) -> ResponseTemplate {
    status(200).json(body)
}

/// Answers 200 with a text.
pub fn text(body: impl Into<String>) -> ResponseTemplate {
    status(200).header("Content-Type", "text/plain; charset=utf-8").body(body.into())
}

/// Answers with a status and an empty body.
///
/// # Panics
///
/// If it is not 100 to 999.
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
        failure: None,
        is_cut: false,
    }
}

/// Does not answer: the request fails, for example with [`Cause::Refused`].
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
    #[must_use]
    pub fn json(mut self, body: &impl Serialize) -> Self {
        self.json = serde_json::to_value(body).ok();
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
    #[expect(clippy::panic, reason = "it fails the test that is wrong")]
    pub fn header(mut self, name: &str, value: impl AsRef<str>) -> Self {
        let name: Result<HeaderName, InvalidHeaderName> = name.parse();
        let value: Result<HeaderValue, InvalidHeaderValue> = value.as_ref().parse();
        let (Ok(name), Ok(value)) = (name, value) else { panic!("a header that is scripted is not valid") };
        self.headers.append(name, value);
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
    #[expect(clippy::expect_used, reason = "it fails the test that is wrong")]
    pub fn json(mut self, body: &(impl Serialize + ?Sized)) -> Self {
        self.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let body = serde_json::to_vec(body).expect("a scripted body can be written as JSON");
        self.body(body)
    }

    /// Lets the response begin, or the failure come, after a time of the fake clock. Nothing really waits.
    #[must_use]
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Ends the connection after the body, as if there should be more of it.
    #[must_use]
    pub fn cut(mut self) -> Self {
        self.is_cut = true;
        self
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
