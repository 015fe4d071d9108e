//! One instance of a component: one store, one call at a time.

pub(super) mod invocation;
pub(super) mod output;
pub(super) mod state;

use std::sync::Arc;

use wasmtime::{Store, UpdateDeadline};

use self::invocation::Invocation;
use self::state::State;
use super::component::link::LinkedCode;
use super::component::services::Exports;
use super::error::CallError;
use crate::budget::{InstanceMemory, Limits, Turn};
use crate::call::Call;
use crate::capability::bindings::exports::gpx::plugin::plugin::Manifest;
use crate::capability::bindings::gpx::plugin::types::Fault;
use crate::capability::scrub::Scrub;
use crate::capability::tracer::CallSpans;
use crate::egress::Client;
use crate::log::{Log, Value};

/// An instance. It becomes unusable if anything stops it in the middle of a call.
pub(super) struct Instance {
    store: Store<State>,
    exports: Exports,
    usable: bool,
}

// === impl Instance ===

impl Instance {
    pub(super) async fn new(
        code: &LinkedCode,
        client: Option<Client>,
        memory: InstanceMemory,
        scrub: Scrub,
        log: Log,
    ) -> Result<Self, CallError> {
        let mut store = Store::new(code.engine.wasmtime(), State::new(client, memory, scrub, log));
        store.limiter(|state| &mut state.memory);
        // The clock's tick makes the guest yield. The code that polls the call decides whether the guest continues.
        // Yielding through tokio lets it check its sockets first; a future that wakes itself would not.
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|_| {
            Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now())))
        });
        match Self::instantiate(code, &mut store).await {
            Ok(exports) => Ok(Self { store, exports, usable: true }),
            Err(trap) => {
                let refused = store.data_mut().memory.take_refused();
                Err(CallError::from_trap(&trap, &store.data().stderr.finish(), refused))
            }
        }
    }

    async fn instantiate(code: &LinkedCode, store: &mut Store<State>) -> wasmtime::Result<Exports> {
        let instance = code.instance.instantiate_async(&mut *store).await?;
        code.indices.load(store, &instance)
    }

    /// Returns whether another call may be made.
    pub(super) fn is_usable(&self) -> bool {
        self.usable
    }

    /// Lets the component describe itself.
    pub(super) async fn describe(&mut self) -> Result<Manifest, CallError> {
        match self.exports.plugin.call_describe(&mut self.store).await {
            Ok(manifest) => Ok(manifest),
            Err(trap) => Err(self.explain(&trap)),
        }
    }

    /// Calls a function on behalf of `call`, within the time of its turn.
    pub(super) async fn call<I: Invocation>(
        &mut self,
        call: &Arc<Call>,
        turn: &mut Turn,
        limits: &Limits,
        invocation: I,
    ) -> Result<I::Answer, CallError> {
        let spans = CallSpans::new(call.telemetry.plugin(), call.span.clone());
        let end_of_call = spans.end_of_call();
        self.store.data_mut().begin(call, spans.clone());
        self.usable = false;
        let memory = self.store.data().memory.footprint().clone();
        let ended = turn.run_guest(&memory, invocation.invoke(&mut self.store, &self.exports)).await;
        let result = match ended {
            Ok(Ok(Ok(answer))) => Ok(answer),
            Ok(Ok(Err(fault))) => {
                let message = self.store.data().scrub.text(fault.message);
                Err(CallError::Fault(Fault { message, ..fault }))
            }
            Ok(Err(trap)) => Err(self.explain(&trap)),
            Err(stop) => Err(CallError::from_stop(stop, call.deadline.set_by, limits)),
        };
        match &result {
            Ok(_) | Err(CallError::Fault(_)) => {
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

    fn explain(&mut self, trap: &wasmtime::Error) -> CallError {
        let printed = self.store.data().stderr.finish();
        let refused = self.store.data_mut().memory.take_refused();
        self.store
            .data()
            .current_log()
            .debug("The plugin trapped", &[("trap", Value::from(format!("{trap:?}")))]);
        CallError::from_trap(trap, &printed, refused)
    }
}
