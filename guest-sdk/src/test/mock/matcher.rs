//! Which requests a scripted answer is for.

use std::fmt::{self, Display};
use std::rc::Rc;

use http::Method;
use serde::Serialize;

use super::sent::SentRequest;

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

type Predicate = dyn Fn(&SentRequest) -> bool;

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

    pub(super) fn matches(&self, request: &SentRequest) -> bool {
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
