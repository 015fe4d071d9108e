//! One instance of a component: one store, one call at a time.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use wasmtime::{Store, UpdateDeadline};

use super::error::Error;
use super::limits::{Governor, InstanceMemory, Limits, Stop};
use super::load::LinkedCode;
use super::state::State;
use crate::bindings::exports::gpx::plugin::{data, diagnostics, plugin, resource};
use crate::bindings::gpx::plugin::types::Fault;
use crate::call::Call;
use crate::capability::scrub::Scrub;
use crate::capability::tracer::CallSpans;
use crate::egress::Client;
use crate::log::{Log, Value};

/// An instance. Whatever stops it in the middle of a call makes it unusable.
pub(super) struct Instance {
    store: Store<State>,
    exports: Exports,
    usable: bool,
}

/// What a function of a component gives: a trap, the component's own error, or what it is for.
pub type Called<R> = wasmtime::Result<Result<R, Fault>>;

/// The functions of an instance.
pub struct Exports {
    pub plugin: plugin::Guest,
    pub data: Option<data::Guest>,
    pub diagnostics: Option<diagnostics::Guest>,
    pub resource: Option<resource::Guest>,
}

// === impl Instance ===

impl Instance {
    pub(super) async fn new(
        code: &LinkedCode,
        client: Option<Client>,
        memory: InstanceMemory,
        scrub: Scrub,
        log: Log,
    ) -> Result<Self, Error> {
        let mut store = Store::new(code.engine.wasmtime(), State::new(client, memory, scrub, log));
        store.limiter(|state| &mut state.memory);
        // The clock's tick makes the guest yield; who polls the call decides whether it goes on. Yielding through tokio
        // lets it look at its sockets first, which a future that wakes itself would not.
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|_| {
            Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now())))
        });
        match Self::instantiate(code, &mut store).await {
            Ok(exports) => Ok(Self { store, exports, usable: true }),
            Err(trap) => {
                let refused = store.data_mut().memory.take_refused();
                Err(Error::from_trap(&trap, &store.data().stderr.finish(), refused))
            }
        }
    }

    async fn instantiate(code: &LinkedCode, store: &mut Store<State>) -> wasmtime::Result<Exports> {
        let instance = code.instance.instantiate_async(&mut *store).await?;
        Ok(Exports {
            plugin: code.plugin.load(&mut *store, &instance)?,
            data: code.data.as_ref().map(|data| data.load(&mut *store, &instance)).transpose()?,
            diagnostics: code
                .diagnostics
                .as_ref()
                .map(|diagnostics| diagnostics.load(&mut *store, &instance))
                .transpose()?,
            resource: code
                .resource
                .as_ref()
                .map(|resource| resource.load(&mut *store, &instance))
                .transpose()?,
        })
    }

    /// Whether another call may be made.
    pub(super) fn is_usable(&self) -> bool {
        self.usable
    }

    /// Asks the component who it is.
    pub(super) async fn describe(&mut self) -> Result<plugin::Manifest, Error> {
        match self.exports.plugin.call_describe(&mut self.store).await {
            Ok(manifest) => Ok(manifest),
            Err(trap) => Err(self.explain(&trap)),
        }
    }

    /// Makes one call on behalf of `call`, within its time.
    pub(super) async fn call<R>(
        &mut self,
        call: &Arc<Call>,
        limits: &Limits,
        governor: &Governor,
        work: impl for<'a> FnOnce(&'a mut Store<State>, &'a Exports) -> BoxFuture<'a, Called<R>>,
    ) -> Result<R, Error> {
        let spans = CallSpans::new(call.telemetry.plugin(), call.span.clone());
        let end_of_call = spans.end_of_call();
        self.store.data_mut().begin(call, spans.clone());
        self.usable = false;
        let ended = governor.run(call.deadline, work(&mut self.store, &self.exports)).await;
        let result = match ended {
            Ok(Ok(Ok(result))) => Ok(result),
            Ok(Ok(Err(fault))) => {
                let message = self.store.data().scrub.text(fault.message);
                Err(Error::Fault(Fault { message, ..fault }))
            }
            Ok(Err(trap)) => Err(self.explain(&trap)),
            Err(Stop::CpuTime) => Err(Error::CpuTime(limits.cpu_timeout)),
            Err(Stop::WallTime) => Err(Error::WallTime(limits.call_timeout)),
        };
        match &result {
            Ok(_) | Err(Error::Fault(_)) => {
                self.usable = true;
                end_of_call.returned();
            }
            Err(error) => {
                let message = error.to_string();
                call.log
                    .error("The plugin's instance was discarded", &[("error", Value::from(message.clone()))]);
                end_of_call.stopped(&message);
            }
        }
        if spans.refused() > 0 {
            let refused = Value::from(spans.refused() as i64);
            call.log.warn("Spans beyond the limit of a call were dropped", &[("spans", refused)]);
        }
        self.store.data_mut().end();
        result
    }

    fn explain(&mut self, trap: &wasmtime::Error) -> Error {
        let printed = self.store.data().stderr.finish();
        let refused = self.store.data_mut().memory.take_refused();
        self.store
            .data()
            .current_log()
            .debug("The plugin trapped", &[("trap", Value::from(format!("{trap:?}")))]);
        Error::from_trap(trap, &printed, refused)
    }
}
