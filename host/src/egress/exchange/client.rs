//! Sends one data source's requests: checks, credentials, the span, and how long it all may take.

mod errands;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response, StatusCode};
use http_body::Body as _;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use opentelemetry::Context;
use wasmtime_wasi_http::{RequestOptions, WasiBody};

use super::body::{ResponseBody, Streamed};
use super::connection::{Fate, SendFailure};
use super::connections::Connections;
use super::decode;
use super::expect;
use super::kept_head;
use super::lease::Exchange;
use super::limited::LimitedBody;
use super::observed::ObservedBody;
use super::played;
use super::replay::Replay;
use super::time_limits::TimeLimits;
use crate::budget::{OwnerMemory, Priority};
use crate::egress::caller::Caller;
use crate::egress::credentials;
use crate::egress::error::RequestError;
use crate::egress::framing;
use crate::egress::origin::{Origin, Scheme};
use crate::egress::policy::{self, Grants};
use crate::egress::proxy::{ProxyFailure, Route};
use crate::egress::settings::{BadSigV4, DataSourceHttp};
use crate::egress::sigv4::Signer;
use crate::egress::trace::{Events, RequestParent, RequestTracing};
use crate::egress::wishes::Wishes;
use crate::har::Recorder;
use crate::metrics::UpstreamRequests;
use crate::tape::Ticket;

/// How often a request is sent again, as in Go, if its peer has not processed it.
const MAX_REPEATS: u32 = 6;
/// Half of the time after which it is sent for the third time. It doubles from then on.
const REPEAT_AFTER: Duration = Duration::from_millis(50);

/// Cheap to clone; the clones share connections.
#[derive(Clone)]
pub(crate) struct Client(Arc<SharedClient>);

struct SharedClient {
    settings: DataSourceHttp,
    /// Signs requests to the data source, if they are to be signed.
    signer: Option<Result<Signer, BadSigV4>>,
    grants: Arc<Grants>,
    connections: Connections,
    tracing: RequestTracing,
    wishes: Arc<Wishes>,
    requests: UpstreamRequests,
    /// Pays for long heads of responses.
    memory: OwnerMemory,
}

// === impl Client ===

impl Client {
    pub(in crate::egress) fn new(
        mut settings: DataSourceHttp,
        grants: Arc<Grants>,
        connections: Connections,
        tracing: RequestTracing,
        wishes: Arc<Wishes>,
        requests: UpstreamRequests,
        memory: &OwnerMemory,
    ) -> Self {
        let sigv4 = settings.sigv4.take();
        let signer = sigv4.map(|sigv4| sigv4.map(|sigv4| Signer::new(sigv4, memory.clone())));
        let memory = memory.clone();
        Self(Arc::new(SharedClient {
            settings,
            signer,
            grants,
            connections,
            tracing,
            wishes,
            requests,
            memory,
        }))
    }

    /// Starts the request's span as a child of its parent at once, and sends the request when the future is polled.
    pub(crate) fn send(
        &self,
        mut request: Request<WasiBody>,
        options: Option<RequestOptions>,
        RequestParent { context: parent, description }: RequestParent,
        caller: Caller,
    ) -> impl Future<Output = Result<Response<ResponseBody>, RequestError>> + Send + 'static {
        let client = self.0.clone();
        let chain = caller.redirects.follow(request.uri());
        let limits = TimeLimits::new(client.settings.timeouts, options.unwrap_or_default(), chain);
        let span = client.tracing.start(&mut request, &client.settings.labels, &parent, description);
        let kind = client.settings.kind.clone();
        let secure_socks = matches!(client.settings.secure_socks, Ok(Some(_)));
        let mut counted = client.requests.begin(kind, secure_socks, caller.endpoint, request.method());
        async move {
            let result = client.exchange(request, limits, &caller, span.events(), &parent).await;
            let span = span.finish(&result);
            match &result {
                Ok(response) => counted.answered(response.status()),
                Err(error) => counted.failed(error.kind().name()),
            }
            Ok(result?.map(|body| ObservedBody::new(body, counted, span).boxed_unsync()))
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
        caller: &Caller,
        events: Events,
        parent: &Context,
    ) -> Result<Response<ResponseBody>, RequestError> {
        let priority = caller.priority;
        let origin = Origin::of_uri(request.uri())?;
        policy::check_method(request.method())?;
        self.granted(&origin, request.uri().path())?;
        if let Some(fault) = self.settings.unreadable {
            return Err(RequestError::JsonData(fault));
        }
        let own = self.grants.is_own(&origin).then_some(&self.settings);
        let recorder = request.extensions_mut().remove::<Recorder>();
        let recorder = recorder.map(|recorder| (recorder, request.uri().clone()));
        let uri = request.uri().clone();
        let ticket = request.extensions_mut().remove::<Ticket>();
        let asked_for_gzip = credentials::prepare(&mut request, &origin, own, caller)?;
        if let Some(ticket) = ticket {
            // Boxed, as almost nothing is played back.
            let response = limits.within(&origin, Box::pin(played::answer(ticket, request))).await?;
            caller.redirects.answered(&uri, &response, limits.total);
            return Ok(response);
        }
        if let Some(signer) = self.signer.as_ref().filter(|_| own.is_some()) {
            let signer = signer.as_ref().map_err(|bad| RequestError::SigV4Settings(bad.clone()))?;
            let errands = self.errands(limits, caller, parent);
            // Boxed, as most data sources have no signer.
            request = limits.within(&origin, Box::pin(signer.sign(request, priority, &errands))).await?;
        }
        let recording = recorder.map(|(recorder, url)| recorder.begin(&url, &request));
        if let Some(recording) = &recording {
            request = request.map(|body| recording.request_body(body).boxed_unsync());
        }
        framing::say_if_empty(&mut request);
        request = expect::hold_back(request, limits.expect_continue);

        let response = self.answered(&origin, request, limits, priority, &events);
        let result = limits.within(&origin, response).await;
        let (mut response, exchange) = result.inspect_err(|error| {
            recording.iter().for_each(|recording| recording.failed(error.failure()));
        })?;
        if response.body().is_end_stream() && is_kept_open(&response) {
            events.receive_done();
        }
        caller.redirects.answered(&uri, &response, limits.total);
        let gzip = asked_for_gzip && !response.body().is_end_stream() && decode::take_gzip(&mut response);
        recording.iter().for_each(|recording| recording.answered(&response));
        Ok(response.map(|incoming| {
            let body = Streamed::new(incoming, exchange, limits.body_timers());
            let body = if gzip {
                decode::Gzip::new(body, origin.authority()).boxed_unsync()
            } else {
                body.boxed_unsync()
            };
            // As in Go, it counts what was decoded.
            let body = match self.settings.grafana.response_limit {
                Some(limit) => LimitedBody::new(body, limit, self.connections.log().clone()).boxed_unsync(),
                None => body,
            };
            match recording {
                Some(recording) => {
                    let body = recording.response_body(body);
                    let noted = move |error: RequestError| {
                        recording.cut(error.failure());
                        error
                    };
                    body.map_err(noted).boxed_unsync()
                }
                None => body,
            }
        }))
    }

    fn granted(&self, origin: &Origin, path: &str) -> Result<(), RequestError> {
        self.grants.check(origin, path).map_err(|error| self.wishes.mention_in(error, origin))
    }

    /// Returns the head of the response, and the exchange that its body belongs to, once it may have a connection.
    async fn answered(
        &self,
        origin: &Origin,
        mut request: Request<WasiBody>,
        limits: TimeLimits,
        priority: Priority,
        events: &Events,
    ) -> Result<(Response<Incoming>, Exchange), RequestError> {
        let route = self.connections.route(origin)?;
        if let Some(proxy) = route.takes_plain(origin) {
            credentials::address_to_proxy(&mut request, origin, proxy);
        }
        let slot = self.connections.slot(origin, limits, priority).await?;
        let (mut response, mut exchange) =
            self.response(origin, &route, request, limits, priority, events).await?;
        exchange.hold(slot);
        check_answer_of_proxy(origin, &route, &response)?;
        kept_head::keep(response.headers_mut(), &self.memory.with(priority))?;
        Ok((response, exchange))
    }

    /// The same, on a connection that is idle or new.
    async fn response(
        &self,
        origin: &Origin,
        route: &Route,
        request: Request<WasiBody>,
        limits: TimeLimits,
        priority: Priority,
        events: &Events,
    ) -> Result<(Response<Incoming>, Exchange), RequestError> {
        let (authority, wanted) = (origin.authority(), route.wanted(origin).authority());
        let (mut request, replay) = match origin.scheme {
            Scheme::Http if !request.body().is_end_stream() => (request, None),
            // A body is kept only for HTTP/2, whose peers say what they have not processed.
            Scheme::Http | Scheme::Https => {
                let (request, replay) = Replay::record(request);
                (request, Some(replay))
            }
        };
        let (mut new, mut attempts) = (false, 0);
        loop {
            events.connection_wanted(&wanted);
            let mut exchange = self.connections.begin(origin, limits, priority, new, events).await?;
            let failure = match head(&mut exchange, request, limits, events).await? {
                Ok(response) => {
                    if let Some(replay) = replay {
                        replay.forget();
                    }
                    return Ok((response, exchange));
                }
                Err(failure) => failure,
            };
            let SendFailure { error, unsent, fate } = failure;
            if fate != Fate::Refused {
                exchange.retire();
                new = true;
            }
            let is_repeated = attempts < MAX_REPEATS
                && match fate {
                    Fate::Unprocessed | Fate::Refused => true,
                    // The peer closed the connection while the request was on its way.
                    Fate::Unanswered => {
                        exchange.is_reused()
                            && (unsent.is_some() || replay.as_ref().is_some_and(Replay::is_repeatable))
                    }
                    Fate::Unknown => false,
                };
            let again = || unsent.or_else(|| replay.as_ref()?.again());
            let again = if is_repeated { again() } else { None };
            request = again.ok_or_else(|| RequestError::of_exchange(&authority, error))?;
            drop(exchange);
            if attempts > 0 {
                tokio::time::sleep(REPEAT_AFTER * (1 << attempts)).await;
            }
            attempts += 1;
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
