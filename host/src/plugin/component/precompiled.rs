//! Code compiled ahead of time: a `.cwasm` beside the component, and a key that says what it was made from.
//!
//! The code is trusted like the executable beside it, since whoever can replace one can replace the other. The key
//! ensures that it is not used with another component or another host.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use thiserror::Error;
use wasmtime::Engine;
use wasmtime::component::Component;

use super::declared::Declared;
use super::engine;
use crate::budget::AddressSpace;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What a `.cwasm` was made from. Written beside it, as `<name>.cwasm.key`.
#[derive(Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) struct Key {
    /// SHA-256 of the component, in hex.
    pub component: String,
    /// The version of the host that compiled it.
    pub host: String,
}

/// Why a `.cwasm` is not used.
#[derive(Debug, Error)]
pub(crate) enum Unusable {
    #[error("cannot read its key {0}")]
    NoKey(PathBuf),
    #[error("it was made from another component")]
    OtherComponent,
    #[error("it was made by gpx-host {made_by}, but this is {VERSION}")]
    OtherHost { made_by: String },
    #[error("the machine has too little address space for it")]
    AddressSpace,
    #[error("the engine refuses it: {0}")]
    Refused(String),
}

/// Why a component cannot be compiled ahead of time.
#[derive(Debug, Error)]
pub(crate) enum CompileError {
    #[error("cannot read {0}")]
    Read(PathBuf, #[source] std::io::Error),
    #[error("cannot write {0}")]
    Write(PathBuf, #[source] std::io::Error),
    #[error("{0} cannot be used: {1}")]
    Contract(PathBuf, super::contract::ContractError),
    #[error("{0} does not compile")]
    Compile(PathBuf, #[source] wasmtime::Error),
}

/// Returns where the code of a component in a file is.
pub(crate) fn beside(component: &Path) -> PathBuf {
    component.with_extension("cwasm")
}

/// Compiles a component for `target`, a triple such as `x86_64-unknown-linux-gnu`, and writes the code and its key
/// beside it. Returns the path of the code.
pub(crate) fn compile(component: &Path, target: &str) -> Result<PathBuf, CompileError> {
    let bytes = std::fs::read(component).map_err(|error| CompileError::Read(component.to_owned(), error))?;
    super::contract::exported_interfaces(&bytes)
        .and_then(|_| Declared::read(&bytes))
        .map_err(|error| CompileError::Contract(component.to_owned(), error))?;
    // For a named target, code uses the processor's baseline features, so that it runs on every machine of its kind.
    let compile = || Engine::new(engine::configuration().target(target)?)?.precompile_component(&bytes);
    let code = compile().map_err(|error| CompileError::Compile(component.to_owned(), error))?;
    let output = beside(component);
    let key = Key { component: digest(&bytes), host: VERSION.to_owned() };
    let key = serde_json::to_vec(&key).unwrap_or_default();
    for (path, content) in [(&output, &code), (&key_path(&output), &key)] {
        std::fs::write(path, content).map_err(|error| CompileError::Write(path.clone(), error))?;
    }
    Ok(output)
}

/// Loads `path` if it was made from the component with these bytes. Code is compiled ahead for machines with plenty of
/// address space.
pub(crate) fn load(
    engine: &Engine,
    space: AddressSpace,
    path: &Path,
    component: &[u8],
) -> Result<Component, Unusable> {
    if space != AddressSpace::Plenty {
        return Err(Unusable::AddressSpace);
    }
    let key_path = key_path(path);
    let key = std::fs::read(&key_path).ok().and_then(|text| serde_json::from_slice::<Key>(&text).ok());
    let key = key.ok_or(Unusable::NoKey(key_path))?;
    if key.host != VERSION {
        return Err(Unusable::OtherHost { made_by: key.host });
    }
    if key.component != digest(component) {
        return Err(Unusable::OtherComponent);
    }
    #[expect(unsafe_code, reason = "the file is trusted like the executable beside it")]
    // `compile` wrote the file with this version of the host, for this component.
    let loaded = unsafe { Component::deserialize_file(engine, path) };
    loaded.map_err(|error| Unusable::Refused(error.to_string()))
}

// === impl Unusable ===

impl Unusable {
    /// Returns what the operator is told.
    pub(crate) fn advice(&self) -> &'static str {
        match self {
            Self::AddressSpace => "Precompiled code is not used, and the component is compiled at each start",
            _ => "Precompiled code is not used; make it again with `gpx-host compile`",
        }
    }
}

fn key_path(code: &Path) -> PathBuf {
    code.with_extension("cwasm.key")
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
