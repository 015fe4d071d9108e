//! The URL of a request: where it may lead, and what an author may leave unescaped.

use std::borrow::Cow;

use http::Uri;
use percent_encoding::{AsciiSet, utf8_percent_encode};

use super::port;

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

/// Reads the URL of a request. Fails with a sentence.
pub(super) fn parse(url: &str) -> Result<Uri, String> {
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
