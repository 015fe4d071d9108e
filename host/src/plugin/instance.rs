//! One instance of a component: one store, one call at a time.

mod crossing;
mod handles;
pub(super) mod invocation;
pub(super) mod output;
pub(super) mod state;

use std::sync::Arc;

use opentelemetry::KeyValue;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime::{Store, UpdateDeadline, WasmBacktrace};

use self::crossing::{ARGUMENTS, cross};
use self::invocation::{Called, Invocation};
use self::state::{MAX_HANDLES, State};
use super::checks::Pass;
use super::component::engine::Engine;
use super::component::link::LinkedCode;
use super::component::services::Exports;
use super::error::{CallError, Evidence};
use crate::budget::{Charge, Limits, Priority, Turn};
use crate::call::{Call, SetBy};
use crate::capability::bindings::exports::gpx::plugin::outgoing::Additions;
use crate::capability::bindings::exports::gpx::plugin::plugin::Manifest;
use crate::capability::tracer::CallSpans;
use crate::log::{MAX_VALUE, Value};
use crate::telemetry::span_text;
use crate::text;

/// An instance. Whatever stops it in the middle of a call also drops it.
pub(super) struct Instance {
    engine: Engine,
    store: Store<State>,
    exports: Exports,
    /// How many handles it had when it was opened.
    handles: usize,
    /// Its place among all that there may be. Last, so that it is given back when the engine has room again.
    place: Option<OwnedSemaphorePermit>,
}

/// The right of a call to use one more instance. Cheap to clone; given back with the last clone.
#[derive(Clone)]
pub(super) struct Permit {
    /// One of the owner's, if it has a limited number. A call that goes ahead of others may do without.
    pub instance: Option<Arc<OwnedSemaphorePermit>>,
    /// That of a stream is one of those that may last for ever.
    pub lasting: Option<Arc<OwnedSemaphorePermit>>,
    /// Whether it goes ahead of others.
    pub pass: Option<Pass>,
}

/// How a call of an instance ended.
pub(super) struct Ended<A> {
    /// The answer, and what it is charged for.
    pub result: Result<(A, Charge), CallError>,
    /// The instance, if another call may be made.
    pub instance: Option<Instance>,
}

/// How many handles a component may keep from one call to the next, besides those that it had when it was opened. One that
/// forgets more gets a new instance for the next call, and so loses them.
const KEPT_HANDLES: usize = 64;

// === impl Instance ===

impl Instance {
    pub(super) async fn new(
        code: &LinkedCode,
        state: State,
        place: Option<OwnedSemaphorePermit>,
    ) -> Result<Self, CallError> {
        let mut store = Store::new(code.engine.wasmtime(), state);
        store.limiter_async(|state| &mut state.memory);
        store.set_max_component_handles(MAX_HANDLES);
        store.call_hook(cross);
        // The clock's tick makes the guest yield. The code that polls the call decides whether the guest continues.
        // Yielding through tokio lets it check its sockets first; a future that wakes itself would not.
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|_| {
            Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now())))
        });
        match Self::instantiate(code, &mut store).await {
            Ok(exports) => {
                Ok(Self { engine: code.engine.clone(), store, exports, handles: usize::MAX, place })
            }
            Err(trap) => {
                let printed = store.data().stderr.finish();
                let (refused, refused_earlier) = store.data_mut().take_refused();
                let passable = passable(&store, &trap);
                let evidence = Evidence { printed: &printed, refused, refused_earlier, passable };
                Err(CallError::from_failed_start(&trap, evidence).scrubbed(&store.data().scrub))
            }
        }
    }

    async fn instantiate(code: &LinkedCode, store: &mut Store<State>) -> wasmtime::Result<Exports> {
        let instance = code.instance.instantiate_async(&mut *store).await?;
        code.indices.load(store, &instance)
    }

    /// Returns whether its place is one of these.
    pub(super) fn is_in(&self, places: &Arc<Semaphore>) -> bool {
        self.place.as_ref().is_some_and(|place| Arc::ptr_eq(place.semaphore(), places))
    }

    /// Notes how many handles it has now, after it was opened.
    pub(super) fn opened(&mut self) {
        self.handles = self.store.data_mut().handles();
    }

    /// Has it pay only for what it uses. Returns by how many bytes its memories have grown since it was made.
    pub(super) fn settle_memory(&mut self) -> usize {
        self.store.data_mut().memory.settle()
    }

    /// Lets the component describe itself, and what it wants in its requests.
    pub(super) async fn describe(&mut self) -> Result<(Manifest, Option<Additions>), CallError> {
        let described = async {
            let manifest = self.exports.plugin.call_describe(&mut self.store).await?;
            let additions = match self.exports.outgoing() {
                Ok(outgoing) => Some(outgoing.call_add(&mut self.store).await?),
                Err(_) => None,
            };
            wasmtime::Result::Ok((manifest, additions))
        };
        match described.await {
            Ok(described) => Ok(described),
            Err(trap) => Err(self.explain(&trap)),
        }
    }

    /// Calls a function on behalf of `call`, within the time of its turn.
    pub(super) async fn call<I: Invocation>(
        mut self,
        call: &Arc<Call>,
        turn: &mut Turn,
        limits: &Limits,
        permit: Permit,
        invocation: I,
    ) -> Ended<I::Answer> {
        self.store.data_mut().memory.set_priority(permit.priority());
        let memory = self.store.data().memory.owner();
        let step = call.steps.begin(invocation.function());
        if let Some(ref_id) = invocation.ref_id() {
            step.set(|| KeyValue::new("query.ref_id", span_text(ref_id)));
        }
        let (tracer, root) = (call.telemetry.plugin(), call.span.clone());
        let spans = if I::LASTS {
            CallSpans::lasting(memory, tracer, root, call.telemetry.apart(&call.span))
        } else {
            CallSpans::paid_by(Some(memory), tracer, step.context().cloned().unwrap_or(root))
        };
        let end_of_call = spans.end_of_call();
        self.store.data_mut().begin(call, spans.clone());
        let memory = self.store.data().memory.footprint().clone();
        let engine = self.engine.clone();
        let work = async move {
            // The call has the permit as long as it uses the instance, even if nobody waits for it any more.
            let _permit = permit;
            let called = invocation.invoke(&mut self.store, &self.exports).await;
            self.returned::<I>(called)
        };
        let work = engine.ticking(work);
        // The operator's deadline is only for the beginning of a call that lasts.
        let set_by = if I::LASTS { SetBy::Caller } else { call.deadline.set_by };
        let before = turn.used();
        let ended = match turn.run_guest(&memory, work).await {
            Ok(ended) => ended,
            Err(stop) => Ended::stopped(CallError::from_stop(stop, set_by, limits)),
        };
        call.steps.used(&step, turn.used().saturating_sub(before), memory.bytes());
        match &ended.result {
            Ok(_) | Err(CallError::Fault(_)) => end_of_call.returned(),
            Err(error) => {
                let message = error.to_string();
                call.log
                    .error("The plugin's instance was discarded", &[("error", Value::from(message.clone()))]);
                step.fail(&message);
                end_of_call.stopped(&message);
            }
        }
        spans.report(&call.dropped, &call.log);
        spans.release();
        ended
    }

    /// What is left when the component's function has returned or trapped.
    fn returned<I: Invocation>(mut self, called: Called<I::Answer>) -> Ended<I::Answer> {
        let mut memory = self.store.data_mut().paid_for_answer();
        let result = match called {
            Ok(Ok(answer)) => {
                memory.shrink_to(I::weight(&answer));
                Ok((answer, memory))
            }
            Ok(Err(fault)) => Err(CallError::Fault(fault).scrubbed(&self.store.data().scrub)),
            Err(trap) => return Ended::stopped(self.explain(&trap)),
        };
        self.store.data_mut().end();
        let may_go_on = self.store.data_mut().handles() <= self.handles.saturating_add(KEPT_HANDLES);
        Ended { result, instance: may_go_on.then_some(self) }
    }

    fn explain(&mut self, trap: &wasmtime::Error) -> CallError {
        let printed = self.store.data().stderr.finish();
        let (refused, refused_earlier) = self.store.data_mut().take_refused();
        let engine = text::written(format_args!("{trap:?}"), MAX_VALUE);
        let engine = self.store.data().scrub.text(engine);
        self.store.data().current_log().debug("The plugin trapped", &[("trap", Value::from(engine))]);
        let passable = passable(&self.store, trap);
        let evidence = Evidence { printed: &printed, refused, refused_earlier, passable };
        CallError::from_trap(trap, evidence).scrubbed(&self.store.data().scrub)
    }
}

/// Returns how many bytes could be passed at once when a call failed: as an argument if the guest was running, otherwise as
/// its answer.
fn passable(store: &Store<State>, error: &wasmtime::Error) -> usize {
    if error.downcast_ref::<WasmBacktrace>().is_some() { ARGUMENTS } else { store.hostcall_fuel() }
}

// === impl Permit ===

impl Permit {
    pub(super) fn priority(&self) -> Priority {
        match self {
            Self { pass: Some(_), .. } => Priority::Ahead,
            Self { lasting: Some(_), .. } => Priority::Lasting,
            _ => Priority::Usual,
        }
    }
}

// === impl Ended ===

impl<A> Ended<A> {
    fn stopped(error: CallError) -> Self {
        Self { result: Err(error), instance: None }
    }
}
