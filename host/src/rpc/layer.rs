//! What every call passes on its way in and out: from outside `observe`, `panic`, `deadline`, so that a status which an
//! inner one makes is the one that is counted and traced.

use std::pin::Pin;

use bytes::Bytes;
use http::HeaderMap;
use http_body::Frame;
use tonic::Status;

pub mod deadline;
#[cfg(test)]
mod fake;
pub mod observe;
pub mod panic;
pub mod size;

type BoxFuture<T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send>>;

/// The layers that need to know something. `serve` puts all of them on top of one another.
#[derive(Clone)]
pub struct Layers {
    pub observe: observe::ObserveLayer,
    pub panic: panic::PanicLayer,
}

#[cfg(test)]
impl Layers {
    /// With nothing behind them.
    pub(crate) fn unattached() -> Self {
        let address = crate::handshake::Address { network: "tcp", address: String::new() };
        let metrics = crate::metrics::Metrics::unattached();
        let observe = observe::ObserveLayer::new(Default::default(), metrics, &address);
        Self { observe, panic: panic::PanicLayer::new(crate::log::Log::memory().0) }
    }
}

/// The end of a reply that has begun.
fn trailers(status: &Status) -> Frame<Bytes> {
    let mut trailers = HeaderMap::new();
    if status.add_header(&mut trailers).is_err() {
        // Its message is not one for a header; the code alone is.
        trailers.insert(Status::GRPC_STATUS, http::HeaderValue::from(status.code() as i32));
    }
    Frame::trailers(trailers)
}
