//! The gRPC metrics of each call, and the server span if it is of a Grafana service. Both are finished exactly once, however
//! the call ends.

mod call;
mod code;
mod messages;
mod method;
mod open;
mod received;
mod server;
mod unknown;

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context as Task, Poll, ready};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use tokio::time::timeout_at;
use tonic::Status;
use tonic::body::Body as TonicBody;
use tower_layer::Layer;
use tower_service::Service;

use self::call::ServerCall;
use self::messages::Messages;
use self::method::Methods;
pub(crate) use self::open::OpenSpans;
use self::server::{ObservedServer, address_attributes};
use super::deadline;
use super::response::BoxFuture;
use crate::call::{CallerDeadline, ServerContext};
use crate::metrics::Metrics;
use crate::plugin::{Current, Loaded};
use crate::serve::address::Address;
use crate::shutdown::Shutdown;

/// The layer. Cheap to clone.
#[derive(Clone)]
pub(crate) struct ObserveLayer {
    shared: Arc<ObservedServer>,
}

/// The layer's service.
#[derive(Clone)]
pub(crate) struct ObserveService<S> {
    inner: S,
    shared: Arc<ObservedServer>,
}

/// A reply that is observed until its end.
pub(crate) struct ObserveBody<B> {
    /// `None` if the reply is only a status.
    inner: Option<B>,
    messages: Messages,
    /// `None` if the call is not observed, or once its end has been seen.
    call: Option<ServerCall>,
}

// === impl ObserveLayer ===

impl ObserveLayer {
    /// Makes the layer. Calls wait until something is loaded: the plugin's spans need attributes that the component
    /// names.
    pub(crate) fn new(
        current: Current,
        shutdown: Shutdown,
        metrics: Metrics,
        address: &Address,
        open: OpenSpans,
    ) -> Self {
        Self {
            shared: Arc::new(ObservedServer {
                current,
                shutdown,
                metrics,
                address: address_attributes(address),
                methods: Methods::known(),
                open,
            }),
        }
    }
}

impl<S> Layer<S> for ObserveLayer {
    type Service = ObserveService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ObserveService { inner, shared: Arc::clone(&self.shared) }
    }
}

// === impl ObserveService ===

impl<S, B> Service<Request<TonicBody>> for ObserveService<S>
where
    S: Service<Request<TonicBody>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Send,
{
    type Response = Response<ObserveBody<B>>;
    type Error = S::Error;
    type Future = BoxFuture<Self::Response, S::Error>;

    fn poll_ready(&mut self, context: &mut Task<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<TonicBody>) -> Self::Future {
        // Only the service that was polled for readiness may be called.
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        let Some(mut call) = ServerCall::arrived(&self.shared, request.uri().path()) else {
            let path = request.uri().path().trim_start_matches('/').to_owned();
            let handler = inner.call(request);
            return Box::pin(async move {
                let mut response = handler.await?;
                unknown::explain(&mut response, &path);
                Ok(response.map(|body| ObserveBody::new(Some(body), None)))
            });
        };
        // Not when this is polled for the first time: the caller's clock is running.
        let deadline = deadline::of_headers(request.headers());
        let mut request = request.map(|body| call.counting(body));
        let shared = Arc::clone(&self.shared);
        Box::pin(async move {
            if call.is_grafanas
                && let Err(status) = begin(&shared, &mut call, &mut request, deadline).await
            {
                call.finish(&status);
                return Ok(status.into_http().map(|()| ObserveBody::new(None, None)));
            }
            let mut response = match inner.call(request).await {
                Ok(response) => response,
                Err(error) => {
                    call.finish(&Status::unknown("the service failed"));
                    return Err(error);
                }
            };
            unknown::explain(&mut response, &call.name);
            // A reply without messages has its status in the headers.
            let call = match Status::from_header_map(response.headers()) {
                Some(status) => {
                    call.finish(&status);
                    None
                }
                None => Some(call),
            };
            Ok(response.map(|body| ObserveBody::new(Some(body), call)))
        })
    }
}

/// Starts the span of a call of Grafana's once something is loaded, and gives the request what is known of the call.
async fn begin(
    server: &ObservedServer,
    call: &mut ServerCall,
    request: &mut Request<TonicBody>,
    deadline: Option<CallerDeadline>,
) -> Result<(), Status> {
    let loaded = wait(server, deadline).await?;
    call.counted_if_served(&loaded);
    let context = call.start_span(&loaded.telemetry, request.headers());
    request.extensions_mut().insert(ServerContext(context));
    if let Some(deadline) = deadline {
        request.extensions_mut().insert(deadline);
    }
    Ok(())
}

/// Waits until something is loaded, unless the process ends or the caller leaves meanwhile.
async fn wait(server: &ObservedServer, deadline: Option<CallerDeadline>) -> Result<Arc<Loaded>, Status> {
    let loaded = async {
        tokio::select! {
            biased;
            loaded = server.current.wait() => Ok(loaded),
            () = server.shutdown.triggered() => Err(Status::cancelled("the plugin is being stopped")),
        }
    };
    let Some(CallerDeadline(at)) = deadline else { return loaded.await };
    let late = || Status::deadline_exceeded("the plugin's component was not loaded in time for this call");
    timeout_at(at, loaded).await.unwrap_or_else(|_| Err(late()))
}

// === impl ObserveBody ===

impl<B> ObserveBody<B> {
    fn new(inner: Option<B>, call: Option<ServerCall>) -> Self {
        Self { inner, messages: Messages::default(), call }
    }

    fn see(&mut self, frame: &Frame<Bytes>) {
        let Some(call) = &mut self.call else { return };
        if let Some(data) = frame.data_ref() {
            call.sent(self.messages.begun(data));
        } else if let Some(trailers) = frame.trailers_ref() {
            self.end(Status::from_header_map(trailers));
        }
    }

    fn end(&mut self, status: Option<Status>) {
        if let Some(mut call) = self.call.take() {
            call.finish(&status.unwrap_or_else(|| Status::unknown("the reply ended without a status")));
        }
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for ObserveBody<B>
where
    B::Error: std::fmt::Display,
{
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Task<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.get_mut();
        let Some(inner) = &mut this.inner else { return Poll::Ready(None) };
        let frame = ready!(pin!(inner).poll_frame(context));
        match &frame {
            Some(Ok(frame)) => this.see(frame),
            Some(Err(error)) => this.end(Some(Status::unknown(error.to_string()))),
            None => this.end(None),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

#[cfg(test)]
mod tests;
