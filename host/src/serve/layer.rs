//! What every call passes on its way in and out.

mod deadline;
#[cfg(test)]
mod fake;
mod observe;
mod panic;
mod size;

use std::pin::Pin;

use bytes::Bytes;
use http::HeaderMap;
use http_body::Frame;
use tonic::Status;
use tower_layer::Stack;

use self::deadline::DeadlineLayer;
use self::observe::ObserveLayer;
use self::panic::PanicLayer;
use self::size::RequestSize;
use super::address::Address;
use crate::log::Log;
use crate::metrics::Metrics;
use crate::plugin::Current;

/// All of them, on top of one another. Cheap to clone.
pub(crate) type Layers = Stack<Stack<Stack<RequestSize, DeadlineLayer>, PanicLayer>, ObserveLayer>;

type BoxFuture<T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send>>;

/// The innermost first. Each may answer in place of those further in, so whatever must see every answer is further out:
/// the span and the metrics see a panic, a passed deadline and a refused request, and a call that is broken off at its
/// deadline ends like any other.
pub(crate) fn layers(current: Current, metrics: Metrics, address: &Address, log: Log) -> Layers {
    Stack::new(
        Stack::new(Stack::new(RequestSize, DeadlineLayer), PanicLayer::new(log)),
        ObserveLayer::new(current, metrics, address),
    )
}

/// With nothing behind them.
#[cfg(test)]
pub(crate) fn unattached() -> Layers {
    let address = Address { network: "tcp", address: String::new() };
    layers(crate::plugin::loading().1, Metrics::unattached(), &address, Log::memory().0)
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
