//! From a file to a component whose instances can be made: found, checked, compiled, linked, asked who it is.

use std::path::PathBuf;
use std::sync::Arc;

use thiserror::Error;
use wasmtime::component::{Component as Code, InstancePre, Linker};

use super::contract::{self, ContractError};
use super::engine::Engine;
use super::files::Files;
use super::instance::Instance;
use super::limits::{Governor, InstanceMemory, Limits, MemoryBudget};
use super::precompiled;
use super::state::State;
use crate::bindings::exports::gpx::plugin::plugin::Manifest;
use crate::bindings::exports::gpx::plugin::{data, diagnostics, plugin, resource};
use crate::capability::{self, scrub::Scrub};
use crate::log::{Log, Value};

/// A component ready for making instances.
pub struct Component {
    /// What it says of itself.
    pub manifest: Manifest,
    pub code: LinkedCode,
}

/// Compiled code with its imports resolved.
pub struct LinkedCode {
    pub engine: Engine,
    pub instance: InstancePre<State>,
    pub plugin: plugin::GuestIndices,
    pub data: Option<data::GuestIndices>,
    pub diagnostics: Option<diagnostics::GuestIndices>,
    pub resource: Option<resource::GuestIndices>,
}

/// Why there is no component to run. It is the answer to every call, so that the process lives and says it.
#[derive(Clone, Debug, Error)]
pub enum LoadError {
    #[error("there is no component at {path}: {reason}; put the plugin's .wasm there")]
    Missing { path: PathBuf, reason: String },
    #[error("the component {path} cannot be used: {reason}")]
    Contract { path: PathBuf, reason: Arc<ContractError> },
    #[error("the component {path} cannot be used: {reason}")]
    Engine { path: PathBuf, reason: String },
    #[error("the component {path} does not say who it is: {reason}")]
    Describe { path: PathBuf, reason: String },
    #[error("the host failed while it loaded the component: {reason}")]
    Host { reason: String },
}

// === impl Component ===

impl Component {
    /// Reads, checks and links the component, and asks it who it is. It reaches nothing while it answers.
    pub async fn load(
        files: Files,
        use_precompiled: bool,
        limits: &Limits,
        log: &Log,
    ) -> Result<Self, LoadError> {
        let (log_of_load, path) = (log.clone(), files.component.clone());
        let load = move || {
            let host = |error: wasmtime::Error| LoadError::Host { reason: format!("{error:#}") };
            load(&Engine::new().map_err(host)?, &files, use_precompiled, &log_of_load)
        };
        let code = tokio::task::spawn_blocking(load)
            .await
            .map_err(|error| LoadError::Host { reason: error.to_string() })??;
        let memory = InstanceMemory::new(MemoryBudget::new(limits), limits.memory_max);
        let described = async {
            Instance::new(&code, None, memory, Scrub::default(), log.clone()).await?.describe().await
        };
        let _ticking = code.engine.tick();
        let deadline = tokio::time::Instant::now() + limits.call_timeout;
        match Governor::new(limits).run(deadline, described).await {
            Ok(Ok(manifest)) => Ok(Self { manifest, code }),
            Ok(Err(error)) => Err(LoadError::Describe { path, reason: error.to_string() }),
            Err(_) => Err(LoadError::Describe { path, reason: "it takes too long".to_owned() }),
        }
    }
}

/// Reads files and may compile for seconds, so it belongs on a thread that may block.
fn load(engine: &Engine, files: &Files, use_precompiled: bool, log: &Log) -> Result<LinkedCode, LoadError> {
    let path = &files.component;
    let bytes = std::fs::read(path)
        .map_err(|error| LoadError::Missing { path: path.clone(), reason: error.to_string() })?;
    let interfaces = contract::exported_interfaces(&bytes)
        .map_err(|reason| LoadError::Contract { path: path.clone(), reason: Arc::new(reason) })?;
    let unusable =
        |error: wasmtime::Error| LoadError::Engine { path: path.clone(), reason: format!("{error:#}") };
    let code = code(engine, files, use_precompiled, &bytes, log).map_err(unusable)?;
    link(engine, &code, &interfaces).map_err(unusable)
}

fn code(
    engine: &Engine,
    files: &Files,
    use_precompiled: bool,
    bytes: &[u8],
    log: &Log,
) -> wasmtime::Result<Code> {
    if use_precompiled && files.precompiled.exists() {
        match precompiled::load(engine.wasmtime(), &files.precompiled, bytes) {
            Ok(code) => return Ok(code),
            Err(why) => log.warn(
                "Precompiled code is not used; make it again with `gpx-host compile`",
                &[
                    ("file", files.precompiled.display().to_string().into()),
                    ("reason", why.to_string().into()),
                ],
            ),
        }
    }
    log.debug("Compiling the component", &[("bytes", Value::from(bytes.len() as i64))]);
    Code::new(engine.wasmtime(), bytes)
}

fn link(engine: &Engine, code: &Code, interfaces: &[String]) -> wasmtime::Result<LinkedCode> {
    let mut linker = Linker::new(engine.wasmtime());
    capability::add_to_linker(&mut linker)?;
    let instance = linker.instantiate_pre(code)?;
    // An interface that is exported in another shape is an error; one that is not exported is a choice.
    let exported = |name: &str| interfaces.iter().any(|interface| interface == name);
    Ok(LinkedCode {
        plugin: plugin::GuestIndices::new(&instance)?,
        data: exported("data").then(|| data::GuestIndices::new(&instance)).transpose()?,
        diagnostics: exported("diagnostics")
            .then(|| diagnostics::GuestIndices::new(&instance))
            .transpose()?,
        resource: exported("resource").then(|| resource::GuestIndices::new(&instance)).transpose()?,
        engine: engine.clone(),
        instance,
    })
}
