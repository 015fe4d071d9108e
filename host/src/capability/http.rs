//! `wasi:http/outgoing-handler`: passes a component's requests to its data source's client.

mod scope;
#[cfg(test)]
mod tests;
mod texts;

use std::pin::Pin;
use std::task::{Context, Poll};

use http::Request;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use wasmtime_wasi_http::{
    DEFAULT_FORBIDDEN_HEADERS, Error as Code, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpHooks,
};

use self::scope::{InScope, Scope};
pub(super) use self::texts::add_to_linker;
use super::tracer::CallSpans;
use crate::budget::{Upstream, Waiting};
use crate::egress::{self, Caller, Client, PassedOn, RequestError, RequestErrorKind};
use crate::har::Recorder;
use crate::tape::Take;

/// The most that a component may write to a request's body at once, in bytes. Two such pieces wait to be sent, so a body
/// holds at most 64 KiB.
pub(crate) const OUTGOING_PIECE: usize = 32 * 1024;

/// The header fields that a component may put together for one message, in bytes with what a map of them takes. Servers
/// commonly accept 8 to 64 KiB.
pub(crate) const MAX_FIELDS: usize = 64 * 1024;

/// The HTTP state of one instance.
pub(crate) struct HttpHooks {
    /// `None` for an instance that may send no requests.
    client: Option<Client>,
    spans: CallSpans,
    upstream: Upstream,
    /// What requests inherit from the call.
    caller: Caller,
    scope: Scope,
    /// Records the call's exchanges, if its caller asks for that.
    recorder: Option<Recorder>,
    /// Records or plays back all exchanges of the instance, whoever calls.
    take: Option<Take>,
    /// Whether a message was changed since this was asked for.
    changed: bool,
}

/// A response's body. While it has no data ready, the call is waiting for the upstream. It ends with its call.
struct UpstreamBody<B: Send + 'static>(InScope<UpstreamBodyParts<B>>);

struct UpstreamBodyParts<B> {
    body: B,
    upstream: Upstream,
    waiting: Option<Waiting>,
}

type Response = http::Response<WasiBody>;
/// The background work that a response's body needs. There is none here: the body does its work itself.
type Worker = Box<dyn Future<Output = Result<(), Code>> + Send>;

/// Returns what all instances allow for HTTP.
pub(crate) fn context() -> WasiHttpCtx {
    let mut context = WasiHttpCtx::new();
    context.set_field_size_limit(MAX_FIELDS);
    context
}

// === impl HttpHooks ===

impl HttpHooks {
    /// Makes the state of an instance of the data source that `client` belongs to. Without a client, every request is
    /// refused.
    pub(crate) fn new(client: Option<Client>, spans: CallSpans) -> Self {
        let (upstream, caller, scope) = (Upstream::default(), Caller::default(), Scope::default());
        Self { client, spans, upstream, caller, scope, recorder: None, take: None, changed: false }
    }

    /// From now on, requests belong to another call.
    pub(crate) fn begin(&mut self, spans: CallSpans, upstream: Upstream, caller: Caller) {
        self.end();
        self.spans = spans;
        self.upstream = upstream;
        self.caller = caller;
        self.scope = Scope::default();
    }

    /// Records the exchanges of the call that has begun.
    pub(crate) fn record(&mut self, recorder: Option<Recorder>) {
        self.recorder = recorder;
    }

    /// Records all exchanges, or plays them back.
    pub(crate) fn follow(&mut self, take: Option<Take>) {
        self.take = take;
    }

    /// Notes that the component changes a message, so that what the host keeps of it may grow.
    pub(crate) fn message_changes(&mut self) {
        self.changed = true;
    }

    /// Returns whether a message has changed since the last time.
    pub(crate) fn take_change(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// Aborts the requests of the call: those that have no response yet, and those whose response is not read to its end.
    /// Handles that the component has kept yield errors. Until the next call begins, new requests end at once.
    pub(crate) fn end(&mut self) {
        self.scope.end();
        // Otherwise an idle instance would keep what the call has exchanged, and who has made it.
        self.recorder = None;
        self.caller.passed_on = PassedOn::default();
    }
}

impl Drop for HttpHooks {
    fn drop(&mut self) {
        self.end();
    }
}

impl WasiHttpHooks for HttpHooks {
    /// Called while the component makes the request, so the current span is the one that the request is made in.
    fn send_request(
        &mut self,
        mut request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _done: Worker,
    ) -> Box<dyn Future<Output = Result<(Response, Worker), Code>> + Send> {
        self.changed = true;
        let Some(client) = &self.client else {
            return Box::new(std::future::ready(Err(Code::HttpRequestDenied)));
        };
        let parent = self.spans.parent_of_request(request.headers());
        match (&self.take, &self.recorder) {
            (Some(take), _) => take.follow(&mut request),
            (None, Some(recorder)) => _ = request.extensions_mut().insert(recorder.clone()),
            (None, None) => {}
        }
        let response = client.send(request, options, parent, self.caller.clone());
        let (upstream, scope) = (self.upstream.clone(), self.scope.clone());
        let exchange = async move {
            let waiting = upstream.wait();
            let response = response.await.map_err(|error| code(&error))?;
            drop(waiting);
            Ok(response.map(|body| {
                let parts = UpstreamBodyParts { body, upstream, waiting: None };
                UpstreamBody(scope.keep(parts)).boxed_unsync()
            }))
        };
        let exchange = self.scope.keep(Box::pin(exchange));
        Box::new(async move {
            let polled = |context: &mut Context<'_>| {
                exchange.poll(context, |exchange, context| exchange.as_mut().poll(context))
            };
            let response = std::future::poll_fn(polled).await.unwrap_or_else(|| Err(over()))?;
            Ok((response, Box::new(std::future::ready(Ok(()))) as Worker))
        })
    }

    /// Called whenever the component changes the fields of a message.
    fn is_forbidden_header(&mut self, name: &http::HeaderName) -> bool {
        self.changed = true;
        DEFAULT_FORBIDDEN_HEADERS.contains(name) || egress::is_forbidden(name)
    }

    /// The client sets the header itself, to the host that the request was granted for.
    fn set_host_header(&mut self) -> bool {
        false
    }

    fn p2_outgoing_body_buffer_chunks(&mut self) -> usize {
        // One more always waits beside these.
        1
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        self.changed = true;
        OUTGOING_PIECE
    }
}

// === impl UpstreamBody ===

impl<B> Body for UpstreamBody<B>
where
    B: Body<Error = RequestError> + Send + Unpin + 'static,
{
    type Data = B::Data;
    type Error = Code;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, Code>>> {
        let polled = self.0.poll(context, |parts, context| {
            let polled = Pin::new(&mut parts.body).poll_frame(context);
            match polled {
                Poll::Pending => _ = parts.waiting.get_or_insert_with(|| parts.upstream.wait()),
                Poll::Ready(_) => parts.waiting = None,
            }
            polled
        });
        polled.map(|frame| match frame {
            Some(frame) => frame.map(|frame| frame.map_err(|error| code(&error))),
            None => Some(Err(over())),
        })
    }

    fn is_end_stream(&self) -> bool {
        self.0.ask(|parts| parts.body.is_end_stream()).unwrap_or_default()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.ask(|parts| parts.body.size_hint()).unwrap_or_default()
    }
}

/// Returns the error of a request whose call has ended.
fn over() -> Code {
    Code::InternalError(Some("the call that this request belongs to is over".to_owned()))
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
        | RequestErrorKind::Settings
        | RequestErrorKind::Credentials
        | RequestErrorKind::Proxy
        // HttpRequestUriInvalid would not carry what is wrong with the URL.
        | RequestErrorKind::InvalidUrl
        | RequestErrorKind::ResponseLimit
        | RequestErrorKind::RequestBody
        | RequestErrorKind::NotRecorded => Code::InternalError(Some(text())),
        RequestErrorKind::NameTimeout => Code::DnsTimeout,
        RequestErrorKind::NameNotResolved => Code::DnsError { rcode: Some(text()), info_code: None },
        RequestErrorKind::ConnectTimeout => Code::ConnectionTimeout,
        RequestErrorKind::ConnectionRefused => Code::ConnectionRefused,
        RequestErrorKind::NoRoute => Code::DestinationIpUnroutable,
        RequestErrorKind::ConnectFailed => Code::DestinationUnavailable,
        RequestErrorKind::ConnectionLost => Code::ConnectionTerminated,
        // TlsCertificateError would not carry what is wrong. Without a number, the alert is ours.
        RequestErrorKind::Certificate => Code::TlsAlertReceived { alert_id: None, alert_message: Some(text()) },
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
