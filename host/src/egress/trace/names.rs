//! How the attributes of a request's span are named: as the Go SDK names them, or by OpenTelemetry's stable conventions.

use http::header::CONTENT_LENGTH;
use http::{Method, Request, Response, Uri, Version};
use opentelemetry::KeyValue;

use crate::config::HttpNames;

/// The methods that the conventions know (HTTP spans, `http.request.method`).
const KNOWN_METHODS: [Method; 9] = [
    Method::CONNECT,
    Method::DELETE,
    Method::GET,
    Method::HEAD,
    Method::OPTIONS,
    Method::PATCH,
    Method::POST,
    Method::PUT,
    Method::TRACE,
];

/// `text` cuts what the component has written, and hides its secrets; `url` is the request's without credentials.
pub(super) fn of_request<B>(
    names: HttpNames,
    request: &Request<B>,
    url: String,
    resent: u32,
    text: impl Fn(String) -> String,
) -> Vec<KeyValue> {
    let method = request.method();
    match names {
        HttpNames::Old => {
            vec![KeyValue::new("http.url", text(url)), KeyValue::new("http.method", text(method.to_string()))]
        }
        HttpNames::New => {
            let known = KNOWN_METHODS.contains(method);
            let name = if known { method.to_string() } else { "_OTHER".to_owned() };
            let mut attributes =
                vec![KeyValue::new("url.full", text(url)), KeyValue::new("http.request.method", name)];
            if !known {
                attributes.push(KeyValue::new("http.request.method_original", text(method.to_string())));
            }
            if let Some((host, port)) = server(request.uri()) {
                attributes.push(KeyValue::new("server.address", text(host)));
                attributes.push(KeyValue::new("server.port", i64::from(port)));
            }
            if resent > 0 {
                attributes.push(KeyValue::new("http.request.resend_count", i64::from(resent)));
            }
            attributes
        }
    }
}

pub(super) fn of_response<B>(names: HttpNames, response: &Response<B>) -> Vec<KeyValue> {
    let status = response.status();
    let length = declared_length(response);
    match names {
        HttpNames::Old => {
            let length = length.map(|length| KeyValue::new("http.content_length", length));
            length
                .into_iter()
                .chain([KeyValue::new("http.status_code", i64::from(status.as_u16()))])
                .collect()
        }
        HttpNames::New => {
            let status_code = i64::from(status.as_u16());
            let mut attributes = vec![KeyValue::new("http.response.status_code", status_code)];
            attributes.extend(length.map(|length| KeyValue::new("http.response.body.size", length)));
            attributes.extend(version(response.version()));
            if status.as_u16() >= 400 {
                attributes.push(KeyValue::new("error.type", status.as_str().to_owned()));
            }
            attributes
        }
    }
}

/// `kind` is that of the error, as metrics name it.
pub(super) fn of_failure(names: HttpNames, kind: &'static str) -> Option<KeyValue> {
    (names == HttpNames::New).then(|| KeyValue::new("error.type", kind))
}

/// The size of the body as it was read.
pub(super) fn of_body(names: HttpNames, bytes: u64) -> KeyValue {
    let name = match names {
        HttpNames::Old => "http.read_bytes",
        HttpNames::New => "http.response.body.size",
    };
    KeyValue::new(name, i64::try_from(bytes).unwrap_or(i64::MAX))
}

fn server(uri: &Uri) -> Option<(String, u16)> {
    let host = uri.host()?;
    let default = if uri.scheme_str() == Some("https") { 443 } else { 80 };
    Some((host.trim_start_matches('[').trim_end_matches(']').to_owned(), uri.port_u16().unwrap_or(default)))
}

fn version(version: Version) -> Option<KeyValue> {
    let number = match version {
        Version::HTTP_10 => "1.0",
        Version::HTTP_11 => "1.1",
        Version::HTTP_2 => "2",
        _ => return None,
    };
    Some(KeyValue::new("network.protocol.version", number))
}

/// Returns the length that the response's head declares, unless it is zero. As in Go, a decoded body has none.
fn declared_length<B>(response: &Response<B>) -> Option<i64> {
    let length = response.headers().get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()?;
    (length > 0).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(attributes: Vec<KeyValue>) -> Vec<String> {
        attributes.into_iter().map(|KeyValue { key, value, .. }| format!("{key}={value}")).collect()
    }

    fn request(names: HttpNames, method: &str, uri: &str, resent: u32) -> Vec<String> {
        let request = Request::builder().method(method).uri(uri).body(()).unwrap();
        texts(of_request(names, &request, uri.to_owned(), resent, |text| text))
    }

    #[test]
    fn a_request_has_gos_names_or_those_of_the_conventions() {
        let (old, new) = (HttpNames::Old, HttpNames::New);
        assert_eq!(request(old, "GET", "http://h/a", 2), ["http.url=http://h/a", "http.method=GET"]);
        assert_eq!(
            request(new, "GET", "http://h/a", 0),
            ["url.full=http://h/a", "http.request.method=GET", "server.address=h", "server.port=80"]
        );
        let odd = [
            "url.full=https://[::1]:8443/",
            "http.request.method=_OTHER",
            "http.request.method_original=PURGE",
            "server.address=::1",
            "server.port=8443",
            "http.request.resend_count=2",
        ];
        assert_eq!(request(new, "PURGE", "https://[::1]:8443/", 2), odd);
    }

    #[test]
    fn a_response_has_gos_names_or_those_of_the_conventions() {
        let response = |status: u16, version| {
            let response = Response::builder().status(status).version(version).header("content-length", "7");
            response.body(()).unwrap()
        };
        let bad = response(503, Version::HTTP_2);
        assert_eq!(
            texts(of_response(HttpNames::Old, &bad)),
            ["http.content_length=7", "http.status_code=503"]
        );
        let good = response(200, Version::HTTP_11);
        let named = |response| texts(of_response(HttpNames::New, response));
        let size = "http.response.body.size=7";
        assert_eq!(
            named(&bad),
            ["http.response.status_code=503", size, "network.protocol.version=2", "error.type=503"]
        );
        assert_eq!(named(&good), ["http.response.status_code=200", size, "network.protocol.version=1.1"]);
    }
}
