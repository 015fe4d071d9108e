//! A panic in a handler fails only its own call.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body::{Body, Frame, SizeHint};
use tonic::Status;
use tower_layer::Layer;
use tower_service::Service;

use super::response::{BoxFuture, trailers};
use crate::log::Log;

/// The layer.
#[derive(Clone, Debug)]
pub(crate) struct PanicLayer {
    log: Log,
}

/// The layer's service.
#[derive(Clone, Debug)]
pub(crate) struct PanicService<S> {
    inner: S,
    log: Log,
}

/// A reply that ends with a status if making it panics.
#[derive(Debug)]
pub(crate) struct PanicBody<B> {
    /// `None` after a panic: the rest of the reply may be in any state.
    inner: Option<B>,
    report: Report,
}

/// Reports a panic.
#[derive(Clone, Debug)]
struct Report {
    log: Log,
    /// The call's URI.
    uri: Uri,
}

// === impl Report ===

impl Report {
    /// Logs the panic, and returns the status for the caller.
    fn panic(&self, panic: Box<dyn Any + Send>) -> Status {
        let text = match panic.downcast::<String>() {
            Ok(text) => *text,
            Err(panic) => panic.downcast_ref::<&str>().copied().unwrap_or("unknown").to_owned(),
        };
        let fields = [("method", self.uri.path().into()), ("error", text.as_str().into())];
        self.log.error("panic triggered", &fields);
        Status::unknown(format!("panic triggered: {text}"))
    }
}

// === impl PanicLayer ===

impl PanicLayer {
    pub(crate) fn new(log: Log) -> Self {
        Self { log }
    }
}

impl<S> Layer<S> for PanicLayer {
    type Service = PanicService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        PanicService { inner, log: self.log.clone() }
    }
}

// === impl PanicService ===

impl<S, R, B> Service<Request<R>> for PanicService<S>
where
    S: Service<Request<R>, Response = Response<B>>,
    S::Future: Send + 'static,
{
    type Response = Response<PanicBody<B>>;
    type Error = S::Error;
    type Future = BoxFuture<Self::Response, S::Error>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<R>) -> Self::Future {
        let report = Report { log: self.log.clone(), uri: request.uri().clone() };
        let started = catch_unwind(AssertUnwindSafe(|| self.inner.call(request)));
        Box::pin(async move {
            let outcome = match started {
                // After a panic, the future is dropped and never polled again.
                Ok(handler) => {
                    let mut handler = pin!(handler);
                    std::future::poll_fn(|context| {
                        match catch_unwind(AssertUnwindSafe(|| handler.as_mut().poll(context))) {
                            Ok(Poll::Pending) => Poll::Pending,
                            Ok(Poll::Ready(response)) => Poll::Ready(Ok(response)),
                            Err(panic) => Poll::Ready(Err(panic)),
                        }
                    })
                    .await
                }
                Err(panic) => Err(panic),
            };
            Ok(match outcome {
                Ok(response) => response?.map(|body| PanicBody { inner: Some(body), report }),
                Err(panic) => report.panic(panic).into_http().map(|()| PanicBody { inner: None, report }),
            })
        })
    }
}

// === impl PanicBody ===

impl<B: Body<Data = Bytes> + Unpin> Body for PanicBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.get_mut();
        let Some(inner) = &mut this.inner else { return Poll::Ready(None) };
        match catch_unwind(AssertUnwindSafe(|| pin!(inner).poll_frame(context))) {
            Ok(polled) => Poll::Ready(ready!(polled)),
            Err(panic) => {
                this.inner = None;
                Poll::Ready(Some(Ok(trailers(&this.report.panic(panic)))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::layer::fake::{Fake, reply};
    use http_body_util::BodyExt as _;

    async fn call(handler: Fake) -> (Status, String) {
        let (log, lines) = Log::memory();
        let mut service = PanicLayer::new(log).layer(handler);
        let response = service.call(Request::new(tonic::body::Body::empty())).await.unwrap();
        let (head, body) = response.into_parts();
        let status = match Status::from_header_map(&head.headers) {
            Some(status) => status,
            None => Status::from_header_map(body.collect().await.unwrap().trailers().unwrap()).unwrap(),
        };
        (status, lines.text())
    }

    #[tokio::test]
    async fn a_panic_becomes_a_status_and_a_log_line() {
        let handler = Fake::new(|_| Box::pin(async { panic!("went {}", "wrong") }));
        let (status, log) = call(handler).await;
        assert_eq!(status.code(), tonic::Code::Unknown);
        assert_eq!(status.message(), "panic triggered: went wrong");
        assert!(log.contains(r#""@level":"error""#) && log.contains("went wrong"), "{log}");
    }

    #[tokio::test]
    async fn a_panic_before_the_future_exists_is_handled_too() {
        let (status, _) = call(Fake::new(|_| panic!("early"))).await;
        assert_eq!(status.message(), "panic triggered: early");
    }

    #[tokio::test]
    async fn a_panic_in_the_middle_of_a_reply_ends_it_with_a_status() {
        struct Broken;
        impl Body for Broken {
            type Data = Bytes;
            type Error = Status;
            fn poll_frame(
                self: Pin<&mut Self>,
                _context: &mut Context<'_>,
            ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
                panic!("late")
            }
        }
        let handler = Fake::new(|_| Box::pin(async { Ok(Response::new(tonic::body::Body::new(Broken))) }));
        let (status, log) = call(handler).await;
        assert_eq!(status.message(), "panic triggered: late");
        assert!(log.contains("late"));
    }

    #[tokio::test]
    async fn a_reply_without_a_panic_passes_unchanged() {
        let (status, log) =
            call(Fake::new(|_| Box::pin(async { Ok(reply(&[b"x"], &Status::ok(""))) }))).await;
        assert_eq!((status.code(), log.as_str()), (tonic::Code::Ok, ""));
    }
}
