//! Who compiles a component that is loaded.

use std::path::PathBuf;

use thiserror::Error;

use super::compile::{self, CodeTarget, HAS_COMPILER};
use super::limits::CompileLimits;
use super::process::{self, ProcessError};

/// Who compiles a component that is loaded.
#[derive(Clone, Debug)]
pub(crate) enum Compiler {
    /// A process of its own, which is started from this executable and has limits.
    Process(PathBuf),
    /// This process, without limits: it is what a program that embeds a plugin has if it names no executable.
    Here,
    /// Nobody: only code that was compiled ahead of time is used.
    Nobody,
}

/// Why there is no code.
#[derive(Debug, Error)]
pub(crate) enum CompilerError {
    #[error(transparent)]
    Process(#[from] ProcessError),
    #[error("{0:#}")]
    Here(wasmtime::Error),
    #[error("this gpx-host is built without the compiler")]
    Nobody,
}

// === impl Compiler ===

impl Compiler {
    /// Returns the content of a file with the code. `machine` is how much memory the machine allows this process.
    pub(super) fn compile(
        &self,
        component: &[u8],
        target: &CodeTarget,
        machine: Option<u64>,
    ) -> Result<Vec<u8>, CompilerError> {
        match self {
            Self::Process(program) => {
                let limits = CompileLimits::of(component.len(), machine);
                Ok(process::compile(program, component, target, limits)?)
            }
            Self::Here => compile::compile(component, target).map_err(CompilerError::Here),
            Self::Nobody => Err(CompilerError::Nobody),
        }
    }
}

/// What a program has that names no executable.
impl Default for Compiler {
    fn default() -> Self {
        if HAS_COMPILER { Self::Here } else { Self::Nobody }
    }
}
