//! Makes a component usable: it is read, checked, compiled and linked, and it describes itself.

mod contract;
pub(super) mod engine;
pub(super) mod error;
pub(super) mod link;
pub(crate) mod precompiled;
pub(super) mod services;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use tokio::time::Instant;
use wasmtime::component::Component as Code;

use self::engine::Engine;
pub(crate) use self::error::LoadError;
use self::link::LinkedCode;
use super::error::CallError;
use super::instance::Instance;
use super::platform::Platform;
use crate::budget::{InstanceMemory, OwnerTime, Upstream};
use crate::call::SetBy;
use crate::capability::bindings::exports::gpx::plugin::plugin::Manifest;
use crate::capability::scrub::Scrub;
use crate::log::{Log, Value};

/// A WebAssembly component that a host can run, as a file or as bytes. Nothing is read or checked until a host loads
/// it.
///
/// It must be a component for WASI 0.2 that exports interfaces of the contract `gpx:plugin`, version 0.1. The
/// executable runs the file beside it; a program that embeds a plugin may also pass bytes that it has just built or
/// downloaded.
#[derive(Clone)]
pub struct Component(Source);

#[derive(Clone)]
enum Source {
    File(PathBuf),
    Bytes(Bytes),
}

/// A component from which instances can be made.
pub(crate) struct LoadedComponent {
    /// What it says about itself.
    pub manifest: Manifest,
    pub code: Arc<LinkedCode>,
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
            Source::File(path) => Some(path),
            Source::Bytes(_) => None,
        }
    }

    /// Returns the path of the code that was compiled ahead of time, if there is any.
    fn precompiled(&self) -> Option<PathBuf> {
        self.file().map(precompiled::beside).filter(|path| path.exists())
    }

    fn read(&self) -> Result<Bytes, LoadError> {
        match &self.0 {
            Source::Bytes(bytes) => Ok(bytes.clone()),
            Source::File(path) => std::fs::read(path)
                .map(Bytes::from)
                .map_err(|error| LoadError::Missing { path: path.clone(), reason: error.to_string() }),
        }
    }
}

impl fmt::Display for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Source::File(path) => write!(f, "the component {}", path.display()),
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
        let name = component.to_string();
        let (log, use_precompiled) = (platform.log.clone(), platform.precompiled);
        let load = move || {
            let host = |error: wasmtime::Error| LoadError::Host { reason: format!("{error:#}") };
            load(&Engine::new().map_err(host)?, &component, use_precompiled, &log)
        };
        let code = tokio::task::spawn_blocking(load)
            .await
            .map_err(|error| LoadError::Host { reason: error.to_string() })??;
        let code = Arc::new(code);
        match describe(&code, platform).await {
            Ok(manifest) => Ok(Self { manifest, code }),
            Err(error) => Err(LoadError::Describe { component: name, reason: error.to_string() }),
        }
    }
}

async fn describe(code: &Arc<LinkedCode>, platform: &Platform) -> Result<Manifest, CallError> {
    let (code, log) = (code.clone(), platform.log.clone());
    let memory =
        InstanceMemory::open(&platform.memory.owner(), code.prepaid, platform.limits.memory_max).await?;
    let deadline = Instant::now() + platform.limits.call_timeout;
    let mut turn = platform.governor.turn(&OwnerTime::default(), deadline, Upstream::default());
    let described = turn.run(async move {
        let _ticking = code.engine.tick();
        Instance::new(&code, None, memory, Scrub::default(), log).await?.describe().await
    });
    let described = described.await;
    described.unwrap_or_else(|stop| Err(CallError::from_stop(stop, SetBy::Operator, &platform.limits)))
}

/// Reads files and may compile for seconds, so it must run on a thread that may block.
fn load(
    engine: &Engine,
    component: &Component,
    use_precompiled: bool,
    log: &Log,
) -> Result<LinkedCode, LoadError> {
    let bytes = component.read()?;
    let interfaces = contract::exported_interfaces(&bytes).map_err(|reason| LoadError::Contract {
        component: component.to_string(),
        reason: Arc::new(reason),
    })?;
    let unusable = |error: wasmtime::Error| LoadError::Engine {
        component: component.to_string(),
        reason: format!("{error:#}"),
    };
    let precompiled = component.precompiled().filter(|_| use_precompiled);
    let code = compile(engine, &bytes, precompiled.as_deref(), log).map_err(unusable)?;
    link::link(engine, &code, &interfaces).map_err(unusable)
}

fn compile(engine: &Engine, bytes: &[u8], precompiled: Option<&Path>, log: &Log) -> wasmtime::Result<Code> {
    if let Some(path) = precompiled {
        match precompiled::load(engine.wasmtime(), path, bytes) {
            Ok(code) => return Ok(code),
            Err(why) => log.warn(
                "Precompiled code is not used; make it again with `gpx-host compile`",
                &[("file", path.display().to_string().into()), ("reason", why.to_string().into())],
            ),
        }
    }
    log.debug("Compiling the component", &[("bytes", Value::from(bytes.len() as i64))]);
    Code::new(engine.wasmtime(), bytes)
}
