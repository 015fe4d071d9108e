//! What is not shown of an exchange, whoever knows it: values under names that commonly bear credentials, as in Go. Unlike Go,
//! the URL is redacted, too, and all secrets of the data source are found wherever they are.

use http::{HeaderMap, HeaderName, Uri};
use url::form_urlencoded;

use super::entry::Pair;
use crate::text::Scrub;

/// Replaces a value.
const REDACTED: &str = "REDACTED";

const HEADERS: [&str; 5] = ["authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key"];

const PARAMETERS: [&str; 9] =
    ["api_key", "apikey", "api-key", "access_token", "token", "sig", "signature", "x-amz-signature", "key"];

/// Returns the URL without userinfo.
pub(super) fn url(uri: &Uri, scrub: &Scrub) -> String {
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let mut text = format!("{}://{authority}{}", uri.scheme_str().unwrap_or_default(), uri.path());
    for (index, pair) in uri.query().into_iter().flat_map(|query| query.split('&')).enumerate() {
        text.push(if index == 0 { '?' } else { '&' });
        match pair.split_once('=') {
            Some((name, _)) if is_sensitive(name) => text.extend([name, "=", REDACTED]),
            _ => text.push_str(pair),
        }
    }
    scrub.text(text)
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
        scrub.text(String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    headers.iter().map(|(name, text)| Pair { name: name.to_string(), value: value(name, text) }).collect()
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
    scrub.text(location.unwrap_or_default().into_owned())
}

fn is_sensitive(parameter: &str) -> bool {
    PARAMETERS.iter().any(|name| name.eq_ignore_ascii_case(parameter))
}
