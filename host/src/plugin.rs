//! The plugin: one component, and the instances of it that answer calls.

mod checks;
mod component;
mod error;
#[cfg(any(test, feature = "fuzz"))]
pub(crate) mod fuzz;
mod idle;
mod instance;
mod loaded;
mod owner;
mod platform;
mod pool;
mod queueing;
mod service;
mod streams;
#[cfg(test)]
pub(crate) mod test;
#[cfg(test)]
mod tests;
mod wishes;

use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use opentelemetry::KeyValue;
use sha2::{Digest as _, Sha256};
use tokio::sync::OwnedSemaphorePermit;
use wasmtime::Store;

use self::checks::{HealthChecks, Pass};
pub use self::component::Component;
pub(crate) use self::component::services::Export;
use self::component::services::Exports;
pub(crate) use self::component::{LoadError, LoadedComponent, code};
pub(crate) use self::error::{CallError, WaitedFor};
use self::instance::invocation::{Called, Invocation};
use self::instance::state::State;
use self::instance::{Instance, Permit};
pub(crate) use self::loaded::{Current, Loaded, Loading, loading};
pub(crate) use self::owner::Owner;
use self::owner::Owners;
pub(crate) use self::platform::{OperatorSettings, Platform};
use self::pool::{Leased, Pool};
pub(crate) use self::service::{
    AdmissionObject, AdmissionRequest, Admitted, Answered, Ask, Conversion, ConversionRequest, Denial, JSON,
    ResourceRequest, StoredObject, StreamReply, StreamRequest,
};
use self::streams::Streams;
use crate::budget::{Charge, OwnerTime, Priority, Stop, Turn, beside_others};
use crate::call::{Call, CallContext, HeaderGrants};
use crate::capability::cache::SharedCache;
use crate::egress::{Egress, WantedHeaders};
use crate::tape::{Take, Title};

/// A component and everything that its calls need.
pub(crate) struct Plugin {
    component: LoadedComponent,
    platform: Arc<Platform>,
    egress: Arc<Egress>,
    owners: Owners,
    /// The headers that its component sees besides those that every component sees.
    pub(crate) header_grants: HeaderGrants,
    /// What it wants in requests to a data source.
    wanted_headers: WantedHeaders,
}

struct OpenInstance(Arc<Owner>);

// === impl Plugin ===

impl Plugin {
    pub(crate) fn new(component: LoadedComponent, platform: Arc<Platform>, egress: Arc<Egress>) -> Self {
        let owners = Owners::new(platform.metrics.clone());
        let granted = component.manifest.headers.iter().chain(&platform.operator.allow_headers);
        let header_grants = HeaderGrants::new(granted.map(String::as_str));
        wishes::report(&component.manifest, &egress, &platform.log);
        let wanted_headers = owner::wanted_headers(&component.additions, &platform.operator);
        Self { component, platform, egress, owners, header_grants, wanted_headers }
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
        let http = owner::http_settings(context, &self.platform.operator, &self.wanted_headers);
        let scrub = owner::scrub(&context.subject, &http, &self.platform.operator, self.egress.secrets());
        let log = owner::log(context, &self.platform.log);
        owner::report_unused(&context.subject, &http, &self.component, &self.platform.operator, &log);
        let Platform { limits, memory, idle, .. } = &*self.platform;
        let streams = Streams::new(limits.streams_max, memory.owner());
        let memory = memory.owner();
        let client = self.egress.client(http, scrub.clone(), &memory);
        let pool = Pool::new(limits.instances_max, idle.clone(), memory.clone());
        let cache = SharedCache::new(memory.clone());
        let (time, checks) = (OwnerTime::default(), HealthChecks::default());
        Owner { settings, scrub, client, cache, pool, memory, time, checks, streams, log }
    }

    /// Returns the turn of one function call, for all the work that is done for it.
    fn turn(&self, call: &Call, time: &OwnerTime) -> Turn {
        self.platform.governor.turn(time, call.deadline.at, call.upstream.clone())
    }

    /// Calls a function of one of the owner's instances. With a pass, the call goes ahead of others. Returns the answer, and
    /// what it is charged for. Dropping the future stops the instance.
    async fn invoke<I: Invocation>(
        &self,
        call: &Arc<Call>,
        owner: &Arc<Owner>,
        turn: &mut Turn,
        pass: Option<Pass>,
        invocation: I,
    ) -> Result<(I::Answer, Charge), CallError> {
        #[cfg(test)]
        test::panic_if_named(test::PANIC_IN_CALL, &owner.settings);
        let permit = self.permit(call, owner, pass).await?;
        let take = self.take(owner, &invocation);
        let instance = match owner.pool.take() {
            Some(instance) => instance,
            // Boxed, since it is large and rare: the future of each call would have room for it, and is moved.
            None => Box::pin(self.open(call, owner, turn, &permit, take)).await?,
        };
        self.run(call, owner, turn, permit, instance, invocation).await
    }

    /// Waits until the call may use an instance. One that goes ahead of others does not wait.
    async fn permit(&self, call: &Call, owner: &Owner, pass: Option<Pass>) -> Result<Permit, CallError> {
        let instance = match self.platform.limits.instances_max {
            Some(max) if pass.is_none() => {
                self.wait(call, WaitedFor::Instance { max }, owner.pool.permit()).await?
            }
            _ => owner.pool.try_permit(),
        };
        Ok(Permit { instance: instance.map(Arc::new), lasting: None, pass })
    }

    /// Returns the right to run one more stream. It does not wait: a stream that runs may never end.
    fn stream_permit(&self, owner: &Owner) -> Result<Permit, CallError> {
        let code = &self.component.code;
        let own = owner.streams.permit();
        let instance = own.ok_or(CallError::Streams { max: self.platform.limits.streams_max })?;
        let lasting = code.lasting_places.clone().try_acquire_owned();
        let lasting = lasting.map_err(|_| CallError::AllStreams { max: code.lasting_max() })?;
        Ok(Permit { instance: Some(Arc::new(instance)), lasting: Some(Arc::new(lasting)), pass: None })
    }

    /// Begins the part of the tape of one call of a function, if there is a tape. No instance is then used for another call.
    fn take(&self, owner: &Owner, invocation: &impl Invocation) -> Option<Take> {
        let tape = self.platform.tape.as_ref()?;
        let mut arguments = Sha256::new_with_prefix(&owner.settings.uid);
        invocation.digest(&mut arguments);
        let title = Title { function: invocation.function(), ref_id: invocation.ref_id(), arguments };
        Some(tape.begin(title, &owner.memory, &owner.scrub))
    }

    /// Makes an instance and prepares it for its owner's calls, or returns one that has become idle meanwhile.
    async fn open(
        &self,
        call: &Arc<Call>,
        owner: &Arc<Owner>,
        turn: &mut Turn,
        permit: &Permit,
        take: Option<Take>,
    ) -> Result<Instance, CallError> {
        let limits = &self.platform.limits;
        let awaited = WaitedFor::Memory { total: self.platform.memory.total() };
        let (prepaid, priority) = (self.component.code.declared.prepaid(), permit.priority());
        let payer = owner.payer(priority);
        let lease = owner.pool.lease(&payer, prepaid, limits.memory_max);
        let memory = match self.wait(call, awaited, lease).await?? {
            Leased::Idle(instance) => return Ok(instance),
            Leased::Memory(memory) => memory,
        };
        let awaited = WaitedFor::Place { max: self.component.code.max };
        let place = self.wait(call, awaited, self.place(priority)).await?;
        let (code, opened) = (self.component.code.clone(), owner.clone());
        let footprint = memory.footprint().clone();
        let metrics = self.platform.metrics.component.clone();
        let engine = code.engine.clone();
        let new = async move {
            let Owner { client, cache, scrub, log, .. } = &*opened;
            let own = take.is_some().then(|| SharedCache::new(opened.memory.clone()));
            let (client, cache) = (Some(client.clone()), own.as_ref().unwrap_or(cache));
            let state = State::new(take, client, cache, memory, scrub.clone(), log.clone(), metrics);
            Instance::new(&code, state, place).await
        };
        let new = engine.ticking(new);
        let step = call.steps.begin("instantiate");
        let instance = turn.run_guest(&footprint, new).await.map_err(|stop| self.stopped(call, stop));
        let instance = instance.flatten().inspect_err(|error| step.fail(&error.to_string()));
        drop(step);
        let instance = self.counted(instance)?;
        let opened = instance.call(call, turn, limits, permit.clone(), OpenInstance(owner.clone())).await;
        self.counted(opened.result)?;
        let mut instance =
            opened.instance.ok_or_else(|| CallError::Host("the instance is gone".to_owned()))?;
        instance.opened();
        Ok(instance)
    }

    /// Waits until there may be one more instance. That matters only if many fit into the memory.
    async fn place(&self, priority: Priority) -> Option<OwnedSemaphorePermit> {
        let code = &self.component.code;
        if let Ok(place) = code.places.clone().try_acquire_owned() {
            return Some(place);
        }
        if priority == Priority::Ahead
            && let Ok(place) = code.kept_places.clone().try_acquire_owned()
        {
            return Some(place);
        }
        // Counted first, so that whoever has an instance to give back from now on knows of it.
        let _waiting = code.wait_for_place();
        self.platform.idle.drop_oldest();
        // The semaphore is never closed.
        code.places.clone().acquire_owned().await.ok()
    }

    async fn run<I: Invocation>(
        &self,
        call: &Arc<Call>,
        owner: &Owner,
        turn: &mut Turn,
        permit: Permit,
        instance: Instance,
        invocation: I,
    ) -> Result<(I::Answer, Charge), CallError> {
        // The call has the permit until the instance is idle: the next one is to find it.
        let ended = instance.call(call, turn, &self.platform.limits, permit.clone(), invocation).await;
        if let Some(instance) = ended.instance {
            let is_used_up = I::LASTS || self.platform.tape.is_some();
            if is_used_up || self.is_one_too_many(&instance, &permit) {
                beside_others(|| drop(instance));
            } else {
                owner.pool.put_back(instance);
            }
            if self.component.code.has_waiting() {
                self.platform.idle.drop_oldest();
            }
        }
        drop(permit);
        self.counted(ended.result)
    }

    /// Counts a call of the component if it did not return.
    fn counted<T>(&self, result: Result<T, CallError>) -> Result<T, CallError> {
        if let Some(kind) = result.as_ref().err().and_then(CallError::trap) {
            self.platform.metrics.trap(kind);
        }
        result
    }

    /// Returns whether an instance exists only because its call went ahead of others. If it were kept, they would use it, and
    /// nothing would be left for the next health check.
    fn is_one_too_many(&self, instance: &Instance, permit: &Permit) -> bool {
        let Platform { limits, memory, .. } = &*self.platform;
        let beyond = limits.instances_max.is_some() && permit.instance.is_none() || memory.is_exceeded();
        permit.pass.is_some() && (beyond || instance.is_in(&self.component.code.kept_places))
    }

    /// Waits for what a call needs before an instance can work on it, until its deadline.
    async fn wait<T>(
        &self,
        call: &Call,
        awaited: WaitedFor,
        until: impl Future<Output = T>,
    ) -> Result<T, CallError> {
        let mut until = pin!(until);
        if let Poll::Ready(output) = futures_util::poll!(&mut until) {
            return Ok(output);
        }
        self.platform.queueing.warn(awaited);
        let step = call.steps.begin("wait");
        step.set(|| KeyValue::new("gpx.awaited", awaited.name()));
        let in_time = tokio::time::timeout_at(call.deadline.at, until).await;
        in_time.map_err(|_| CallError::late(awaited, call.deadline.set_by, &self.platform.limits))
    }

    fn stopped(&self, call: &Call, stop: Stop) -> CallError {
        CallError::from_stop(stop, call.deadline.set_by, &self.platform.limits)
    }
}

// === impl OpenInstance ===

impl Invocation for OpenInstance {
    type Answer = ();

    fn function(&self) -> &'static str {
        "plugin.open"
    }

    async fn invoke(self, store: &mut Store<State>, exports: &Exports) -> Called<()> {
        exports.plugin.call_open(store, &self.0.settings).await
    }
}
