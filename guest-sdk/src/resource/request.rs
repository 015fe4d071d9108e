//! The request of a resource call.

use std::fmt::{self, Display};
use std::str::FromStr;

use http::Method;
use serde::de::DeserializeOwned;

use super::query;
use crate::bindings::resource::exports::gpx::plugin::resource as wit;
use crate::{Fault, Header, Result, json};

/// An HTTP-shaped request of the plugin's frontend.
pub struct Request {
    pub method: Method,
    /// The part after `resources/`, without a leading slash and without the query string. Grafana has decoded it, so a
    /// percent sign is a percent sign.
    pub path: String,
    /// The path with the query string.
    pub url: String,
    pub headers: Vec<Header>,
    pub body: Vec<u8>,
    /// What the route's parameters stand for.
    pub(super) parameters: Vec<(String, String)>,
}

// === impl Request ===

impl Request {
    /// Returns a parameter of the route, such as `table` of `/tables/{table}`. A value that is not a `T` is answered with
    /// status 400.
    ///
    /// ```no_run
    /// # fn row(request: &gpx_sdk::resource::Request) -> gpx_sdk::Result<()> {
    /// // The route is `/tables/{table}/rows/{row}`.
    /// let table: String = request.parameter("table")?;
    /// let row: u64 = request.parameter("row")?;
    /// # Ok(()) }
    /// ```
    pub fn parameter<T: FromStr<Err: Display>>(&self, name: &str) -> Result<T> {
        let Some((_, value)) = self.parameters.iter().find(|(known, _)| known == name) else {
            return Err(Fault::plugin(format_args!(
                "the route of `{}` has no parameter `{name}`: write it as `{{{name}}}` in the route's path",
                self.path
            )));
        };
        value.parse().map_err(|err| {
            Fault::bad_request(format_args!("`{name}` in the path `{}` is not valid: {err}", self.path))
        })
    }

    /// Reads the query string as a type of your own, usually a struct with a field for each parameter. A field that is an
    /// `Option` or has a default may be absent, and a `Vec` takes every value of its parameter.
    ///
    /// ```no_run
    /// #[derive(serde::Deserialize)]
    /// struct Page {
    ///     limit: Option<u32>,
    ///     #[serde(default)]
    ///     tag: Vec<String>,
    /// }
    ///
    /// # fn rows(request: &gpx_sdk::resource::Request) -> gpx_sdk::Result<()> {
    /// let page: Page = request.query()?; // ?limit=10&tag=a&tag=b
    /// # Ok(()) }
    /// ```
    pub fn query<T: DeserializeOwned>(&self) -> Result<T> {
        let whole = self.url.split('#').next().unwrap_or_default();
        let query = whole.split_once('?').map_or("", |(_, query)| query);
        query::read(query).map_err(|err| {
            Fault::bad_request(format_args!("the query string of `{}` is not valid: {err}", self.path))
        })
    }

    /// Reads the body as a type of your own.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        json::from_slice(&self.body).map_err(|err| {
            Fault::bad_request(format_args!("the body of `{}` is not valid: {err}", self.path))
        })
    }

    /// Returns the first header with that name, ignoring case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
        found.map(|header| header.value.as_str())
    }
}

/// Without values, which may be private.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<_> = self.headers.iter().map(|header| &header.name).collect();
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("path", &self.path)
            .field("headers", &headers)
            .field("body", &format_args!("{} bytes", self.body.len()))
            .finish_non_exhaustive()
    }
}

impl TryFrom<wit::Request> for Request {
    type Error = Fault;

    fn try_from(request: wit::Request) -> Result<Self> {
        let wit::Request { path, method, url, headers, body } = request;
        // As with Go's `http.NewRequest`.
        let method = if method.is_empty() { Ok(Method::GET) } else { method.parse() };
        let method = method.map_err(|_| Fault::bad_request("the request's method is not one of HTTP"))?;
        Ok(Self { method, path, url, headers, body, parameters: Vec::new() })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn request(method: &str, url: &str) -> Result<Request> {
        let headers = vec![Header { name: "X-Token".to_owned(), value: "geheim".to_owned() }];
        let (path, url) = (url.split('?').next().unwrap().to_owned(), url.to_owned());
        wit::Request { path, method: method.to_owned(), url, headers, body: b"geheim".to_vec() }.try_into()
    }

    #[test]
    fn a_parameter_is_parsed() {
        let mut request = request("GET", "tables/prices/rows/seven").unwrap();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        request.parameters = vec![pair("table", "prices"), pair("row", "seven")];
        assert_eq!(request.parameter::<String>("table").unwrap(), "prices");
        let fault = request.parameter::<u64>("row").unwrap_err();
        let text = "`row` in the path `tables/prices/rows/seven` is not valid: invalid digit found in string";
        assert_eq!((fault.status, fault.message.as_str()), (400, text));
        assert_eq!(request.parameter::<u64>("line").unwrap_err().status, 500);
    }

    #[test]
    fn the_query_string_ends_at_the_fragment() {
        let query = |url| request("GET", url).unwrap().query::<HashMap<String, String>>().unwrap();
        assert_eq!(query("rows?a=1#b=2"), HashMap::from([("a".to_owned(), "1".to_owned())]));
        assert!(query("rows#?a=1").is_empty() && query("rows").is_empty());
    }

    #[test]
    fn a_method_is_a_token() {
        assert_eq!(request("", "rows").unwrap().method, Method::GET);
        assert_eq!(request("PURGE", "rows").unwrap().method.as_str(), "PURGE");
        assert_eq!(request("GET /", "rows").unwrap_err().status, 400);
    }

    #[test]
    fn debug_shows_no_value() {
        let shown = format!("{:?}", request("GET", "rows?token=geheim").unwrap());
        assert!(shown.contains("X-Token") && !shown.contains("geheim"), "{shown}");
    }
}
