//! The plugin: one component, and the instances of it that answer calls.

mod component;
mod error;
mod instance;
mod loaded;
mod owner;
mod platform;
mod pool;
mod service;
#[cfg(test)]
pub(crate) mod test;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use wasmtime::Store;

pub use self::component::Component;
pub(crate) use self::component::services::Export;
use self::component::services::Exports;
pub(crate) use self::component::services::services;
pub(crate) use self::component::{LoadError, LoadedComponent, precompiled};
pub(crate) use self::error::{CallError, WaitedFor};
use self::instance::Instance;
use self::instance::invocation::{Called, Invocation};
use self::instance::state::State;
pub(crate) use self::loaded::{Current, Loaded, Loading, loading};
pub(crate) use self::owner::Owner;
use self::owner::Owners;
pub(crate) use self::platform::{OperatorSettings, Platform};
use self::pool::Pool;
use crate::budget::{InstanceMemory, Stop, Turn};
use crate::call::{Call, CallContext, SetBy};
use crate::capability::bindings::exports::gpx::plugin::plugin::Settings;
use crate::capability::scrub::Scrub;
use crate::egress::Egress;

/// A component and everything that its calls need.
pub(crate) struct Plugin {
    component: LoadedComponent,
    platform: Arc<Platform>,
    egress: Arc<Egress>,
    owners: Owners,
}

struct OpenInstance<'a>(&'a Settings);

// === impl Plugin ===

impl Plugin {
    pub(crate) fn new(component: LoadedComponent, platform: Arc<Platform>, egress: Arc<Egress>) -> Self {
        let owners = Owners::new(platform.metrics.clone());
        Self { component, platform, egress, owners }
    }

    pub(crate) fn exports(&self, export: Export) -> bool {
        self.component.code.indices.have(export)
    }

    /// Returns the data source or app that a call is for. Look it up once per call: this hashes the call's context.
    pub(crate) async fn owner(&self, context: &CallContext) -> Arc<Owner> {
        self.owners.get(context, || self.make_owner(context)).await
    }

    fn make_owner(&self, context: &CallContext) -> Owner {
        let wanted = &self.component.manifest.secrets;
        let settings = owner::settings(&context.subject, wanted, &self.platform.operator);
        #[cfg(test)]
        test::panic_if_named(test::PANIC_IN_OWNER, &settings);
        let scrub = Scrub::new(settings.secrets.iter().map(|secret| secret.value.as_str()));
        let client = self.egress.client(owner::http_settings(context));
        let pool = Pool::new(self.platform.limits.instances_max, self.platform.memory.clone());
        Owner { settings, scrub, client, pool }
    }

    /// Returns the turn of one function call, for all the work that is done for it.
    fn turn(&self, call: &Call) -> Turn {
        self.platform.governor.turn(call.deadline.at, call.upstream.clone())
    }

    /// Calls a function of one of the owner's instances. Dropping the future stops the instance.
    async fn invoke<I: Invocation>(
        &self,
        call: &Arc<Call>,
        owner: &Owner,
        turn: &mut Turn,
        invocation: I,
    ) -> Result<I::Answer, CallError> {
        #[cfg(test)]
        test::panic_if_named(test::PANIC_IN_CALL, &owner.settings);
        let waited = tokio::time::timeout_at(call.deadline.at, owner.pool.lease()).await;
        let max = self.platform.limits.instances_max;
        let mut lease = waited.map_err(|_| self.late(call, WaitedFor::Instance { max }))?;
        let _ticking = self.component.code.engine.tick();
        let instance = match &mut lease.instance {
            Some(instance) => instance,
            none => none.insert(self.open(call, owner, turn).await?),
        };
        instance.call(call, turn, &self.platform.limits, invocation).await
    }

    /// Makes an instance and prepares it for its owner's calls.
    async fn open(&self, call: &Arc<Call>, owner: &Owner, turn: &mut Turn) -> Result<Instance, CallError> {
        self.wait_for_memory(call).await?;
        let Platform { limits, memory, log, .. } = &*self.platform;
        let memory = InstanceMemory::new(memory.clone(), limits.memory_max);
        let client = Some(owner.client.clone());
        let new = Instance::new(&self.component.code, client, memory, owner.scrub.clone(), log.clone());
        let mut instance = turn.run(new).await.map_err(|stop| self.stopped(call, stop))??;
        instance.call(call, turn, limits, OpenInstance(&owner.settings)).await?;
        Ok(instance)
    }

    async fn wait_for_memory(&self, call: &Call) -> Result<(), CallError> {
        let Platform { memory, limits, .. } = &*self.platform;
        let mut has_waited = false;
        while memory.is_used_up() {
            self.owners.clear();
            if !memory.is_used_up() {
                break;
            }
            let released = tokio::time::timeout_at(call.deadline.at, memory.released()).await;
            released.map_err(|_| self.late(call, WaitedFor::Memory { total: limits.memory_total }))?;
            has_waited = true;
        }
        if has_waited {
            memory.release();
        }
        Ok(())
    }

    /// Returns why a call ends if its time ran out before an instance could work on it.
    fn late(&self, call: &Call, awaited: WaitedFor) -> CallError {
        match (call.deadline.set_by, awaited) {
            (SetBy::Caller, _) => CallError::CallerDeadline(awaited),
            (SetBy::Operator, WaitedFor::Memory { total }) => CallError::TotalMemory(total),
            (SetBy::Operator, _) => CallError::WallTime(self.platform.limits.call_timeout),
        }
    }

    fn stopped(&self, call: &Call, stop: Stop) -> CallError {
        CallError::from_stop(stop, call.deadline.set_by, &self.platform.limits)
    }
}

// === impl OpenInstance ===

impl Invocation for OpenInstance<'_> {
    type Answer = ();

    async fn invoke(self, store: &mut Store<State>, exports: &Exports) -> Called<()> {
        exports.plugin.call_open(store, self.0).await
    }
}
