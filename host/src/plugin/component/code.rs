//! Where a component's machine code comes from: a file beside it, the operator's cache, or the compiler.

mod ahead;
mod artifact;
mod cache;
mod compile;
mod compiler;
pub(super) mod file;
mod job;
mod limits;
mod process;
mod worker;

use std::fmt;
use std::path::{Path, PathBuf};

use wasmtime::component::Component as Code;

pub(crate) use self::ahead::{beside, compile};
pub(super) use self::artifact::digest;
use self::artifact::{Artifact, Unusable};
use self::cache::Cache;
use self::compile::CodeTarget;
pub(crate) use self::compile::HAS_COMPILER;
pub(crate) use self::compiler::Compiler;
use self::compiler::CompilerError;
pub(crate) use self::job::COMPILER;
pub(crate) use self::worker::run as compile_for_parent;
use crate::budget::AddressSpace;
use crate::log::{Log, Value};

/// Where code may come from.
#[derive(Clone, Debug, Default)]
pub(crate) struct CodeSources {
    /// Whether code that was compiled ahead of time may be used.
    pub precompiled: bool,
    /// Where code is kept that was compiled because there was none.
    pub cache_dir: Option<PathBuf>,
    pub compiler: Compiler,
    /// Whether the component's file is replaced while it runs, often without the code beside it.
    pub watched: bool,
}

/// The component whose code is wanted, and what it will run on.
pub(super) struct Wanted<'a> {
    pub component: &'a [u8],
    /// The component's file, if it is in one.
    pub file: Option<&'a Path>,
    pub engine: &'a wasmtime::Engine,
    pub space: AddressSpace,
    /// How much memory the machine allows the process, in bytes.
    pub memory: Option<u64>,
}

/// A place in the cache.
struct CachePlace {
    cache: Cache,
    name: String,
    /// The fingerprint of the engine.
    settings: String,
}

// === impl CodeSources ===

/// Its functions read and write files and may wait for a compiler, so they must run on a thread that may block.
impl CodeSources {
    /// Returns the component's code, or in words why there is none.
    pub(super) fn code(&self, wanted: &Wanted<'_>, log: &Log) -> Result<Code, String> {
        let component = digest(wanted.component);
        let file = wanted.file.map(beside).filter(|path| path.exists());
        let mut reason = None;
        if let Some(path) = file.as_deref().filter(|_| self.precompiled) {
            match wanted.precompiled(path, &component) {
                Ok(code) => return Ok(code),
                Err(why) => {
                    // The code of an earlier build is no surprise.
                    if !(self.watched && matches!(why, Unusable::OtherComponent)) {
                        tell(log, self.advice(&why), path, &why);
                    }
                    reason = Some(why);
                }
            }
        }
        if matches!(self.compiler, Compiler::Nobody) {
            return Err(self.missing(wanted, reason.as_ref()));
        }
        let place = self.place(wanted, &component, log);
        let kept = place.as_ref().and_then(|place| wanted.kept(place, &component, log));
        if let Some(code) = kept {
            return Ok(code);
        }
        log.debug("Compiling the component", &[("bytes", Value::from(wanted.component.len() as i64))]);
        let target = CodeTarget::here(wanted.space);
        let content = self.compiler.compile(wanted.component, &target, wanted.memory);
        let content = content.map_err(|error: CompilerError| error.to_string())?;
        let artifact = Artifact::new(content).and_then(|it| it.check(&component).map(|()| it));
        let artifact = artifact.map_err(|why| format!("the compiler's result cannot be used: {why}"))?;
        let code = artifact.load(wanted.engine).map_err(|why| why.to_string())?;
        if let Some(CachePlace { cache, name, .. }) = &place
            && let Err(error) = cache.put(name, artifact.content())
        {
            tell(
                log,
                "Compiled code is not kept, so the component is compiled at each start",
                &cache.path(name),
                &error,
            );
        }
        Ok(code)
    }

    /// Returns the place in the cache, if the operator wants one and it can be used.
    fn place(&self, wanted: &Wanted<'_>, component: &str, log: &Log) -> Option<CachePlace> {
        let path = self.cache_dir.as_deref()?;
        let unused = |why: &dyn fmt::Display| tell(log, "The cache of compiled code is not used", path, why);
        let Some(settings) = compile::fingerprint(wanted.engine) else {
            unused(&CompilerError::Nobody);
            return None;
        };
        let cache = Cache::open(path).inspect_err(|error| unused(error)).ok()?;
        Some(CachePlace { cache, name: Cache::name(component, &settings), settings })
    }

    /// Returns what the operator is told about code that is not used.
    fn advice(&self, why: &Unusable) -> &'static str {
        match (why, &self.compiler, &self.cache_dir) {
            (Unusable::AddressSpace, Compiler::Process(_) | Compiler::Here, None) => {
                "Precompiled code is not used, and the component is compiled at each start"
            }
            (Unusable::AddressSpace, ..) => "Precompiled code is not used",
            _ => "Precompiled code is not used; make it again with `gpx-host compile`",
        }
    }

    /// Says why a host without a compiler has no code.
    fn missing(&self, wanted: &Wanted<'_>, why: Option<&Unusable>) -> String {
        const REMEDY: &str = "compile it ahead of time with `gpx-host compile` of the same version, or use a gpx-host \
                              with the compiler";
        let code = wanted.file.map(beside);
        let named =
            code.as_deref().map_or_else(|| "its machine code".to_owned(), |path| path.display().to_string());
        let cause = match why {
            Some(why) => format!("{named} is not used: {why}"),
            None if code.as_deref().is_some_and(Path::exists) => {
                format!("{named} is not used, since gpx_precompiled = off")
            }
            None => format!("there is no {named}"),
        };
        format!("{}, and {cause}; {REMEDY}", CompilerError::Nobody)
    }
}

// === impl Wanted ===

impl Wanted<'_> {
    /// Returns the code that is beside the component. It is compiled ahead for machines with plenty of address space.
    fn precompiled(&self, path: &Path, component: &str) -> Result<Code, Unusable> {
        if self.space != AddressSpace::Plenty {
            return Err(Unusable::AddressSpace);
        }
        let artifact = Artifact::read(path)?;
        artifact.check(component)?;
        artifact.load(self.engine)
    }

    /// Returns the code that is in the cache, if it can be used.
    fn kept(
        &self,
        CachePlace { cache, name, settings }: &CachePlace,
        component: &str,
        log: &Log,
    ) -> Option<Code> {
        let kept = cache.get(name)?.and_then(|artifact| {
            artifact.check(component)?;
            if artifact.key.settings != *settings {
                return Err(Unusable::OtherSettings);
            }
            artifact.load(self.engine)
        });
        let path = cache.path(name);
        match kept {
            Ok(code) => {
                log.debug(
                    "The component's code is from the cache",
                    &[("file", path.display().to_string().into())],
                );
                Some(code)
            }
            Err(why) => {
                tell(log, "Code in the cache is not used, and is made again", &path, &why);
                None
            }
        }
    }
}

fn tell(log: &Log, message: &'static str, file: &Path, reason: &dyn fmt::Display) {
    log.warn(message, &[("file", file.display().to_string().into()), ("reason", reason.to_string().into())]);
}

#[cfg(test)]
mod tests;
