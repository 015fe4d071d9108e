//! Resource calls of a frontend that a test plays.

use std::fmt;

use http::{Method, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::bindings::base::gpx::plugin::types::Header;
use crate::bindings::resource::exports::gpx::plugin::resource as wit;

/// A request to the plugin's resources. [`Opened::call_resource`](super::Opened::call_resource) answers it.
///
/// ```
/// use gpx_sdk::test::ResourceRequest;
///
/// let request = ResourceRequest::post("tables?dry=1").header("X-Tenant", "a").json(&["gold"]);
/// # let _ = request;
/// ```
#[derive(Clone, Debug)]
pub struct ResourceRequest(wit::Request);

/// What the plugin has answered to a [`ResourceRequest`].
///
/// ```
/// # use gpx_sdk::{http::StatusCode, test::ResourceResponse};
/// # let response = ResourceResponse { status: StatusCode::OK, headers: vec![], body: b"[1.5]".to_vec() };
/// assert_eq!((response.status, response.text().as_str()), (StatusCode::OK, "[1.5]"));
/// assert_eq!(response.json::<Vec<f64>>()?, [1.5]);
/// assert_eq!(response.header("Retry-After"), None);
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Clone)]
pub struct ResourceResponse {
    pub status: StatusCode,
    pub headers: Vec<Header>,
    pub body: Vec<u8>,
}

// === impl ResourceRequest ===

impl ResourceRequest {
    /// A request with any method. The path is what follows `resources/`, with the query string: `tables/prices?limit=10`.
    #[must_use]
    pub fn new(method: &Method, path: &str) -> Self {
        let url = path.trim_start_matches('/').to_owned();
        let path = url.split('?').next().unwrap_or_default().to_owned();
        let method = method.as_str().to_owned();
        Self(wit::Request { path, method, url, headers: Vec::new(), body: Vec::new() })
    }

    #[must_use]
    pub fn get(path: &str) -> Self {
        Self::new(&Method::GET, path)
    }

    #[must_use]
    pub fn post(path: &str) -> Self {
        Self::new(&Method::POST, path)
    }

    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.0.headers.push(Header { name: name.to_owned(), value: value.into() });
        self
    }

    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.0.body = body.into();
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
    pub fn json(self, body: &(impl Serialize + ?Sized)) -> Self {
        let body = serde_json::to_vec(body).expect("a body can be written as JSON");
        self.header("Content-Type", "application/json").body(body)
    }

    pub(super) fn into_wit(self) -> wit::Request {
        self.0
    }
}

// === impl ResourceResponse ===

impl ResourceResponse {
    /// Returns the first header with that name, ignoring case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
        found.map(|header| header.value.as_str())
    }

    /// Reads the body as JSON.
    ///
    /// # Errors
    ///
    /// If it is not that.
    pub fn json<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        serde_json::from_slice(&self.body)
    }

    /// Returns the body as text. What is not UTF-8 becomes U+FFFD.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// With the body as text.
impl fmt::Debug for ResourceResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResourceResponse")
            .field("status", &self.status)
            .field("headers", &self.headers)
            .field("body", &self.text())
            .finish()
    }
}
