//! Compiled code with its imports resolved: what instances are made from.

use wasmtime::component::{Component as Code, InstancePre, Linker};

use super::engine::Engine;
use super::services::Indices;
use crate::capability;
use crate::plugin::instance::state::State;

/// Code that instances can be made from at once.
pub(crate) struct LinkedCode {
    pub engine: Engine,
    pub instance: InstancePre<State>,
    pub indices: Indices,
}

/// Links a component that exports `interfaces` of the contract. An interface that is exported in another shape than the
/// contract's is an error; one that is not exported is a choice.
pub(crate) fn link(engine: &Engine, code: &Code, interfaces: &[String]) -> wasmtime::Result<LinkedCode> {
    let mut linker = Linker::new(engine.wasmtime());
    capability::add_to_linker(&mut linker)?;
    let instance = linker.instantiate_pre(code)?;
    Ok(LinkedCode { indices: Indices::of(&instance, interfaces)?, engine: engine.clone(), instance })
}
