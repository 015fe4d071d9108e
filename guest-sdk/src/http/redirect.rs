//! Where a redirect leads and what is sent along: RFC 9110 section 15.4, with the methods that browsers and Go use.

use std::fmt;

use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, REFERER, TRANSFER_ENCODING};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};

use super::port;
use super::request_span::RequestSpan;

#[cfg(test)]
mod reference;

/// How many requests one request may become, itself included: as many as with Go's client.
pub(super) const MAX_REQUESTS: usize = 10;

/// Headers that may reach another origin than the one that they were meant for, and the beginnings of the names of more. Any
/// other may be a credential, such as `X-Api-Key`.
const HARMLESS: [&str; 6] = ["accept", "cache-control", "content-", "if-", "range", "user-agent"];

/// Headers that describe a body, and are dropped with it.
const BODY_HEADERS: [HeaderName; 4] = [CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING];

/// The parts of a request that a redirect can change.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) method: Method,
    pub(crate) url: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    pub(crate) span: RequestSpan,
}

// === impl Parts ===

impl Parts {
    /// Returns how errors name the request: without userinfo and query, which may contain a secret.
    pub(crate) fn name(&self) -> String {
        let Self { method, url, .. } = self;
        let port = url.port_u16().map(|port| format!(":{port}")).unwrap_or_default();
        format!(
            "{method} {}://{}{port}{}",
            url.scheme_str().unwrap_or_default(),
            url.host().unwrap_or_default(),
            url.path()
        )
    }

    /// Gives the URL another path and query.
    pub(super) fn go_to(&mut self, path_and_query: &str) -> Result<(), http::Error> {
        let mut url = self.url.clone().into_parts();
        url.path_and_query = Some(path_and_query.parse()?);
        self.url = Uri::from_parts(url)?;
        Ok(())
    }

    /// Turns the request into the one that the redirect asks for. Returns false if the response is not a redirect.
    pub(super) fn redirect(&mut self, status: StatusCode, location: Option<&str>) -> Result<bool, String> {
        let (Some(keeps_method), Some(location)) = (keeps_method(status), location) else { return Ok(false) };
        let target = resolve(&self.url, location).ok_or_else(|| location.to_owned())?;
        if !keeps_method {
            if self.method != Method::HEAD {
                self.method = Method::GET;
            }
            self.body.clear();
            BODY_HEADERS.iter().for_each(|name| drop(self.headers.remove(name)));
        }
        self.span.resent += 1;
        self.lead_to(target);
        Ok(true)
    }

    /// Gives the request another URL, that an upstream has named. What may be a credential stays with its origin.
    pub(super) fn lead_to(&mut self, target: Uri) {
        if origin(&self.url) != origin(&target) {
            let names: Vec<HeaderName> =
                self.headers.keys().filter(|name| !is_harmless(name)).cloned().collect();
            names.iter().for_each(|name| drop(self.headers.remove(name)));
        }
        match referer(&self.url, &target).map(HeaderValue::try_from) {
            Some(Ok(referer)) => drop(self.headers.insert(REFERER, referer)),
            _ => drop(self.headers.remove(REFERER)),
        }
        self.url = target;
    }
}

/// Without values, which may be private.
impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts")
            .field("request", &self.name())
            .field("headers", &names(&self.headers))
            .field("body", &format_args!("{} bytes", self.body.len()))
            .finish()
    }
}

/// Returns the headers as `Debug` shows them.
pub(super) fn names(headers: &HeaderMap) -> Vec<&str> {
    headers.keys().map(HeaderName::as_str).collect()
}

fn is_harmless(name: &HeaderName) -> bool {
    HARMLESS.iter().any(|harmless| match name.as_str().strip_prefix(harmless) {
        Some(rest) => {
            rest.is_empty() || harmless.ends_with('-') || *harmless == "accept" && rest.starts_with('-')
        }
        None => false,
    })
}

/// Whether the next request has the method and the body of this one. `None` if the status is not a redirect.
fn keeps_method(status: StatusCode) -> Option<bool> {
    match status {
        StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND | StatusCode::SEE_OTHER => Some(false),
        StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => Some(true),
        _ => None,
    }
}

/// Returns the `Referer` of a request that was redirected from one URL to another: nothing leaves HTTPS, as in Go, and another
/// origin learns only the origin, since a path and a query may contain a secret.
fn referer(from: &Uri, to: &Uri) -> Option<String> {
    let (scheme, host) = (from.scheme_str()?, from.host()?);
    if scheme == "https" && to.scheme_str() != Some("https") {
        return None;
    }
    let port = from.port().map(|port| format!(":{port}")).unwrap_or_default();
    let same = origin(from) == origin(to);
    let rest = if same { from.path_and_query().map_or("/", PathAndQuery::as_str) } else { "/" };
    Some(format!("{scheme}://{host}{port}{rest}"))
}

fn origin(url: &Uri) -> (Option<&str>, Option<String>, Option<u16>) {
    let default = if url.scheme() == Some(&Scheme::HTTPS) { 443 } else { 80 };
    (url.scheme_str(), url.host().map(str::to_ascii_lowercase), url.port_u16().or(Some(default)))
}

/// RFC 3986 section 5.2: the reference as seen from the base. `None` if it is not an http URL.
pub(super) fn resolve(base: &Uri, reference: &str) -> Option<Uri> {
    seen_from(base, reference).filter(port::is_valid)
}

fn seen_from(base: &Uri, reference: &str) -> Option<Uri> {
    let reference = reference.split('#').next()?;
    if reference.split_once(':').is_some_and(|(scheme, _)| is_scheme(scheme)) {
        let url: Uri = reference.parse().ok()?;
        if !matches!(url.scheme_str(), Some("http" | "https")) {
            return None;
        }
        let mut parts = url.into_parts();
        parts.path_and_query = Some(without_dots(parts.path_and_query?.as_str()).parse().ok()?);
        return Uri::from_parts(parts).ok();
    }
    let (authority, rest) = match reference.strip_prefix("//") {
        Some(rest) => {
            let end = rest.find(['/', '?']).unwrap_or(rest.len());
            let (authority, rest) = rest.split_at_checked(end)?;
            // Only the scheme comes from the base: an empty path does not become the base's.
            let rest = if rest.starts_with('/') { rest.to_owned() } else { format!("/{rest}") };
            (authority.parse::<Authority>().ok()?, rest)
        }
        None => (base.authority()?.clone(), reference.to_owned()),
    };
    let path_and_query: PathAndQuery = match rest.as_bytes().first() {
        None => base.path_and_query()?.clone(),
        Some(b'?') => format!("{}{rest}", base.path()).parse().ok()?,
        Some(b'/') => without_dots(&rest).parse().ok()?,
        Some(_) => {
            let directory = base.path().rsplit_once('/').map_or("", |(directory, _)| directory);
            without_dots(&format!("{directory}/{rest}")).parse().ok()?
        }
    };
    let mut parts = base.clone().into_parts();
    parts.authority = Some(authority);
    parts.path_and_query = Some(path_and_query);
    Uri::from_parts(parts).ok()
}

/// RFC 3986 section 3.1.
fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
}

/// RFC 3986 section 5.2.4, for a path that starts with a slash. The query is left alone.
fn without_dots(path_and_query: &str) -> String {
    let (path, query) = match path_and_query.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (path_and_query, None),
    };
    let mut kept = String::new();
    for segment in path.split('/').skip(1) {
        match segment {
            "." => {}
            ".." => kept.truncate(kept.rfind('/').unwrap_or_default()),
            segment => {
                kept.push('/');
                kept.push_str(segment);
            }
        }
    }
    if kept.is_empty() || path.ends_with("/.") || path.ends_with("/..") {
        kept.push('/');
    }
    if let Some(query) = query {
        kept.push('?');
        kept.push_str(query);
    }
    kept
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use http::header::AUTHORIZATION;

    use super::*;

    fn post() -> Parts {
        let headers = [
            (AUTHORIZATION, HeaderValue::from_static("Bearer x")),
            (CONTENT_TYPE, HeaderValue::from_static("text/plain")),
            (HeaderName::from_static("x-kept"), HeaderValue::from_static("y")),
        ];
        Parts {
            method: Method::POST,
            url: Uri::from_static("http://a.example/b/c/d?q=1"),
            headers: headers.into_iter().collect(),
            body: b"body".to_vec(),
            span: RequestSpan::default(),
        }
    }

    #[test]
    fn debug_shows_no_value() {
        let url = Uri::from_static("http://ada:geheim@a.example:81/b?token=geheim");
        let headers = [(AUTHORIZATION, HeaderValue::from_static("geheim"))].into_iter().collect();
        let parts = Parts { url, headers, body: b"geheim".to_vec(), method: Method::PUT, ..post() };
        let shown = format!("{parts:?}");
        assert!(shown.contains("PUT http://a.example:81/b") && shown.contains("authorization"), "{shown}");
        assert!(!shown.contains("geheim"), "{shown}");
    }

    fn redirected(status: u16, location: &str) -> Parts {
        let mut parts = post();
        let status = StatusCode::from_u16(status).unwrap();
        assert!(parts.redirect(status, Some(location)).unwrap(), "{status} is not a redirect");
        parts
    }

    #[test]
    fn a_reference_is_resolved_against_the_url() {
        for (reference, url) in [
            ("http://other.example:81/x?y#z", "http://other.example:81/x?y"),
            ("//other.example/x", "http://other.example/x"),
            ("//other.example", "http://other.example/"),
            ("/x/../y", "http://a.example/y"),
            ("g", "http://a.example/b/c/g"),
            ("../g?x=../y", "http://a.example/b/g?x=../y"),
            ("../../../g", "http://a.example/g"),
            ("./", "http://a.example/b/c/"),
            ("..", "http://a.example/b/"),
            ("?y", "http://a.example/b/c/d?y"),
            ("", "http://a.example/b/c/d?q=1"),
            ("/login?next=http://a.example/", "http://a.example/login?next=http://a.example/"),
        ] {
            let resolved = resolve(&post().url, reference).map(|url| url.to_string());
            assert_eq!(resolved.as_deref(), Some(url), "{reference}");
        }
    }

    #[test]
    fn a_reference_to_something_else_is_an_error() {
        for reference in ["file://x/y", "mailto:a@a.example", "ftp://a.example/", "http://", "//a b/"] {
            let mut parts = post();
            assert_eq!(parts.redirect(StatusCode::FOUND, Some(reference)), Err(reference.to_owned()));
            assert_eq!(parts.url, post().url);
        }
    }

    #[test]
    fn only_307_and_308_repeat_the_body() {
        for status in [301, 302, 303] {
            let parts = redirected(status, "/x");
            assert_eq!((&parts.method, parts.body.len()), (&Method::GET, 0), "{status}");
            assert!(!parts.headers.contains_key(CONTENT_TYPE), "{status}");
            assert!(parts.headers.contains_key("x-kept"), "{status}");
        }
        for status in [307, 308] {
            let parts = redirected(status, "/x");
            assert_eq!((&parts.method, &*parts.body), (&Method::POST, &b"body"[..]), "{status}");
            assert!(parts.headers.contains_key(CONTENT_TYPE), "{status}");
        }
    }

    #[test]
    fn a_port_that_is_not_a_number_leads_nowhere() {
        let redirected = post().redirect(StatusCode::FOUND, Some("http://a.example:99999/"));
        assert_eq!(redirected, Err("http://a.example:99999/".to_owned()));
    }

    #[test]
    fn head_stays_head() {
        let mut parts = Parts { method: Method::HEAD, ..post() };
        parts.redirect(StatusCode::SEE_OTHER, Some("/x")).unwrap();
        assert_eq!(parts.method, Method::HEAD);
    }

    #[test]
    fn credentials_stay_with_their_origin() {
        for (location, kept) in [
            ("/x", true),
            ("http://A.example:80/x", true),
            ("https://a.example/x", false),
            ("http://a.example:8080/", false),
            ("http://b.a.example/", false),
        ] {
            let headers = redirected(307, location).headers;
            for name in ["authorization", "x-kept"] {
                assert_eq!(headers.contains_key(name), kept, "{location}");
            }
            assert!(headers.contains_key(CONTENT_TYPE), "{location}");
        }
        for name in ["accept", "accept-language", "content-md5", "if-none-match", "range", "user-agent"] {
            assert!(is_harmless(&HeaderName::from_static(name)), "{name}");
        }
        for name in [
            "authorization",
            "cookie",
            "x-api-key",
            "acceptance",
            "api-key",
            "rangefinder",
            "x-content-token",
        ] {
            assert!(!is_harmless(&HeaderName::from_static(name)), "{name}");
        }
    }

    #[test]
    fn the_referer_tells_another_origin_no_path_and_nothing_leaves_https() {
        for (from, to, expected) in [
            ("http://a.example/b?q=1", "/x", Some("http://a.example/b?q=1")),
            ("http://ada:geheim@a.example:81/b", "/x", Some("http://a.example:81/b")),
            ("http://a.example/b?q=1", "http://b.example/", Some("http://a.example/")),
            ("http://a.example/b?q=1", "https://a.example/", Some("http://a.example/")),
            ("https://a.example/b", "https://a.example/x", Some("https://a.example/b")),
            ("https://a.example/b", "http://a.example/x", None),
        ] {
            let headers = [(REFERER, HeaderValue::from_static("the author's"))].into_iter().collect();
            let mut parts = Parts { url: from.parse().unwrap(), headers, ..post() };
            parts.redirect(StatusCode::FOUND, Some(to)).unwrap();
            let sent = parts.headers.get(REFERER).map(|value| value.to_str().unwrap());
            assert_eq!(sent, expected, "{from} to {to}");
        }
    }

    #[test]
    fn an_answer_without_a_location_is_no_redirect() {
        assert_eq!(post().redirect(StatusCode::FOUND, None), Ok(false));
        assert_eq!(post().redirect(StatusCode::NOT_MODIFIED, Some("/x")), Ok(false));
    }
}
