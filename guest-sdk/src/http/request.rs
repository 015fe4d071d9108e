//! A request while it is being built, and while it is in flight.

use std::fmt::Display;
use std::time::Duration;

use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION};
use http::{HeaderMap, Method};
use percent_encoding::utf8_percent_encode;
use serde::Serialize;

use super::error::Cause;
use super::redirect::{MAX_REQUESTS, Parts};
use super::request_span::RequestSpan;
use super::retry::{Attempts, Next, Retry};
use super::segment::{self, ESCAPED};
use super::url;
use super::{Error, Response, basic};
use crate::host::clock;
use crate::host::wire::{self, Exchange};
use crate::{Attribute, ToValue};

/// A request that is being built.
#[derive(Clone, Debug)]
pub struct Request {
    pub(super) parts: Result<Parts, String>,
    timeout: Option<Duration>,
    /// A policy, and the function that follows it: a component that has none does not contain that function.
    retry: Option<(Retry, Next)>,
}

/// A request that is in flight. Dropping it aborts it.
///
/// ```
/// # use gpx_sdk::test::{Host, get, text};
/// # use std::time::Duration;
/// use gpx_sdk::http::{self, Pending};
///
/// # let host = Host::new();
/// # host.given(get("/gold")).respond(text("1.5").delay(Duration::from_secs(2)));
/// # host.given(get("/lead")).respond(text("2.5").delay(Duration::from_secs(3)));
/// // All are in flight at once.
/// let pending: Vec<Pending> = ["gold", "lead"]
///     .into_iter()
///     .map(|symbol| http::get("http://prices.example").path([symbol]).start())
///     .collect::<Result<_, _>>()?;
/// let prices: Vec<String> = pending.into_iter().map(|pending| pending.wait()?.text()).collect::<Result<_, _>>()?;
/// # assert_eq!(prices, ["1.5", "2.5"]);
/// # assert_eq!(host.now().unix_seconds() % 60, 3);
/// # Ok::<_, gpx_sdk::Fault>(())
/// ```
#[derive(Debug)]
pub struct Pending {
    parts: Parts,
    exchange: Exchange,
    deadline: Option<Duration>,
    attempts: Option<(Attempts, Next)>,
}

/// A request with any method. If the URL is not valid, [`Request::send`] returns the error.
pub fn request(method: Method, url: impl AsRef<str>) -> Request {
    let parts = url::parse(url.as_ref()).map(|url| Parts {
        method,
        url,
        headers: HeaderMap::new(),
        body: Vec::new(),
        span: RequestSpan::default(),
    });
    Request { parts, timeout: None, retry: None }
}

pub fn get(url: impl AsRef<str>) -> Request {
    request(Method::GET, url)
}

pub fn post(url: impl AsRef<str>) -> Request {
    request(Method::POST, url)
}

pub fn put(url: impl AsRef<str>) -> Request {
    request(Method::PUT, url)
}

pub fn patch(url: impl AsRef<str>) -> Request {
    request(Method::PATCH, url)
}

pub fn delete(url: impl AsRef<str>) -> Request {
    request(Method::DELETE, url)
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

    /// Sets `Authorization: Bearer <token>`. See [`ClientCredentials`](super::ClientCredentials) for where a token comes from.
    ///
    /// ```
    /// # use gpx_sdk::test::{Host, any, status};
    /// # let host = Host::new();
    /// # host.given(any()).respond(status(200));
    /// gpx_sdk::http::put("http://prices.example/gold").bearer("abc").json(&1.5).send()?;
    /// # assert_eq!(host.requests()[0].header("authorization"), Some("Bearer abc"));
    /// # Ok::<_, gpx_sdk::Fault>(())
    /// ```
    pub fn bearer(self, token: impl Display) -> Self {
        self.authorization(format!("Bearer {token}"))
    }

    /// Sets `Authorization: Basic …`, for a user of another origin than the data source's: the host sends the data source's own.
    ///
    /// ```
    /// # use gpx_sdk::test::{Host, any, status};
    /// # let host = Host::new();
    /// # host.given(any()).respond(status(200));
    /// gpx_sdk::http::get("https://login.example.com/me").basic_auth("Aladdin", "open sesame").send()?;
    /// # assert_eq!(host.requests()[0].header("authorization"), Some("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="));
    /// # Ok::<_, gpx_sdk::Fault>(())
    /// ```
    pub fn basic_auth(self, user: impl AsRef<str>, password: impl AsRef<str>) -> Self {
        self.authorization(basic::credentials(user.as_ref(), password.as_ref()))
    }

    fn authorization(self, value: String) -> Self {
        self.change(|parts| {
            let mut value = HeaderValue::try_from(value)
                .map_err(|_| "the token has characters that are not allowed in a header".to_owned())?;
            value.set_sensitive(true);
            parts.headers.insert(AUTHORIZATION, value);
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

    /// Sets a body as a form writes it, and its content type.
    ///
    /// ```
    /// # use gpx_sdk::test::{Host, any, status};
    /// # let host = Host::new();
    /// # host.given(any()).respond(status(200));
    /// gpx_sdk::http::post("http://prices.example/search").form([("symbol", "gold & silver"), ("limit", "2")]).send()?;
    /// # assert_eq!(host.requests()[0].body, b"symbol=gold+%26+silver&limit=2");
    /// # Ok::<_, gpx_sdk::Fault>(())
    /// ```
    pub fn form(self, pairs: impl IntoIterator<Item = (impl AsRef<str>, impl AsRef<str>)>) -> Self {
        self.change(|parts| {
            let mut form = form_urlencoded::Serializer::new(String::new());
            parts.body = form.extend_pairs(pairs).finish().into_bytes();
            let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
            parts.headers.insert(CONTENT_TYPE, kind);
            Ok(())
        })
    }

    /// Names the request's span, which is otherwise `HTTP Outgoing Request`. Names are few: what differs from request to request
    /// is an attribute.
    ///
    /// ```
    /// # use gpx_sdk::test::{Host, any, status};
    /// # let host = Host::new();
    /// # host.given(any()).respond(status(200));
    /// # let symbol = "gold";
    /// let request = gpx_sdk::http::get("http://prices.example/price").query("symbol", symbol);
    /// request.span_name("get price").span_attribute("price.symbol", symbol).send()?;
    /// # let sent = host.requests().remove(0).own_span.unwrap();
    /// # assert_eq!((sent.name.as_deref(), &sent.attributes["price.symbol"]), (Some("get price"), &"gold".into()));
    /// # Ok::<_, gpx_sdk::Fault>(())
    /// ```
    pub fn span_name(self, name: impl Into<String>) -> Self {
        self.change(|parts| {
            parts.span.name = Some(name.into());
            Ok(())
        })
    }

    /// Adds an attribute to the request's span.
    pub fn span_attribute(self, key: &str, value: impl ToValue) -> Self {
        self.change(|parts| {
            parts.span.attributes.push(Attribute::new(key, &value));
            Ok(())
        })
    }

    /// Sends the request without a span of its own, as for a request that is sent every second. The upstream is told of the current
    /// span instead.
    pub fn without_span(self) -> Self {
        self.change(|parts| {
            parts.span.hidden = true;
            Ok(())
        })
    }

    /// Sends the request again if the upstream is not available for a moment: see [`Retry`].
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = Some((retry, Attempts::next));
        self
    }

    /// Limits the time for everything, including redirects, further attempts and the body of the response. The data source's own
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
        let attempts = self.retry.map(|(retry, next)| (Attempts::new(retry, &parts), next));
        Ok(Pending { parts, exchange, deadline, attempts })
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
    /// Waits for the head of the response, following redirects, with up to 10 requests. Each further attempt
    /// may follow as many.
    pub fn wait(mut self) -> Result<Response, Error> {
        loop {
            let result = self.follow();
            let deadline = self.deadline;
            let again = self.attempts.as_mut().and_then(|(attempts, next)| next(attempts, &result, deadline));
            let Some((pause, parts)) = again else { return result };
            if let Ok(response) = result {
                response.drain();
            }
            clock::sleep(pause);
            let resent = self.parts.span.resent + 1;
            self.parts = parts;
            self.parts.span.resent = resent;
            self.exchange = send(&self.parts)?;
        }
    }

    fn follow(&mut self) -> Result<Response, Error> {
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
    let traceparent = parts.span.traceparent(&parts.headers);
    wire::send(parts, traceparent).map_err(|cause| Error::new(&parts.name(), cause))
}

#[cfg(test)]
mod tests;
