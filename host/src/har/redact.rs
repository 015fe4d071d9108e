//! What is not shown of an exchange, whoever knows it: values under names that commonly bear credentials, as in Go. Unlike Go,
//! the URL is redacted, too, and all secrets of the data source are found wherever they are.

use http::{HeaderMap, HeaderName, Uri};
use serde::Serialize;
use url::form_urlencoded;

use crate::text::Scrub;

/// A header, a parameter or a cookie.
#[derive(Serialize)]
pub(super) struct Pair {
    name: String,
    value: String,
}

/// Replaces a value.
const REDACTED: &str = "REDACTED";

const HEADERS: [&str; 8] = [
    "authorization",
    "proxy-authorization",
    "cookie",
    "set-cookie",
    "x-api-key",
    "x-amz-security-token",
    // What Grafana passes on of a user.
    "x-id-token",
    "x-grafana-id",
];

const PARAMETERS: [&str; 10] = [
    "api_key",
    "apikey",
    "api-key",
    "access_token",
    "token",
    "sig",
    "signature",
    "x-amz-signature",
    "x-amz-security-token",
    "key",
];

/// Headers whose value is a reference to a URL.
const REFERENCES: [&str; 3] = ["location", "content-location", "referer"];

/// Returns a URL, or a reference to one (RFC 3986, section 4.1), without userinfo.
pub(super) fn reference(text: &str, scrub: &Scrub) -> String {
    let (text, fragment) = text.split_once('#').map_or((text, None), |(text, rest)| (text, Some(rest)));
    let (text, query) = text.split_once('?').map_or((text, None), |(text, rest)| (text, Some(rest)));
    let mut shown = without_userinfo(text);
    for (mark, pairs) in [('?', query), ('#', fragment)] {
        for (index, pair) in pairs.into_iter().flat_map(|pairs| pairs.split('&')).enumerate() {
            shown.push(if index == 0 { mark } else { '&' });
            match pair.split_once('=') {
                Some((name, _)) if is_sensitive(&decoded(name)) => shown.extend([name, "=", REDACTED]),
                _ => shown.push_str(pair),
            }
        }
    }
    scrub.text(shown)
}

pub(super) fn parameters(uri: &Uri, scrub: &Scrub) -> Vec<Pair> {
    let pairs = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let pair = |name: &str, value: String| Pair {
        value: if is_sensitive(name) { REDACTED.to_owned() } else { scrub.text(value) },
        name: scrub.text(name.to_owned()),
    };
    pairs.map(|(name, value)| pair(&name, value.into_owned())).collect()
}

pub(super) fn headers(headers: &HeaderMap, scrub: &Scrub) -> Vec<Pair> {
    let value = |name: &HeaderName, value: &http::HeaderValue| {
        if HEADERS.contains(&name.as_str()) {
            return REDACTED.to_owned();
        }
        let text = String::from_utf8_lossy(value.as_bytes());
        if REFERENCES.contains(&name.as_str()) {
            return reference(&text, scrub);
        }
        scrub.text(text.into_owned())
    };
    let name = |name: &HeaderName| scrub.text(name.to_string());
    headers.iter().map(|(key, text)| Pair { name: name(key), value: value(key, text) }).collect()
}

/// Returns the names of cookies. Their values are usually credentials themselves.
pub(super) fn cookies(headers: &HeaderMap, name: &HeaderName, scrub: &Scrub) -> Vec<Pair> {
    let lines = headers.get_all(name).iter().filter_map(|line| line.to_str().ok());
    // A response has a line for each cookie, with attributes after it.
    let each = if *name == http::header::COOKIE { usize::MAX } else { 1 };
    let cookies = lines.flat_map(|line| line.split(';').take(each));
    let names = cookies.filter_map(|cookie| Some(cookie.split_once('=')?.0.trim().to_owned()));
    names.map(|name| Pair { name: scrub.text(name), value: REDACTED.to_owned() }).collect()
}

/// Returns where a redirect leads.
pub(super) fn location(headers: &HeaderMap, scrub: &Scrub) -> String {
    let location = headers.get(http::header::LOCATION).map(|value| String::from_utf8_lossy(value.as_bytes()));
    reference(&location.unwrap_or_default(), scrub)
}

/// Returns the part of a reference before its query, without what is before the host.
fn without_userinfo(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("//").filter(|(scheme, _)| !scheme.contains('/')) else {
        return text.to_owned();
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    format!("{scheme}//{host}{path}")
}

/// Returns the name of a parameter as servers read it.
fn decoded(name: &str) -> String {
    form_urlencoded::parse(name.as_bytes()).map(|(name, _)| name.into_owned()).collect()
}

fn is_sensitive(parameter: &str) -> bool {
    PARAMETERS.iter().any(|name| name.eq_ignore_ascii_case(parameter))
}
