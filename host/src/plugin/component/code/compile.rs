//! From a component to machine code. All that needs the engine's compiler is here.

use serde::{Deserialize, Serialize};
use wasmtime::Config;

use crate::budget::AddressSpace;
use crate::plugin::component::{engine, reservation};

/// Whether this host is built with the compiler.
pub(crate) const HAS_COMPILER: bool = cfg!(feature = "compiler");

/// What code is made for.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) struct CodeTarget {
    /// A triple: the code uses the baseline features of its processors, so that it runs on every machine of that kind.
    /// `None` is this machine, with all that its processor can do.
    pub triple: Option<String>,
    /// How much a memory's reservation leaves for growth, where address space is scarce.
    pub growth: Option<u64>,
}

/// Compiles a component, and returns the content of a file with its code.
#[cfg(feature = "compiler")]
pub(super) fn compile(component: &[u8], target: &CodeTarget) -> wasmtime::Result<Vec<u8>> {
    use super::artifact::{Key, VERSION, digest};

    let engine = wasmtime::Engine::new(&target.configuration()?)?;
    let code = engine.precompile_component(component)?;
    let key = Key {
        component: digest(component),
        host: VERSION.to_owned(),
        engine: wasmtime_environ::VERSION.to_owned(),
        settings: fingerprint(&engine).unwrap_or_default(),
        code: String::new(),
    };
    Ok(key.seal(&code))
}

#[cfg(not(feature = "compiler"))]
pub(super) fn compile(_component: &[u8], target: &CodeTarget) -> wasmtime::Result<Vec<u8>> {
    target.configuration()?;
    wasmtime::bail!("this gpx-host is built without the compiler")
}

/// Returns the SHA-256, in hex, of all settings of an engine that matter to code: its version, the target, the
/// processor's features, the engine's own settings, and how memories are laid out. Only an engine with the compiler knows
/// them.
#[cfg(feature = "compiler")]
pub(super) fn fingerprint(engine: &wasmtime::Engine) -> Option<String> {
    use std::hash::{Hash as _, Hasher};

    use sha2::{Digest as _, Sha256};

    /// Hashes the same in each process, which the standard library's hasher does not promise.
    struct Stable(Sha256);

    impl Hasher for Stable {
        fn write(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }

        fn finish(&self) -> u64 {
            0
        }
    }

    let mut stable = Stable(Sha256::new());
    engine.precompile_compatibility_hash().hash(&mut stable);
    Some(super::artifact::hex(&stable.0.finalize()))
}

#[cfg(not(feature = "compiler"))]
pub(super) fn fingerprint(_engine: &wasmtime::Engine) -> Option<String> {
    None
}

// === impl CodeTarget ===

impl CodeTarget {
    /// Makes code for this machine, with so much address space.
    pub(super) fn here(space: AddressSpace) -> Self {
        let growth = match space {
            AddressSpace::Plenty => None,
            AddressSpace::Scarce { growth } => Some(growth),
        };
        Self { triple: None, growth }
    }

    fn configuration(&self) -> wasmtime::Result<Config> {
        let mut config = self.growth.map_or_else(engine::configuration, reservation::on_demand);
        if let Some(triple) = &self.triple {
            config.target(triple)?;
        }
        Ok(config)
    }
}
