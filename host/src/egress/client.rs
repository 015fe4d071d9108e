//! Sends one data source's requests: checks, credentials, a connection, the span, and the time it all may take.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::{Method, Request, Response};
use http_body::Body as _;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use opentelemetry::Context;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use wasmtime_wasi_http::{RequestOptions, WasiBody};

use super::body::{Lease, Limit, ResponseBody, Streamed};
use super::connection::{Connection, Unanswered};
use super::connector::Connector;
use super::events::{Events, Reuse};
use super::origin::Origin;
use super::policy::Grants;
use super::pool::Pool;
use super::settings::Settings;
use super::span::RequestSpan;
use super::{Egress, Error, credentials, decode};

/// Requests that wait for a response or whose body is still read; others queue. Each has a connection, and the process
/// commonly may open 1024 files: a component that floods one data source leaves some for the others.
const MAX_IN_FLIGHT: usize = 100;

/// Cheap to clone; the clones share connections.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    egress: Arc<Egress>,
    settings: Settings,
    connector: Connector,
    pool: Arc<Pool>,
    slots: Arc<Semaphore>,
}

/// The limits of one request: the data source's, or the guest's where shorter.
#[derive(Clone, Copy)]
struct Limits {
    connect: Option<Duration>,
    first_byte: Option<Duration>,
    between_bytes: Option<Duration>,
    total: Option<(Instant, Duration)>,
}

// === impl Client ===

impl Client {
    pub(super) fn new(egress: Arc<Egress>, settings: Settings) -> Self {
        let grants = Grants::new(&settings.url, egress.operator.clone(), egress.plugin_id.clone());
        let connector = Connector::new(egress.clone(), grants, settings.tls.clone());
        let slots = Arc::new(Semaphore::new(MAX_IN_FLIGHT));
        Self(Arc::new(Inner { egress, settings, connector, pool: Arc::default(), slots }))
    }

    /// Starts the request's span below `parent` now, and sends the request when the future is polled.
    pub fn send(
        &self,
        mut request: Request<WasiBody>,
        options: Option<RequestOptions>,
        parent: &Context,
    ) -> impl Future<Output = Result<Response<ResponseBody>, Error>> + Send + 'static {
        let inner = self.0.clone();
        let limits = Limits::new(&inner.settings, options.unwrap_or_default());
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let labels = &inner.settings.labels;
        let span = RequestSpan::start(&inner.egress, labels, &method, &uri, request.headers_mut(), parent);
        async move {
            let result = inner.exchange(request, limits, span.events()).await;
            span.finish(&result);
            result
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("settings", &self.0.settings).finish_non_exhaustive()
    }
}

// === impl Inner ===

impl Inner {
    async fn exchange(
        &self,
        mut request: Request<WasiBody>,
        limits: Limits,
        events: Events,
    ) -> Result<Response<ResponseBody>, Error> {
        let origin = Origin::of_uri(request.uri())?;
        if request.method() == Method::CONNECT {
            return Err(Error::Method);
        }
        let grants = &self.connector.grants;
        grants.check(&origin)?;
        let own = grants.is_own(&origin).then_some(&self.settings);
        let asked_for_gzip = credentials::prepare(&mut request, &origin, own);

        let response = async {
            // Never closed, so there is always a slot in the end.
            let slot = self.slots.clone().acquire_owned().await.ok();
            let (response, connection) = self.response(&origin, request, limits, &events).await?;
            Ok((response, connection, slot))
        };
        let (mut response, connection, slot) = match limits.total {
            None => response.await?,
            Some((deadline, limit)) => tokio::time::timeout_at(deadline, response)
                .await
                .unwrap_or_else(|_| Err(Error::ResponseTimeout { authority: origin.authority(), limit }))?,
        };
        if response.body().is_end_stream() && may_be_reused(&response) {
            events.receive_done();
        }
        let gzip = asked_for_gzip && !response.body().is_end_stream() && decode::take_gzip(&mut response);
        let authority = origin.authority();
        let lease = Lease { connection, origin, pool: self.pool.clone(), _slot: slot };
        Ok(response.map(|incoming| {
            let body = Streamed::new(incoming, lease, limits.of_body());
            if gzip { decode::Gzip::new(body, authority).boxed_unsync() } else { body.boxed_unsync() }
        }))
    }

    /// The head of the response, and the connection that its body comes from.
    async fn response(
        &self,
        origin: &Origin,
        request: Request<WasiBody>,
        limits: Limits,
        events: &Events,
    ) -> Result<(Response<Incoming>, Connection), Error> {
        let authority = origin.authority();
        let mut request = request;
        events.connection_wanted(&authority);
        if let Some((mut connection, idle)) = self.pool.take(origin).await {
            events.connection_ready(connection.remote, connection.local, Reuse::Idle(idle));
            let copy = copy_of_replayable(&request);
            match head(&mut connection, request, limits, origin, events).await? {
                Ok(response) => return Ok((response, connection)),
                Err(Unanswered { error, unsent }) => {
                    // The peer closed it as the request was on its way; a peer that answered anything has seen it.
                    let copy = copy.filter(|_| !connection.is_answered());
                    request = unsent.or(copy).ok_or_else(|| Error::of_exchange(&authority, error))?;
                }
            }
            events.connection_wanted(&authority);
        }
        let mut connection = self.connector.connect(origin, limits.connect, events, &self.pool).await?;
        events.connection_ready(connection.remote, connection.local, Reuse::New);
        match head(&mut connection, request, limits, origin, events).await? {
            Ok(response) => Ok((response, connection)),
            Err(Unanswered { error, .. }) => Err(Error::of_exchange(&authority, error)),
        }
    }
}

/// The response's head within the time to the first byte.
async fn head(
    connection: &mut Connection,
    request: Request<WasiBody>,
    limits: Limits,
    origin: &Origin,
    events: &Events,
) -> Result<Result<Response<Incoming>, Unanswered>, Error> {
    let response = connection.send(request, events.clone());
    match limits.first_byte {
        None => Ok(response.await),
        Some(limit) => tokio::time::timeout(limit, response)
            .await
            .map_err(|_| Error::ResponseTimeout { authority: origin.authority(), limit }),
    }
}

/// A copy to send once more. As in Go: the request has no body, and doing it twice does no harm (RFC 9110, 9.2.2).
fn copy_of_replayable(request: &Request<WasiBody>) -> Option<Request<WasiBody>> {
    let harmless = [Method::GET, Method::HEAD, Method::OPTIONS, Method::TRACE].contains(request.method());
    if !harmless || !request.body().is_end_stream() {
        return None;
    }
    let mut copy = Request::new(Empty::new().map_err(|never| match never {}).boxed_unsync());
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.headers_mut() = request.headers().clone();
    Some(copy)
}

/// Whether the peer keeps the connection open after this response (RFC 9112, 9.3).
fn may_be_reused<B>(response: &Response<B>) -> bool {
    let close = |value: &http::HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"close");
    response.version() == http::Version::HTTP_11
        && !response.headers().get(http::header::CONNECTION).is_some_and(close)
}

// === impl Limits ===

impl Limits {
    fn new(settings: &Settings, options: RequestOptions) -> Self {
        let timeouts = settings.timeouts;
        Self {
            connect: shorter(timeouts.connect, options.connect_timeout),
            first_byte: options.first_byte_timeout,
            between_bytes: options.between_bytes_timeout,
            total: timeouts.total.map(|limit| (Instant::now() + limit, limit)),
        }
    }

    fn of_body(&self) -> Vec<Limit> {
        let total = self.total.map(|(deadline, limit)| Limit::total(deadline, limit));
        total.into_iter().chain(self.between_bytes.map(Limit::pause)).collect()
    }
}

fn shorter(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
