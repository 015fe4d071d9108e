//! Compiled code with its imports resolved, from which instances are made.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Semaphore;
use wasmtime::component::{Component as Code, InstancePre, Linker};

use super::declared::Declared;
use super::engine::Engine;
use super::reservation::{KEPT, SPARE};
use super::services::Indices;
use crate::budget::{Counted, lasting_part};
use crate::capability;
use crate::plugin::instance::state::State;

/// Code from which instances can be made without further work.
pub(crate) struct LinkedCode {
    pub engine: Engine,
    pub instance: InstancePre<State>,
    pub indices: Indices,
    /// What each instance has from the start.
    pub declared: Declared,
    /// The places of as many instances as there may be at once.
    pub places: Arc<Semaphore>,
    /// How many these are.
    pub max: usize,
    /// Places beside these, for health checks.
    pub kept_places: Arc<Semaphore>,
    /// As many of the places as may be taken for ever.
    pub lasting_places: Arc<Semaphore>,
    /// How many calls wait for a place.
    waiting: AtomicUsize,
}

/// Links a component that exports `interfaces` of the contract. It is an error if an exported interface differs from
/// the contract's. An interface that is not exported is not an error.
pub(crate) fn link(
    engine: &Engine,
    code: &Code,
    interfaces: &[String],
    declared: Declared,
    instances: usize,
) -> wasmtime::Result<LinkedCode> {
    declared.confirm(code.resources_required())?;
    let mut linker = Linker::new(engine.wasmtime());
    capability::add_to_linker(&mut linker)?;
    let instance = linker.instantiate_pre(code)?;
    let indices = Indices::of(&instance, interfaces)?;
    let max = instances + SPARE / 2;
    Ok(LinkedCode {
        engine: engine.clone(),
        instance,
        indices,
        declared,
        places: Arc::new(Semaphore::new(max)),
        max,
        kept_places: Arc::new(Semaphore::new(KEPT)),
        lasting_places: Arc::new(Semaphore::new(lasting(max))),
        waiting: AtomicUsize::new(0),
    })
}

/// Returns how many of so many places may be taken for ever: as large a part as of the memory.
fn lasting(places: usize) -> usize {
    lasting_part(places).max(1)
}

// === impl LinkedCode ===

impl LinkedCode {
    /// Returns how many of the places may be taken for ever.
    pub(crate) fn lasting_max(&self) -> usize {
        lasting(self.max)
    }

    /// Counts a call that waits for a place until the guard is dropped.
    pub(crate) fn wait_for_place(&self) -> Counted<'_> {
        Counted::among(&self.waiting)
    }

    /// Returns whether any call waits for a place.
    pub(crate) fn has_waiting(&self) -> bool {
        self.waiting.load(Ordering::Acquire) > 0
    }
}
