//! Makes a component usable: it is read, checked, compiled and linked, and it describes itself.

mod additions;
pub(crate) mod code;
mod contract;
mod declared;
pub(super) mod engine;
pub(super) mod error;
#[cfg(any(test, feature = "fuzz"))]
pub(super) mod fuzz;
pub(super) mod link;
mod manifest;
mod reservation;
pub(super) mod services;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use rustix::fs::{CWD, OFlags};
use tokio::time::Instant;

use self::code::{CodeSources, Wanted, beside, digest, file};
use self::contract::Contracted;
use self::declared::Declared;
use self::engine::Engine;
pub(crate) use self::error::LoadError;
use self::link::LinkedCode;
use self::reservation::MAX_POOLS;
use super::error::CallError;
use super::instance::Instance;
use super::instance::state::State;
use super::platform::Platform;
use crate::budget::{AddressSpace, Fitted, InstanceMemory, OwnerTime, Upstream};
use crate::call::SetBy;
use crate::capability::bindings::exports::gpx::plugin::outgoing::Additions;
use crate::capability::bindings::exports::gpx::plugin::plugin::Manifest;
use crate::capability::cache::SharedCache;
use crate::log::{Log, Value};
use crate::text::Scrub;
use crate::text::{self, MAX_REASON};

/// A WebAssembly component that a host can run, as a file or as bytes. Nothing is read or checked until a host loads
/// it.
///
/// It must be a component for WASI 0.2 that exports interfaces of the contract `gpx:plugin`, version 0.2 or 0.1. The
/// executable runs the file beside it; a program that embeds a plugin may also pass bytes that it has just built or
/// downloaded.
#[derive(Clone)]
pub struct Component(Source);

#[derive(Clone)]
enum Source {
    File(PathBuf),
    /// A file, and what was in it once.
    Read(PathBuf, Bytes),
    Bytes(Bytes),
}

/// A component from which instances can be made.
pub(crate) struct LoadedComponent {
    /// What it says about itself.
    pub manifest: Manifest,
    /// What it wants in its requests.
    pub additions: Additions,
    /// The version of the contract that it is built for.
    pub contract: String,
    pub code: Arc<LinkedCode>,
}

/// A component's file, and what can be read from it before it is compiled.
struct Read {
    component: Component,
    bytes: Bytes,
    interfaces: Vec<String>,
    built_for: String,
    declared: Declared,
}

// === impl Component ===

impl Component {
    /// Names the component in a `.wasm` file, which is read when a host loads the component.
    ///
    /// If [`Component::compile_ahead`] has made a `.cwasm` from this file, the component is not compiled again, unless
    /// the operator has set `gpx_precompiled = off`.
    pub fn from_file(path: impl Into<PathBuf>) -> Self {
        Self(Source::File(path.into()))
    }

    /// Takes the content of a `.wasm` file, which is compiled when a host loads the component.
    pub fn from_bytes(bytes: impl Into<Bytes>) -> Self {
        Self(Source::Bytes(bytes.into()))
    }

    pub(crate) fn file(&self) -> Option<&Path> {
        match &self.0 {
            Source::File(path) | Source::Read(path, _) => Some(path),
            Source::Bytes(_) => None,
        }
    }

    /// Returns the files that it is made of: the component's, and that of its machine code.
    pub(crate) fn files(&self) -> impl Iterator<Item = PathBuf> + use<> {
        let file = self.file().map(Path::to_owned);
        let code = file.as_deref().map(beside);
        file.into_iter().chain(code)
    }

    /// Reads it now, so that what is loaded is what was looked at. Also returns the content's SHA-256, in hexadecimal digits.
    /// This may block.
    pub(crate) fn as_it_is_now(&self) -> Result<(Self, String), LoadError> {
        let bytes = self.read()?;
        let digest = digest(&bytes);
        let source = match self.file() {
            Some(path) => Source::Read(path.to_owned(), bytes),
            None => Source::Bytes(bytes),
        };
        Ok((Self(source), digest))
    }

    fn read(&self) -> Result<Bytes, LoadError> {
        match &self.0 {
            Source::Bytes(bytes) | Source::Read(_, bytes) => Ok(bytes.clone()),
            Source::File(path) => file::open(CWD, path, OFlags::empty())
                .and_then(file::read)
                .map(Bytes::from)
                .map_err(|error| LoadError::Missing { path: path.clone(), reason: error.to_string() }),
        }
    }
}

impl fmt::Display for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Source::File(path) | Source::Read(path, _) => write!(f, "the component {}", path.display()),
            Source::Bytes(bytes) => write!(f, "the component of {} bytes", bytes.len()),
        }
    }
}

impl fmt::Debug for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Component({self})")
    }
}

// === impl LoadedComponent ===

impl LoadedComponent {
    /// Reads, checks and links the component, and lets it describe itself. It can send no requests while it does.
    pub(crate) async fn load(component: Component, platform: &Platform) -> Result<Self, LoadError> {
        let host = |error: &dyn fmt::Display| LoadError::Host { reason: error.to_string() };
        let blocking = |error: tokio::task::JoinError| host(&error);
        let name = component.to_string();
        let read = tokio::task::spawn_blocking(move || Read::new(component)).await.map_err(blocking)??;
        let fitted = platform.machine.fit(platform.limits.memory_total, read.declared.needs());
        platform.memory.set_total(fitted.total);
        if let Some(told) = &fitted.told {
            platform.log.warn(told, &[]);
        }
        let (log, sources) = (platform.log.clone(), platform.code.clone());
        let (pools, memory) = (platform.pools.clone(), platform.machine.memory_limit());
        let contract = read.built_for.clone();
        let load = move || read.load(&fitted, &pools, &sources, memory, &log);
        let code = tokio::task::spawn_blocking(load).await.map_err(blocking)??;
        let code = Arc::new(code);
        match describe(&code, platform).await {
            Ok((manifest, additions)) => {
                let (manifest, mut lost) = manifest::bounded(manifest);
                let (additions, whole) = additions::bounded(additions);
                if !whole {
                    lost.push("secret-headers");
                }
                if !lost.is_empty() {
                    let message = "The component's manifest is too long; parts of it are ignored";
                    platform.log.warn(message, &[("component", name.into()), ("parts", lost.into())]);
                }
                Ok(Self { manifest, additions, contract, code })
            }
            Err(error) => Err(LoadError::Describe { component: name, reason: error.to_string() }),
        }
    }
}

async fn describe(
    code: &Arc<LinkedCode>,
    platform: &Platform,
) -> Result<(Manifest, Option<Additions>), CallError> {
    // It has no owner whose share of the log it could use.
    let (code, log) = (code.clone(), platform.log.with_own_share());
    let metrics = platform.metrics.component.clone();
    let memory = InstanceMemory::open(
        &platform.memory.owner(),
        code.declared.prepaid(),
        0,
        platform.limits.memory_max,
    )
    .await?;
    let deadline = Instant::now() + platform.limits.call_timeout;
    let mut turn = platform.governor.turn(&OwnerTime::default(), deadline, Upstream::default());
    let footprint = memory.footprint().clone();
    let described = turn.run_guest(&footprint, async move {
        let _ticking = code.engine.tick();
        // What it puts there is gone with it.
        let cache = SharedCache::new(memory.owner().clone());
        let state = State::new(None, None, &cache, memory, Scrub::default(), log, metrics);
        Instance::new(&code, state, None).await?.describe().await
    });
    let described = described.await;
    described.unwrap_or_else(|stop| Err(CallError::from_stop(stop, SetBy::Operator, &platform.limits)))
}

// === impl Read ===

/// Its functions read files and may compile for seconds, so they must run on a thread that may block.
impl Read {
    fn new(component: Component) -> Result<Self, LoadError> {
        let read = contract::read(component.read()?)
            .and_then(|read| Declared::read(&read.bytes).map(|declared| (read, declared)));
        let (Contracted { bytes, interfaces, built_for }, declared) = read.map_err(|reason| {
            LoadError::Contract { component: component.to_string(), reason: Arc::new(reason) }
        })?;
        Ok(Self { component, bytes, interfaces, built_for, declared })
    }

    fn load(
        &self,
        fitted: &Fitted,
        pools: &Arc<()>,
        sources: &CodeSources,
        memory: Option<u64>,
        log: &Log,
    ) -> Result<LinkedCode, LoadError> {
        let unusable = |reason| LoadError::Engine { component: self.component.to_string(), reason };
        let (engine, space) = self.engine(fitted, pools, log)?;
        let wanted = Wanted {
            component: &self.bytes,
            file: self.component.file(),
            engine: engine.wasmtime(),
            space,
            memory,
        };
        let code = sources.code(&wanted, log);
        let code = code.map_err(|reason| unusable(text::shorten(reason, MAX_REASON)))?;
        let linked = link::link(&engine, &code, &self.interfaces, self.declared, fitted.instances);
        let linked =
            linked.map_err(|error| unusable(text::written(format_args!("{error:#}"), MAX_REASON)))?;
        let declared = &linked.declared;
        log.debug(
            "The component is ready",
            &[
                ("instancesMax", Value::from(fitted.instances as i64)),
                ("memories", Value::from(i64::from(declared.memories))),
                ("tables", Value::from(i64::from(declared.tables))),
                ("coreInstances", Value::from(i64::from(declared.core_instances))),
                ("instanceBytes", Value::from(declared.prepaid().sum() as i64)),
            ],
        );
        Ok(linked)
    }

    /// Makes the engine. Also returns the address space that its code is compiled for.
    fn engine(
        &self,
        fitted: &Fitted,
        pools: &Arc<()>,
        log: &Log,
    ) -> Result<(Engine, AddressSpace), LoadError> {
        let growth = match fitted.space {
            AddressSpace::Scarce { growth } => growth,
            AddressSpace::Plenty => match self.pooled(fitted.instances, pools) {
                Ok(engine) => return Ok((engine, AddressSpace::Plenty)),
                Err(error) => {
                    log.warn(
                        "No pool of instances can be reserved, so each is allocated when it is needed",
                        &[
                            ("reason", format!("{error:#}").into()),
                            ("instances", Value::from(fitted.instances as i64)),
                        ],
                    );
                    AddressSpace::LARGEST_GROWTH
                }
            },
        };
        let engine = Engine::new(&reservation::on_demand(growth));
        let engine = engine.map_err(|error| LoadError::Host { reason: format!("{error:#}") })?;
        Ok((engine, AddressSpace::Scarce { growth }))
    }

    fn pooled(&self, instances: usize, pools: &Arc<()>) -> wasmtime::Result<Engine> {
        // Two of the counted are the platform's and the caller's.
        if Arc::strong_count(pools) > MAX_POOLS + 1 {
            wasmtime::bail!("{MAX_POOLS} components that were replaced still answer calls");
        }
        Ok(Engine::new(&self.declared.pooled(instances))?.counted_in(pools))
    }
}

#[cfg(test)]
mod tests;
