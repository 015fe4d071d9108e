//! Compiled code with its imports resolved, from which instances are made.

use wasmtime::component::{Component as Code, InstancePre, Linker};

use super::engine::Engine;
use super::services::Indices;
use crate::budget::Prepaid;
use crate::capability;
use crate::plugin::instance::state::State;

/// Code from which instances can be made without further work.
pub(crate) struct LinkedCode {
    pub engine: Engine,
    pub instance: InstancePre<State>,
    pub indices: Indices,
    /// What an instance needs before it runs.
    pub prepaid: Prepaid,
}

/// Links a component that exports `interfaces` of the contract. It is an error if an exported interface differs from
/// the contract's. An interface that is not exported is not an error.
pub(crate) fn link(engine: &Engine, code: &Code, interfaces: &[String]) -> wasmtime::Result<LinkedCode> {
    let mut linker = Linker::new(engine.wasmtime());
    capability::add_to_linker(&mut linker)?;
    let instance = linker.instantiate_pre(code)?;
    let indices = Indices::of(&instance, interfaces)?;
    Ok(LinkedCode { engine: engine.clone(), instance, indices, prepaid: prepaid(code) })
}

/// The native stack that a guest may use, and the host while it works for the guest.
const STACK: usize = (512 + 64) << 10;

/// What the host and the engine keep for an instance, besides what the component declares.
const OWN: usize = 64 << 10;

fn prepaid(code: &Code) -> Prepaid {
    let declared = code.resources_required();
    let linear = declared.as_ref().map_or(0, |declared| {
        let each = declared.max_initial_memory_size.unwrap_or(0);
        usize::try_from(each).unwrap_or(usize::MAX).saturating_mul(declared.num_memories as usize)
    });
    Prepaid { linear, tables: 0, own: STACK + OWN }
}
