//! The layers that every call passes on its way in and out.

mod deadline;
#[cfg(test)]
mod fake;
mod observe;
mod paid;
mod panic;
mod response;
mod size;

use tower_layer::Stack;

use self::deadline::DeadlineLayer;
use self::observe::ObserveLayer;
pub(crate) use self::observe::OpenSpans;
use self::paid::PaidLayer;
use self::panic::PanicLayer;
use self::size::RequestSize;
use super::address::Address;
use crate::log::Log;
use crate::metrics::Metrics;
use crate::plugin::Current;
use crate::shutdown::Shutdown;

/// All the layers, nested. Cheap to clone.
pub(crate) type Layers =
    Stack<Stack<Stack<Stack<PaidLayer, RequestSize>, DeadlineLayer>, PanicLayer>, ObserveLayer>;

/// The parts of the layers.
pub(crate) struct LayerParts<'a> {
    pub current: Current,
    pub shutdown: Shutdown,
    pub metrics: Metrics,
    /// Where the server listens.
    pub address: &'a Address,
    pub log: Log,
    /// The server spans that the layers have not ended.
    pub open: OpenSpans,
}

/// Makes the layers, the innermost first. A layer may answer in place of those further in, so a layer that must see
/// every answer is further out. The span and the metrics thus see panics, passed deadlines and refused requests, and a
/// call that is aborted at its deadline ends like any other.
pub(crate) fn layers(parts: LayerParts<'_>) -> Layers {
    let LayerParts { current, shutdown, metrics, address, log, open } = parts;
    let innermost = Stack::new(Stack::new(PaidLayer, RequestSize), DeadlineLayer);
    Stack::new(
        Stack::new(innermost, PanicLayer::new(log)),
        ObserveLayer::new(current, shutdown, metrics, address, open),
    )
}

/// Makes the layers without a component, an address or a log.
#[cfg(test)]
pub(crate) fn unattached() -> Layers {
    let address = Address { network: "tcp", address: String::new() };
    layers(LayerParts {
        current: crate::plugin::loading().1,
        shutdown: Shutdown::new(),
        metrics: Metrics::unattached(),
        address: &address,
        log: Log::memory().0,
        open: OpenSpans::default(),
    })
}
