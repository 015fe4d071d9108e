//! The data source's own headers: `httpHeaderName1` with the secret `httpHeaderValue1`, and so on.

use std::collections::HashMap;

use http::header::{HeaderName, HeaderValue};
use serde_json::{Map, Value};

use crate::egress::framing::frames_the_message;

/// How many headers a data source may have. Servers commonly accept 100.
const MAX_HEADERS: usize = 256;

/// How many bytes of names and values they may have. Servers commonly accept 8 to 64 KiB.
const MAX_BYTES: usize = 64 << 10;

/// More than a request can have. To send only some of them could leave out the one that matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the data source has more than {MAX_HEADERS} headers, or {MAX_BYTES} bytes of them, in httpHeaderName1 and so on: \
     remove some"
)]
pub(crate) struct BadHeaders;

/// Returns the names of `httpHeaderName1` and so on. The first missing number ends the list.
pub(super) fn names(json: &Map<String, Value>) -> impl Iterator<Item = &str> {
    (1..).map_while(|number: usize| json.get(&format!("httpHeaderName{number}"))?.as_str())
}

pub(super) fn parse(
    json: &Map<String, Value>,
    secrets: &HashMap<String, String>,
) -> Result<Vec<(HeaderName, HeaderValue)>, BadHeaders> {
    let (mut headers, mut bytes) = (Vec::new(), 0);
    for (number, name) in (1..).zip(names(json)) {
        if number > MAX_HEADERS {
            return Err(BadHeaders);
        }
        let secret = secrets.get(&format!("httpHeaderValue{number}"));
        if let Some((name, value)) = secret.and_then(|value| header(name, value)) {
            bytes += name.as_str().len() + value.len();
            headers.push((name, value));
        }
    }
    if bytes > MAX_BYTES { Err(BadHeaders) } else { Ok(headers) }
}

/// One that cannot be sent, or would break the message, counts as missing.
fn header(name: &str, value: &str) -> Option<(HeaderName, HeaderValue)> {
    let name = HeaderName::try_from(name.trim()).ok().filter(|name| !frames_the_message(name))?;
    let mut value = HeaderValue::try_from(value.trim()).ok()?;
    value.set_sensitive(true);
    Some((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(count: usize, value: &str) -> Result<usize, BadHeaders> {
        let names =
            (1..=count).map(|number| (format!("httpHeaderName{number}"), format!("x-{number}").into()));
        let values = (1..=count).map(|number| (format!("httpHeaderValue{number}"), value.to_owned()));
        super::parse(&names.collect(), &values.collect()).map(|headers| headers.len())
    }

    #[test]
    fn the_list_stops_at_the_first_gap_and_never_frames_the_message() {
        let json = serde_json::json!({
            "httpHeaderName1": "X-A", "httpHeaderName2": "Content-Length", "httpHeaderName3": "transfer_encoding",
            "httpHeaderName4": "X-No-Value", "httpHeaderName5": "X-Split", "httpHeaderName6": "X B: c",
            "httpHeaderName8": "X-Late",
        });
        let values = ["one\n", "9", "chunked", "", "a\r\nb: c", "six", "seven", "eight"];
        let value =
            |(index, value): (usize, &&str)| (format!("httpHeaderValue{}", index + 1), (*value).to_owned());
        let mut secrets: HashMap<_, _> = values.iter().enumerate().map(value).collect();
        secrets.remove("httpHeaderValue4");
        let headers = super::parse(json.as_object().unwrap(), &secrets);
        assert_eq!(headers, Ok(vec![(HeaderName::from_static("x-a"), HeaderValue::from_static("one"))]));
    }

    #[test]
    fn more_than_a_request_can_have_are_an_error() {
        assert_eq!(parse(MAX_HEADERS, "v"), Ok(MAX_HEADERS));
        assert_eq!(parse(25_000, "v"), Err(BadHeaders));
        assert_eq!(parse(40, &"v".repeat(MAX_BYTES / 40)), Err(BadHeaders));
        assert!(BadHeaders.to_string().contains("more than 256 headers, or 65536 bytes"), "{BadHeaders}");
    }
}
