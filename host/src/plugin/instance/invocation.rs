//! One call of one function of a component.

use sha2::Sha256;
use wasmtime::Store;

use super::state::State;
use crate::capability::bindings::gpx::plugin::types::Fault;
use crate::plugin::component::services::Exports;

/// How a call of a function ends: with a trap, with the component's own error, or with the function's result.
pub(crate) type Called<R> = wasmtime::Result<Result<R, Fault>>;

/// A function and its arguments. Only `plugin/service` and `open` implement it: no other code sees a store.
pub(crate) trait Invocation: Send + 'static {
    type Answer: Send + 'static;

    /// Whether it may last for ever. Then its spans are of many traces, and its instance is used for nothing else.
    const LASTS: bool = false;

    /// What is called, as `interface.function`.
    fn function(&self) -> &'static str;

    /// Returns the refId of the query that it is for, if it is for one.
    fn ref_id(&self) -> Option<&str> {
        None
    }

    /// Adds what tells the arguments apart, so that a call is found again in a recording. Calls that add nothing are told apart by
    /// their order.
    fn digest(&self, _: &mut Sha256) {}

    fn invoke(
        self,
        store: &mut Store<State>,
        exports: &Exports,
    ) -> impl Future<Output = Called<Self::Answer>> + Send;

    /// Returns the memory of an answer, in bytes, or a little less.
    fn weight(_: &Self::Answer) -> usize {
        0
    }
}
