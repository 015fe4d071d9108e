//! Headers that belong to one connection or delimit a message. Only the client that writes the message may set them.

use http::header::{self, HeaderName, HeaderValue};
use http::{Method, Request};
use http_body::Body;

const FRAMING: [&str; 8] = [
    "connection",
    "content-length",
    "http2-settings",
    "keep-alive",
    "proxy-connection",
    "te",
    "transfer-encoding",
    "upgrade",
];

/// What names the server, or is meant for a proxy.
const OF_THE_CLIENT: [&str; 4] =
    ["host", "proxy-authenticate", "proxy-authentication-info", "proxy-authorization"];

/// Whether HTTP/1 delimits messages by this header, or it belongs to the connection.
pub(super) fn frames_the_message(name: &HeaderName) -> bool {
    FRAMING.iter().any(|framing| is_same(name.as_str(), framing))
}

/// Whether a component may not set this header at all. It may say how long its body is, which is checked; its `TE` is
/// dropped.
pub(crate) fn is_forbidden(name: &HeaderName) -> bool {
    !matches!(*name, header::CONTENT_LENGTH | header::TE)
        && (frames_the_message(name) || OF_THE_CLIENT.iter().any(|of| is_same(name.as_str(), of)))
}

/// Whether some server takes two names for the same: many put `_` in place of `-` and of other signs, as CGI does
/// (RFC 3875, 4.1.18).
pub(super) fn is_same(one: &str, other: &str) -> bool {
    let letter = |byte: u8| if byte.is_ascii_alphanumeric() { byte.to_ascii_lowercase() } else { b'_' };
    one.bytes().map(letter).eq(other.bytes().map(letter))
}

/// Removes the headers with these names.
pub(super) fn remove<B>(request: &mut Request<B>, goes: impl Fn(&HeaderName) -> bool) {
    let names: Vec<HeaderName> = request.headers().keys().filter(|name| goes(name)).cloned().collect();
    for name in names {
        request.headers_mut().remove(name);
    }
}

/// Says that a body is empty, as Go does and RFC 9110, 8.6 recommends, where servers expect one. Some ask for it.
pub(super) fn say_if_empty<B: Body>(request: &mut Request<B>) {
    let has_meaning = [Method::POST, Method::PUT, Method::PATCH].contains(request.method());
    if has_meaning && request.body().is_end_stream() {
        request.headers_mut().entry(header::CONTENT_LENGTH).or_insert(HeaderValue::from_static("0"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_spellings_are_the_same_header() {
        for name in [
            "transfer-encoding",
            "transfer_encoding",
            "transfer.encoding",
            "proxy_connection",
            "content_length",
        ] {
            let name = HeaderName::from_static(name);
            assert!(frames_the_message(&name) && is_forbidden(&name), "{name}");
        }
        for name in ["x-transfer-encoding", "transferencoding", "content-type", "te-x"] {
            let name = HeaderName::from_static(name);
            assert!(!frames_the_message(&name) && !is_forbidden(&name), "{name}");
        }
        for name in [header::CONTENT_LENGTH, header::TE] {
            assert!(frames_the_message(&name) && !is_forbidden(&name), "{name}");
        }
        for name in ["host", "proxy-authorization", "proxy_authorization"] {
            let name = HeaderName::from_static(name);
            assert!(!frames_the_message(&name) && is_forbidden(&name), "{name}");
        }
    }
}
