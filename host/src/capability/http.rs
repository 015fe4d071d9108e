//! `wasi:http/outgoing-handler`: passes a component's requests to its data source's client.

use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use http::Request;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use wasmtime_wasi_http::{Error as Code, RequestOptions, WasiBody, WasiHttpHooks};

use super::tracer::CallSpans;
use crate::budget::{Upstream, Waiting};
use crate::egress::{Client, RequestError, RequestErrorKind};

/// The HTTP state of one instance.
pub(crate) struct HttpHooks {
    /// `None` for an instance that may send no requests.
    client: Option<Client>,
    spans: CallSpans,
    upstream: Upstream,
}

/// A response's body. While it has no data ready, the call is waiting for the upstream.
struct UpstreamBody<B> {
    body: B,
    upstream: Upstream,
    waiting: Option<Waiting>,
}

type Response = http::Response<WasiBody>;
/// The background work that a response's body needs. There is none here: the body does its work itself.
type Worker = Box<dyn Future<Output = Result<(), Code>> + Send>;

// === impl HttpHooks ===

impl HttpHooks {
    /// Makes the state of an instance of the data source that `client` belongs to. Without a client, every request is
    /// refused.
    pub(crate) fn new(client: Option<Client>, spans: CallSpans) -> Self {
        Self { client, spans, upstream: Upstream::default() }
    }

    /// From now on, requests belong to another call.
    pub(crate) fn begin(&mut self, spans: CallSpans, upstream: Upstream) {
        self.spans = spans;
        self.upstream = upstream;
    }
}

impl WasiHttpHooks for HttpHooks {
    /// Called while the component makes the request, so the current span is the one that the request is made in.
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _done: Worker,
    ) -> Box<dyn Future<Output = Result<(Response, Worker), Code>> + Send> {
        let Some(client) = &self.client else {
            return Box::new(std::future::ready(Err(Code::HttpRequestDenied)));
        };
        let parent = self.spans.parent_of_request(request.headers());
        let response = client.send(request, options, &parent);
        let upstream = self.upstream.clone();
        Box::new(async move {
            let waiting = upstream.wait();
            let response = response.await.map_err(|error| code(&error))?;
            drop(waiting);
            let response = response.map(|body| {
                let body = UpstreamBody { body, upstream, waiting: None };
                body.map_err(|error| code(&error)).boxed_unsync()
            });
            Ok((response, Box::new(std::future::ready(Ok(()))) as Worker))
        })
    }

    /// The client sets the header itself, to the host that the request was granted for.
    fn set_host_header(&mut self) -> bool {
        false
    }
}

// === impl UpstreamBody ===

impl<B: Body + Unpin> Body for UpstreamBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let Self { body, upstream, waiting } = self.get_mut();
        let polled = pin!(body).poll_frame(context);
        match polled {
            Poll::Pending => _ = waiting.get_or_insert_with(|| upstream.wait()),
            Poll::Ready(_) => *waiting = None,
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Returns the error under its name in `wasi:http`. The message is included if a person must act on it, or if no name
/// fits.
fn code(error: &RequestError) -> Code {
    code_of(error.kind(), || error.chain())
}

fn code_of(kind: RequestErrorKind, text: impl FnOnce() -> String) -> Code {
    match kind {
        // HttpRequestDenied and DestinationIpProhibited would not carry the remedy to the person who reads the panel.
        RequestErrorKind::Denied
        | RequestErrorKind::Limit
        | RequestErrorKind::TlsSettings
        | RequestErrorKind::RequestBody => Code::InternalError(Some(text())),
        RequestErrorKind::InvalidUrl => Code::HttpRequestUriInvalid,
        RequestErrorKind::UnsupportedMethod => Code::HttpRequestMethodInvalid,
        RequestErrorKind::NameTimeout => Code::DnsTimeout,
        RequestErrorKind::NameNotResolved => Code::DnsError { rcode: Some(text()), info_code: None },
        RequestErrorKind::ConnectTimeout => Code::ConnectionTimeout,
        RequestErrorKind::ConnectionRefused => Code::ConnectionRefused,
        RequestErrorKind::NoRoute => Code::DestinationIpUnroutable,
        RequestErrorKind::ConnectFailed => Code::DestinationUnavailable,
        RequestErrorKind::ConnectionLost => Code::ConnectionTerminated,
        RequestErrorKind::Certificate => Code::TlsCertificateError,
        RequestErrorKind::TlsAlert(alert) => {
            Code::TlsAlertReceived { alert_id: Some(alert), alert_message: Some(text()) }
        }
        RequestErrorKind::TlsFailed => Code::TlsProtocolError,
        RequestErrorKind::ResponseTimeout => Code::HttpResponseTimeout,
        RequestErrorKind::ReadTimeout => Code::ConnectionReadTimeout,
        RequestErrorKind::Protocol => Code::HttpProtocolError,
        RequestErrorKind::Encoding => Code::HttpResponseContentCoding(Some(text())),
        RequestErrorKind::TooLarge(limit) => Code::HttpResponseBodySize(Some(limit)),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use http_body_util::Empty;
    use opentelemetry::Context;
    use tokio::net::TcpListener;

    use super::*;
    use crate::egress::{AllConnections, DataSourceFields, DataSourceHttp, Egress, Patterns};
    use crate::log::Log;
    use crate::telemetry::{Telemetry, Tracer};

    async fn send(url: &str, to: &str) -> Result<Response, Code> {
        let settings = DataSourceHttp::parse(DataSourceFields {
            url,
            user: "",
            basic_auth_enabled: false,
            basic_auth_user: "",
            json_data: b"",
            secrets: &HashMap::new(),
            name: "",
            uid: "",
            plugin_type: "",
        });
        let all = AllConnections::new(None, Log::memory().0);
        let egress = Egress::new(Patterns::default(), "my-plugin", Telemetry::default(), 1000, all);
        let mut hooks =
            HttpHooks::new(Some(egress.client(settings)), CallSpans::new(Tracer::Off, Context::new()));
        let body = Empty::new().map_err(|never| match never {}).boxed_unsync();
        let response =
            hooks.send_request(Request::get(to).body(body).unwrap(), None, Box::new(async { Ok(()) }));
        Ok(Box::into_pin(response).await?.0)
    }

    #[tokio::test]
    async fn a_guest_can_tell_what_went_wrong() {
        let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let url = format!("http://{closed}");
        assert!(matches!(send(&url, &url).await, Err(Code::ConnectionRefused)));

        let Err(Code::InternalError(Some(text))) = send(&url, "http://other/").await else { panic!() };
        assert_eq!(text, "no grant for other:80; add gpx_allow_hosts = other under [plugin.my-plugin]");
    }

    #[test]
    fn a_failure_keeps_what_its_code_can_carry() {
        let of = |kind| code_of(kind, || "text".to_owned());
        let Code::TlsAlertReceived { alert_id: Some(40), alert_message: Some(text) } =
            of(RequestErrorKind::TlsAlert(40))
        else {
            panic!()
        };
        assert_eq!(text, "text");
        assert!(matches!(of(RequestErrorKind::TooLarge(7)), Code::HttpResponseBodySize(Some(7))));
    }
}
