//! Sends one data source's requests: checks, credentials, the span, and how long it all may take.

use std::fmt;
use std::sync::Arc;

use http::{Method, Request, Response, StatusCode};
use http_body::Body as _;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use opentelemetry::Context;
use wasmtime_wasi_http::{RequestOptions, WasiBody};

use super::body::{ResponseBody, Streamed};
use super::connection::SendFailure;
use super::connections::{Connections, Exchange};
use super::counted::CountedBody;
use super::decode;
use super::time_limits::TimeLimits;
use crate::budget::Priority;
use crate::egress::credentials;
use crate::egress::error::RequestError;
use crate::egress::identity::PassedOn;
use crate::egress::origin::Origin;
use crate::egress::policy::{self, Grants};
use crate::egress::proxy::{ProxyFailure, Route};
use crate::egress::settings::DataSourceHttp;
use crate::egress::trace::{Events, RequestTracing};
use crate::egress::wishes::Wishes;
use crate::har::Recorder;
use crate::metrics::UpstreamRequests;

/// Cheap to clone; the clones share connections.
#[derive(Clone)]
pub(crate) struct Client(Arc<SharedClient>);

struct SharedClient {
    settings: DataSourceHttp,
    grants: Arc<Grants>,
    connections: Connections,
    tracing: RequestTracing,
    wishes: Arc<Wishes>,
    requests: UpstreamRequests,
}

// === impl Client ===

impl Client {
    pub(in crate::egress) fn new(
        settings: DataSourceHttp,
        grants: Arc<Grants>,
        connections: Connections,
        tracing: RequestTracing,
        wishes: Arc<Wishes>,
        requests: UpstreamRequests,
    ) -> Self {
        Self(Arc::new(SharedClient { settings, grants, connections, tracing, wishes, requests }))
    }

    /// Starts the request's span as a child of `parent` at once, and sends the request when the future is polled. `endpoint`
    /// is that of the call.
    pub(crate) fn send(
        &self,
        mut request: Request<WasiBody>,
        options: Option<RequestOptions>,
        parent: &Context,
        priority: Priority,
        endpoint: &'static str,
    ) -> impl Future<Output = Result<Response<ResponseBody>, RequestError>> + Send + 'static {
        let client = self.0.clone();
        let limits = TimeLimits::new(client.settings.timeouts, options.unwrap_or_default());
        let span = client.tracing.start(&mut request, &client.settings.labels, parent);
        let kind = client.settings.kind.clone();
        let mut counted = client.requests.begin(kind, endpoint, request.method());
        async move {
            let result = client.exchange(request, limits, priority, span.events()).await;
            span.finish(&result);
            match &result {
                Ok(response) => counted.answered(response.status()),
                Err(error) => counted.failed(error.kind().name()),
            }
            Ok(result?.map(|body| CountedBody::new(body, counted).boxed_unsync()))
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("settings", &self.0.settings).finish_non_exhaustive()
    }
}

// === impl SharedClient ===

impl SharedClient {
    async fn exchange(
        &self,
        mut request: Request<WasiBody>,
        limits: TimeLimits,
        priority: Priority,
        events: Events,
    ) -> Result<Response<ResponseBody>, RequestError> {
        let origin = Origin::of_uri(request.uri())?;
        policy::check_method(request.method())?;
        let granted = self.grants.check(&origin, request.uri().path());
        granted.map_err(|error| self.wishes.mention_in(error, &origin))?;
        let own = self.grants.is_own(&origin).then_some(&self.settings);
        let recorder = request.extensions_mut().remove::<Recorder>();
        let recorder = recorder.map(|recorder| (recorder, request.uri().clone()));
        let passed_on = request.extensions_mut().remove::<PassedOn>().unwrap_or_default();
        let asked_for_gzip = credentials::prepare(&mut request, &origin, own, &passed_on)?;
        let recording = recorder.map(|(recorder, url)| recorder.begin(&url, &request));
        if let Some(recording) = &recording {
            request = request.map(|body| recording.request_body(body).boxed_unsync());
        }
        let route = self.connections.route(&origin)?;
        if let Some(proxy) = route.takes_plain(&origin) {
            credentials::address_to_proxy(&mut request, &origin, proxy);
        }

        let response = async {
            let slot = self.connections.slot(&origin, limits, priority).await?;
            let (response, mut exchange) =
                self.response(&origin, &route, request, limits, priority, &events).await?;
            exchange.hold(slot);
            check_answer_of_proxy(&origin, &route, &response)?;
            Ok((response, exchange))
        };
        let result = match limits.total {
            None => response.await,
            Some((deadline, limit)) => {
                tokio::time::timeout_at(deadline, response).await.unwrap_or_else(|_| {
                    Err(RequestError::ResponseTimeout { authority: origin.authority(), limit })
                })
            }
        };
        let (mut response, exchange) = result.inspect_err(|error| {
            recording.iter().for_each(|recording| recording.failed(error.chain()));
        })?;
        if response.body().is_end_stream() && is_kept_open(&response) {
            events.receive_done();
        }
        let gzip = asked_for_gzip && !response.body().is_end_stream() && decode::take_gzip(&mut response);
        recording.iter().for_each(|recording| recording.answered(&response));
        Ok(response.map(|incoming| {
            let body = Streamed::new(incoming, exchange, limits.body_timers());
            let body = if gzip {
                decode::Gzip::new(body, origin.authority()).boxed_unsync()
            } else {
                body.boxed_unsync()
            };
            match recording {
                Some(recording) => recording.response_body(body).boxed_unsync(),
                None => body,
            }
        }))
    }

    /// Returns the head of the response, and the exchange that its body belongs to.
    async fn response(
        &self,
        origin: &Origin,
        route: &Route,
        mut request: Request<WasiBody>,
        limits: TimeLimits,
        priority: Priority,
        events: &Events,
    ) -> Result<(Response<Incoming>, Exchange), RequestError> {
        let (authority, wanted) = (origin.authority(), route.wanted(origin).authority());
        events.connection_wanted(&wanted);
        if let Some(mut exchange) = self.connections.reuse(origin, events).await {
            let copy = copy_if_repeatable(&request);
            match head(&mut exchange, request, limits, events).await? {
                Ok(response) => return Ok((response, exchange)),
                Err(failure) => {
                    // The peer closed the connection while the request was on its way. A peer that has answered anything
                    // has seen the request.
                    let copy = copy.filter(|_| !failure.answered);
                    request = failure
                        .unsent
                        .or(copy)
                        .ok_or_else(|| RequestError::of_exchange(&authority, failure.error))?;
                }
            }
            events.connection_wanted(&wanted);
        }
        let mut exchange = self.connections.open(origin, limits, priority, events).await?;
        match head(&mut exchange, request, limits, events).await? {
            Ok(response) => Ok((response, exchange)),
            Err(failure) => Err(RequestError::of_exchange(&authority, failure.error)),
        }
    }
}

/// Sends the request and waits for the head of the response, within the limit for the first byte.
async fn head(
    exchange: &mut Exchange,
    request: Request<WasiBody>,
    limits: TimeLimits,
    events: &Events,
) -> Result<Result<Response<Incoming>, SendFailure>, RequestError> {
    let response = exchange.send(request, events.clone());
    match limits.first_byte {
        None => Ok(response.await),
        Some(limit) => tokio::time::timeout(limit, response)
            .await
            .map_err(|_| RequestError::ResponseTimeout { authority: exchange.authority(), limit }),
    }
}

/// Returns a copy to send once more. As in Go, only of a request without a body whose method is safe (RFC 9110, 9.2.1; TRACE is
/// refused).
fn copy_if_repeatable(request: &Request<WasiBody>) -> Option<Request<WasiBody>> {
    let safe = [Method::GET, Method::HEAD, Method::OPTIONS].contains(request.method());
    if !safe || !request.body().is_end_stream() {
        return None;
    }
    let mut copy = Request::new(Empty::new().map_err(|never| match never {}).boxed_unsync());
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.headers_mut() = request.headers().clone();
    Some(copy)
}

/// Fails if a plain request was not passed on because the proxy wants other credentials. No upstream answers so.
fn check_answer_of_proxy<B>(
    origin: &Origin,
    route: &Route,
    response: &Response<B>,
) -> Result<(), RequestError> {
    match route.takes_plain(origin) {
        Some(proxy) if response.status() == StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
            Err(RequestError::of_proxy(origin, proxy, ProxyFailure::WANTS_CREDENTIALS))
        }
        _ => Ok(()),
    }
}

/// Whether the peer keeps the connection open after this response (RFC 9112, 9.3).
fn is_kept_open<B>(response: &Response<B>) -> bool {
    let close = |value: &http::HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"close");
    response.version() == http::Version::HTTP_11
        && !response.headers().get(http::header::CONNECTION).is_some_and(close)
}
