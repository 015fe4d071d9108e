//! A request while it is being built, and while it is in flight.

use std::borrow::Cow;
use std::fmt::Display;
use std::time::Duration;

use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, LOCATION};
use http::{HeaderMap, Method, Uri};
use percent_encoding::{AsciiSet, utf8_percent_encode};
use serde::Serialize;

use super::error::Cause;
use super::port;
use super::redirect::{MAX_REQUESTS, Parts};
use super::segment::{self, ESCAPED};
use super::{Error, Response};
use crate::host::clock;
use crate::host::wire::{self, Exchange};

/// What may stand neither in a path nor in a query (RFC 3986, 3.3 and 3.4). Control characters stay, and are an error.
const NOT_IN_A_URL: &AsciiSet = &AsciiSet::EMPTY
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// A request that is being built.
#[derive(Debug)]
pub struct Request {
    parts: Result<Parts, String>,
    timeout: Option<Duration>,
}

/// A request that is in flight. Dropping it aborts it.
#[derive(Debug)]
pub struct Pending {
    parts: Parts,
    exchange: Exchange,
    deadline: Option<Duration>,
}

/// A request with any method. If the URL is not valid, [`Request::send`] returns the error.
pub fn request(method: Method, url: impl AsRef<str>) -> Request {
    let parts =
        parse(url.as_ref()).map(|url| Parts { method, url, headers: HeaderMap::new(), body: Vec::new() });
    Request { parts, timeout: None }
}

pub fn get(url: impl AsRef<str>) -> Request {
    request(Method::GET, url)
}

pub fn post(url: impl AsRef<str>) -> Request {
    request(Method::POST, url)
}

// === impl Request ===

impl Request {
    /// Adds segments to the URL's path. Each is percent-encoded, so that a slash, a question mark or whatever else a user
    /// types stays within its segment. A text that a server could take for a step up, such as `..` or `../admin`, is an
    /// error when the request is sent, and so is an empty one.
    ///
    /// Use this for all input that becomes part of a path. With `format!`, a user's `../../flush` reaches a resource that
    /// you did not mean, with the data source's credentials.
    ///
    /// ```no_run
    /// # fn labels(url: &str, name: &str) -> gpx_sdk::Result<Vec<String>> {
    /// // With the URL http://loki.example/loki and the name `a/b`: /loki/api/v1/label/a%2Fb/values
    /// let request = gpx_sdk::http::get(url).path(["api", "v1", "label", name, "values"]);
    /// # Ok(request.send()?.json()?) }
    /// ```
    pub fn path(self, segments: impl IntoIterator<Item = impl Display>) -> Self {
        self.change(|parts| {
            let segments = segments.into_iter().map(|segment| segment.to_string());
            let path = segment::append(parts.url.path(), segments)?;
            let query = parts.url.query().map(|query| format!("?{query}")).unwrap_or_default();
            parts.go_to(&format!("{path}{query}")).map_err(|err| format!("path: {err}"))
        })
    }

    /// Adds a pair to the URL's query.
    pub fn query(self, name: &str, value: impl Display) -> Self {
        self.change(|parts| {
            let query = parts.url.query().map(|query| format!("{query}&")).unwrap_or_default();
            let value = value.to_string();
            let (name, value) = (utf8_percent_encode(name, ESCAPED), utf8_percent_encode(&value, ESCAPED));
            let path = format!("{}?{query}{name}={value}", parts.url.path());
            parts.go_to(&path).map_err(|err| format!("query: {err}"))
        })
    }

    pub fn header(self, name: &str, value: impl AsRef<str>) -> Self {
        self.change(|parts| {
            // Neither message repeats the value, which may be a secret.
            let name: HeaderName =
                name.parse().map_err(|_| format!("`{name}` is not a valid header name"))?;
            let value = HeaderValue::from_str(value.as_ref())
                .map_err(|_| format!("header `{name}` has a value that is not allowed in a header"))?;
            parts.headers.append(name, value);
            Ok(())
        })
    }

    pub fn body(self, body: impl Into<Vec<u8>>) -> Self {
        self.change(|parts| {
            parts.body = body.into();
            Ok(())
        })
    }

    /// Sets a body in JSON and its content type.
    pub fn json(self, body: &impl Serialize) -> Self {
        self.change(|parts| {
            parts.body = serde_json::to_vec(body).map_err(|err| format!("body: {err}"))?;
            parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            Ok(())
        })
    }

    /// Limits the time for everything, including redirects and the body of the response. The data source's own
    /// timeouts apply in any case.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sends the request and waits for the head of the response.
    pub fn send(self) -> Result<Response, Error> {
        self.start()?.wait()
    }

    /// Sends the request and does not wait, so that several can be in flight at once.
    pub fn start(self) -> Result<Pending, Error> {
        let parts = self.parts.map_err(|what| Error::new("request", Cause::Invalid(what)))?;
        let deadline = self.timeout.map(|timeout| clock::monotonic().saturating_add(timeout));
        let exchange = send(&parts)?;
        Ok(Pending { parts, exchange, deadline })
    }

    fn change(mut self, change: impl FnOnce(&mut Parts) -> Result<(), String>) -> Self {
        if let Ok(parts) = &mut self.parts
            && let Err(what) = change(parts)
        {
            self.parts = Err(what);
        }
        self
    }
}

// === impl Pending ===

impl Pending {
    /// Waits for the head of the response, following redirects, with up to 10 requests.
    pub fn wait(mut self) -> Result<Response, Error> {
        let mut sent = 1;
        loop {
            let response = self.response()?;
            let location = response.headers().get(LOCATION).and_then(|location| location.to_str().ok());
            let what = match self.parts.redirect(response.status(), location) {
                Ok(false) => return Ok(response),
                Ok(true) if sent < MAX_REQUESTS => {
                    sent += 1;
                    response.drain();
                    self.exchange = send(&self.parts)?;
                    continue;
                }
                // Before the next request is sent, which nobody could take back.
                Ok(true) => format!("stopped after {MAX_REQUESTS} redirects"),
                Err(location) => format!("redirected to `{location}`, which is not an http URL"),
            };
            return Err(Error::new(&self.parts.name(), Cause::Redirect(what)));
        }
    }

    /// Waits for the response to the request that is in flight.
    fn response(&self) -> Result<Response, Error> {
        let name = self.parts.name();
        match self.exchange.wait(self.deadline) {
            Ok(response) => Response::new(name, self.parts.url.clone(), response, self.deadline),
            Err(cause) => Err(Error::new(&name, cause)),
        }
    }
}

fn send(parts: &Parts) -> Result<Exchange, Error> {
    wire::send(parts).map_err(|cause| Error::new(&parts.name(), cause))
}

fn parse(url: &str) -> Result<Uri, String> {
    if url.is_empty() {
        return Err("the URL is empty: set it in the data source's settings".to_owned());
    }
    let url = escape(url);
    let parsed: Uri =
        url.parse().map_err(|err| format!("the URL is not valid ({err}): write it like http://host/path"))?;
    match parsed.scheme_str() {
        Some("http" | "https") if parsed.host().is_some_and(|host| !host.is_empty()) => {
            if port::is_valid(&parsed) {
                Ok(parsed)
            } else {
                Err("the URL is not valid: its port is not a number up to 65535".to_owned())
            }
        }
        _ => Err("the URL is not valid: it starts with http:// or https:// and a host".to_owned()),
    }
}

/// As in Go, what may not stand in a path or a query, such as a space, is escaped. The host stays as it is.
fn escape(url: &str) -> Cow<'_, str> {
    let after_scheme = url.find("://").map_or(0, |scheme| scheme + 3);
    let path = url.get(after_scheme..).and_then(|rest| rest.find(['/', '?', '#']));
    let Some((host, path)) = path.and_then(|path| url.split_at_checked(after_scheme + path)) else {
        return Cow::Borrowed(url);
    };
    match Cow::from(utf8_percent_encode(path, NOT_IN_A_URL)) {
        Cow::Borrowed(_) => Cow::Borrowed(url),
        Cow::Owned(path) => Cow::Owned(format!("{host}{path}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(request: Request) -> String {
        request.parts.unwrap().url.to_string()
    }

    #[test]
    fn a_query_is_added_to_what_is_there() {
        assert_eq!(url(get("http://a.example").query("n", 2)), "http://a.example/?n=2");
        assert_eq!(
            url(get("http://a.example/p?x=1").query("a b", "c&d=ü")),
            "http://a.example/p?x=1&a%20b=c%26d%3D%C3%BC"
        );
    }

    #[test]
    fn a_space_is_escaped_as_in_go() {
        assert_eq!(url(get("http://a.example/a b/%20?q=c d")), "http://a.example/a%20b/%20?q=c%20d");
        assert_eq!(url(get("http://a.example/ü<>").query("n", 2)), "http://a.example/%C3%BC%3C%3E?n=2");
        assert_eq!(url(get("http://a.example?x y")), "http://a.example/?x%20y");
    }

    #[test]
    fn segments_come_after_the_path_and_before_the_query() {
        assert_eq!(url(get("http://a.example").path(["b", "c d"])), "http://a.example/b/c%20d");
        assert_eq!(
            url(get("http://a.example/p/?x=1").path(["b"]).path([7]).query("y", 2)),
            "http://a.example/p/b/7?x=1&y=2"
        );
        let error = get("http://a.example/p").path(["b", "../../c"]).start().unwrap_err();
        assert!(matches!(error.cause(), Cause::Invalid(_)), "{error}");
        assert!(
            error.to_string().starts_with("request: `../../c` cannot be a segment of the path"),
            "{error}"
        );
    }

    #[test]
    fn all_but_unreserved_characters_are_escaped() {
        for character in (0..=0x7F).chain([0x80, 0xFF, 0x20AC, 0x1F980]).filter_map(char::from_u32) {
            let mut bytes = [0; 4];
            let text = character.encode_utf8(&mut bytes);
            let expected = match character {
                'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '.' | '_' | '~' => text.to_owned(),
                _ => text.bytes().map(|byte| format!("%{byte:02X}")).collect(),
            };
            let url = url(get("http://a.example").query(text, &*text));
            assert_eq!(url, format!("http://a.example/?{expected}={expected}"), "{character:?}");
        }
    }

    #[test]
    fn the_first_mistake_is_the_error() {
        let request = get("http://a.example").header("a b", "c").header("d", "\n").body("e");
        assert_eq!(request.start().unwrap_err().to_string(), "request: `a b` is not a valid header name");
        let error = get("http://a.example").header("x-token", "geheim\n").start().unwrap_err().to_string();
        assert!(!error.contains("geheim"), "{error}");
    }

    #[test]
    fn a_url_that_leads_nowhere_is_refused() {
        let urls = ["", "a.example", "/path", "ftp://a.example/", "http://", "http://a b/", "http://[::1"];
        for url in urls.into_iter().chain(["http://a.example:99999/"]) {
            let error = get(url).start().unwrap_err();
            assert!(matches!(error.cause(), Cause::Invalid(_)), "{url}: {error}");
            assert!(error.to_string().contains("the URL is "), "{url}: {error}");
        }
    }
}
