//! Compiling ahead of time: `gpx-host compile` writes a `.cwasm` beside the component.

use std::path::{Path, PathBuf};

use rustix::fs::Mode;
use thiserror::Error;

use super::compile::{self, CodeTarget};
use super::file;
use crate::plugin::component::contract::{self, ContractError};
use crate::plugin::component::declared::Declared;

/// Why a component cannot be compiled ahead of time.
#[derive(Debug, Error)]
pub(crate) enum CompileError {
    #[error("cannot read {0}")]
    Read(PathBuf, #[source] std::io::Error),
    #[error("cannot write {0}")]
    Write(PathBuf, #[source] std::io::Error),
    #[error("{0} cannot be used: {1}")]
    Contract(PathBuf, ContractError),
    #[error("{0} does not compile")]
    Compile(PathBuf, #[source] wasmtime::Error),
}

/// Returns where the code of a component in a file is.
pub(crate) fn beside(component: &Path) -> PathBuf {
    component.with_extension("cwasm")
}

/// Compiles a component for `target`, a triple such as `x86_64-unknown-linux-gnu`, and writes the code beside it.
/// Returns the path of the code.
///
/// A file that is there is replaced: a plugin that was started with it keeps it as it was.
pub(crate) fn compile(component: &Path, target: &str) -> Result<PathBuf, CompileError> {
    let bytes = std::fs::read(component).map_err(|error| CompileError::Read(component.to_owned(), error))?;
    let bytes = contract::read(bytes.into())
        .and_then(|read| Declared::read(&read.bytes).map(|_| read.bytes))
        .map_err(|error| CompileError::Contract(component.to_owned(), error))?;
    let target = CodeTarget { triple: Some(target.to_owned()), growth: None };
    let content = compile::compile(&bytes, &target);
    let content = content.map_err(|error| CompileError::Compile(component.to_owned(), error))?;
    let output = beside(component);
    let name = output.file_name().unwrap_or_default();
    let written = file::directory_of(&output).and_then(|directory| {
        // What the user's own umask leaves of it.
        let mode = Mode::from_bits_truncate(0o666);
        file::replace(directory, name, &content, mode)
    });
    written.map_err(|error| CompileError::Write(output.clone(), error))?;
    Ok(output)
}
