//! OTLP over HTTP/1.1, as protobuf.

use std::io::Write as _;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HOST, USER_AGENT};
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, Method, Request, Response, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message as _;

use super::answer::{MAX_ANSWER, USER_AGENT as NAME, Unanswered};
use super::failure::Failure;
use crate::budget::beside_others;
use crate::telemetry::config::Destination;
use crate::telemetry::connect::{Connector, chain};

pub(super) const ALPN: &[u8] = b"http/1.1";

/// Has a connection of its own.
pub(super) struct HttpTransport {
    endpoint: Uri,
    headers: HeaderMap,
    gzip: bool,
    connector: Connector,
    connection: Option<SendRequest<Full<Bytes>>>,
}

/// The status of an error (`google.rpc.Status`), as far as people read it.
#[derive(Clone, PartialEq, prost::Message)]
struct ErrorStatus {
    #[prost(string, tag = "2")]
    message: String,
}

// === impl HttpTransport ===

impl HttpTransport {
    pub(super) fn new(destination: &Destination, connector: Connector) -> Self {
        let mut headers: HeaderMap = destination.headers.iter().cloned().collect();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
        headers.entry(USER_AGENT).or_insert(HeaderValue::from_static(NAME));
        if let Some(host) = destination.endpoint.authority().and_then(host) {
            headers.insert(HOST, host);
        }
        let gzip = destination.compression.is_some();
        if gzip {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        Self { endpoint: destination.endpoint.value.clone(), headers, gzip, connector, connection: None }
    }

    pub(super) async fn send(&mut self, body: &Bytes) -> Result<ExportTraceServiceResponse, Unanswered> {
        let body = if self.gzip { beside_others(|| compressed(body)) } else { body.clone() };
        // The collector may have closed a connection that was idle. To send it twice is no harm, as to any retry.
        if let Some(mut connection) = self.connection.take().filter(|connection| !connection.is_closed())
            && connection.ready().await.is_ok()
            && let Ok(response) = connection.send_request(self.request(&body)).await
        {
            return self.read(connection, response).await;
        }
        let stream = self.connector.connect(&self.endpoint).await.map_err(|error| lost(&error))?;
        let (mut connection, driver) = http1::handshake(stream).await.map_err(|error| lost(&error))?;
        tokio::spawn(driver);
        let response = connection.send_request(self.request(&body)).await.map_err(|error| lost(&error))?;
        self.read(connection, response).await
    }

    fn request(&self, body: &Bytes) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(body.clone()));
        *request.method_mut() = Method::POST;
        // HTTP/1.1 names the server in `Host` (RFC 9112, section 3.2.1).
        let path = self.endpoint.path_and_query().cloned();
        *request.uri_mut() = path.map(Uri::from).unwrap_or_default();
        *request.headers_mut() = self.headers.clone();
        request
    }

    /// Keeps the connection if the answer was read to its end.
    async fn read(
        &mut self,
        connection: SendRequest<Full<Bytes>>,
        response: Response<Incoming>,
    ) -> Result<ExportTraceServiceResponse, Unanswered> {
        let (head, body) = response.into_parts();
        let body = Limited::new(body, MAX_ANSWER).collect().await;
        let body = match body {
            Ok(body) => {
                self.connection = Some(connection);
                body.to_bytes()
            }
            // A status counts without its text.
            Err(_) if !head.status.is_success() => Bytes::new(),
            Err(error) => return Err(Unanswered::OnTheWay(chain(&*error))),
        };
        let html =
            head.headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
        if !head.status.is_success() {
            let said = if html { String::new() } else { said(&body) };
            return Err(Unanswered::ByCollector(Failure::of_response(head.status, &head.headers, &said)));
        }
        // A page for people is not a collector's answer. Anything else counts as one, whatever it says of itself.
        if html {
            return Err(Unanswered::OnTheWay("the answer is a page for people, not OTLP".to_owned()));
        }
        Ok(ExportTraceServiceResponse::decode(body).unwrap_or_default())
    }
}

impl Clone for HttpTransport {
    fn clone(&self) -> Self {
        let Self { endpoint, headers, gzip, connector, connection: _ } = self;
        Self {
            endpoint: endpoint.clone(),
            headers: headers.clone(),
            gzip: *gzip,
            connector: connector.clone(),
            connection: None,
        }
    }
}

fn host(authority: &Authority) -> Option<HeaderValue> {
    HeaderValue::try_from(authority.as_str()).ok()
}

/// Writing to memory does not fail.
fn compressed(body: &Bytes) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let written = encoder.write_all(body);
    written.and_then(|()| encoder.finish()).map_or_else(|_| Bytes::new(), Bytes::from)
}

/// Returns the message of an error: OTLP's, or a text.
fn said(body: &Bytes) -> String {
    if let Ok(ErrorStatus { message }) = ErrorStatus::decode(body.clone())
        && !message.is_empty()
    {
        return message;
    }
    let text = String::from_utf8_lossy(body);
    if text.chars().any(|letter| letter.is_control() && !letter.is_whitespace()) {
        return String::new();
    }
    text.trim().to_owned()
}

fn lost(error: &(dyn std::error::Error + 'static)) -> Unanswered {
    Unanswered::OnTheWay(chain(error))
}
