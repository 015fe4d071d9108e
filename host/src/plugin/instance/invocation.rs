//! One call of one function of a component.

use wasmtime::Store;

use super::state::State;
use crate::capability::bindings::gpx::plugin::types::Fault;
use crate::plugin::component::services::Exports;

/// What a function of a component returns: a trap, the component's own error, or what the function is for.
pub(crate) type Called<R> = wasmtime::Result<Result<R, Fault>>;

/// A function and its arguments. Only `plugin/service` and `open` have any: no other room sees a store.
pub(crate) trait Invocation: Send {
    type Answer: Send;

    fn invoke(
        self,
        store: &mut Store<State>,
        exports: &Exports,
    ) -> impl Future<Output = Called<Self::Answer>> + Send;
}
