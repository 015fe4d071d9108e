//! A request that was sent, as tests look at it.

use std::fmt;

use http::{HeaderMap, Method, Uri};
use serde::de::DeserializeOwned;

use crate::test::record::RequestSpanRecord;

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

    pub(super) fn is_at(&self, url: &str) -> bool {
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
