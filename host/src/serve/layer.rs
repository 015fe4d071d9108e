//! The layers that every call passes on its way in and out.

mod deadline;
#[cfg(test)]
mod fake;
mod observe;
mod panic;
mod response;
mod size;

use tower_layer::Stack;

use self::deadline::DeadlineLayer;
use self::observe::ObserveLayer;
use self::panic::PanicLayer;
use self::size::RequestSize;
use super::address::Address;
use crate::log::Log;
use crate::metrics::Metrics;
use crate::plugin::Current;

/// All the layers, nested. Cheap to clone.
pub(crate) type Layers = Stack<Stack<Stack<RequestSize, DeadlineLayer>, PanicLayer>, ObserveLayer>;

/// Makes the layers, the innermost first. A layer may answer in place of those further in, so a layer that must see
/// every answer is further out. The span and the metrics thus see panics, passed deadlines and refused requests, and a
/// call that is aborted at its deadline ends like any other.
pub(crate) fn layers(current: Current, metrics: Metrics, address: &Address, log: Log) -> Layers {
    Stack::new(
        Stack::new(Stack::new(RequestSize, DeadlineLayer), PanicLayer::new(log)),
        ObserveLayer::new(current, metrics, address),
    )
}

/// Makes the layers without a component, an address or a log.
#[cfg(test)]
pub(crate) fn unattached() -> Layers {
    let address = Address { network: "tcp", address: String::new() };
    layers(crate::plugin::loading().1, Metrics::unattached(), &address, Log::memory().0)
}
