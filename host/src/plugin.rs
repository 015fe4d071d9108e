//! The plugin: one component, and the instances of it that answer calls.

mod contract;
mod data_source;
mod engine;
mod error;
mod files;
mod instance;
mod limits;
mod load;
mod output;
mod pool;
pub mod precompiled;
mod state;
#[cfg(test)]
pub(crate) mod test;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use wasmtime::Store;

pub use error::Error;
pub use files::{Files, Identity};
pub use instance::{Called, Exports};
pub use limits::Limits;
pub use load::{Component, LoadError};
pub use state::State;

use crate::call::Call;
use crate::capability::scrub::Scrub;
use crate::convert::{self, Operator};
use crate::egress::Egress;
use crate::log::Log;
use crate::metrics::Metrics;
use data_source::{DataSource, DataSources};
use instance::Instance;
use limits::{Governor, InstanceMemory, MemoryBudget};

/// A component and all that its calls need.
pub struct Plugin {
    component: Component,
    limits: Limits,
    operator: Operator,
    egress: Arc<Egress>,
    governor: Governor,
    memory: Arc<MemoryBudget>,
    data_sources: DataSources,
    log: Log,
}

/// What a plugin is made of, besides its component.
pub struct Parts {
    pub limits: Limits,
    pub operator: Operator,
    pub egress: Arc<Egress>,
    pub metrics: Metrics,
    pub log: Log,
}

/// A service that a component may export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    Data,
    Diagnostics,
    Resource,
}

// === impl Plugin ===

impl Plugin {
    pub fn new(component: Component, parts: Parts) -> Self {
        let Parts { limits, operator, egress, metrics, log } = parts;
        let (governor, memory) = (Governor::new(&limits), MemoryBudget::new(&limits));
        let data_sources = DataSources::new(limits.instances_max, metrics);
        Self { component, limits, operator, egress, governor, memory, data_sources, log }
    }

    pub fn exports(&self, service: Service) -> bool {
        match service {
            Service::Data => self.component.code.data.is_some(),
            Service::Diagnostics => self.component.code.diagnostics.is_some(),
            Service::Resource => self.component.code.resource.is_some(),
        }
    }

    /// Makes one call into an instance of the call's data source. Dropping the future stops the instance.
    pub async fn call<R>(
        &self,
        call: &Arc<Call>,
        work: impl for<'a> FnOnce(&'a mut Store<State>, &'a Exports) -> BoxFuture<'a, Called<R>>,
    ) -> Result<R, Error> {
        let data_source = self.data_source(call);
        let waited = tokio::time::timeout_at(call.deadline, data_source.pool.lease()).await;
        let mut lease = waited.map_err(|_| Error::WallTime(self.limits.call_timeout))?;
        let _ticking = self.component.code.engine.tick();
        let instance = match &mut lease.instance {
            Some(instance) => instance,
            none => none.insert(self.open(call, &data_source).await?),
        };
        instance.call(call, &self.limits, &self.governor, work).await
    }

    fn data_source(&self, call: &Call) -> Arc<DataSource> {
        self.data_sources.get(call, || {
            let settings = convert::settings(&call.context, &self.component.manifest.secrets, &self.operator);
            (settings, self.egress.client(convert::egress_settings(&call.context)))
        })
    }

    /// Makes an instance ready for the calls of a data source.
    async fn open(&self, call: &Arc<Call>, data_source: &DataSource) -> Result<Instance, Error> {
        if self.memory.is_used_up() {
            self.data_sources.clear();
        }
        while self.memory.is_used_up() {
            let released = tokio::time::timeout_at(call.deadline, self.memory.released()).await;
            released.map_err(|_| Error::TotalMemory(self.limits.memory_total))?;
        }
        let memory = InstanceMemory::new(self.memory.clone(), self.limits.memory_max);
        let scrub = Scrub::new(data_source.settings.secrets.iter().map(|secret| secret.value.as_str()));
        let client = Some(data_source.client.clone());
        let new = Instance::new(&self.component.code, client, memory, scrub, self.log.clone());
        let stopped = |_| Error::WallTime(self.limits.call_timeout);
        let mut instance = self.governor.run(call.deadline, new).await.map_err(stopped)??;
        let settings = data_source.settings.clone();
        let open = instance.call(call, &self.limits, &self.governor, |store, exports| {
            Box::pin(async move { exports.plugin.call_open(store, &settings).await })
        });
        open.await?;
        Ok(instance)
    }
}
