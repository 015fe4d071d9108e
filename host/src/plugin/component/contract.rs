//! Checks whether a file is a component that this host can run, from its bytes and before anything is compiled.

mod names;
mod version;

use bytes::Bytes;
use thiserror::Error;
use wasmparser::Parser;

use self::names::Names;
use self::version::{CURRENT, PACKAGE, PREVIOUS};
use super::declared::Excess;
use crate::text::{self, MAX_REASON};

/// How many bytes of a version are told. A longer one is not one that anybody has.
const MAX_VERSION: usize = 64;

/// A component that is built for a version of the contract that this host serves.
#[derive(Debug)]
pub(super) struct Contracted {
    /// The component, whose interfaces have the names of the current version if they are the same in it.
    pub bytes: Bytes,
    /// The interfaces of `gpx:plugin` that it exports, without package and version: `plugin`, `data`, …
    pub interfaces: Vec<String>,
    /// The version of `gpx:plugin` that it names.
    pub built_for: String,
}

/// Why a file cannot be run, and the remedy.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum ContractError {
    #[error("it is not WebAssembly; put the component that your build produced there")]
    NotWasm,
    #[error(
        "it is a core module, not a component; build it for wasm32-wasip2, or wrap it with `wasm-tools component new`"
    )]
    CoreModule,
    #[error("it is damaged at byte {offset}: {reason}; copy or build it again")]
    Damaged { offset: usize, reason: String },
    #[error("it is built for gpx:plugin {built}, but this host serves {PREVIOUS} and {CURRENT}: {remedy}")]
    Version { built: String, remedy: &'static str },
    #[error(
        "it imports {import}, but this host provides WASI 0.2: build it for WASI 0.2, in Rust for the target wasm32-wasip2"
    )]
    Wasi { import: String },
    #[error("it does not export gpx:plugin/plugin, so it is not a plugin; it exports {exports}")]
    OtherWorld { exports: String },
    #[error(transparent)]
    Excess(#[from] Excess),
}

/// Returns a component that this host can run, if these are its bytes.
pub(super) fn read(bytes: Bytes) -> Result<Contracted, ContractError> {
    if Parser::is_core_wasm(&bytes) {
        return Err(ContractError::CoreModule);
    }
    if !Parser::is_component(&bytes) {
        return Err(ContractError::NotWasm);
    }
    let names = Names::read(&bytes)?;
    for name in names.imports.iter().chain(&names.exports) {
        if let Some((built, remedy)) = version::unserved(&name.text) {
            return Err(ContractError::Version {
                built: text::shorten(built.to_owned(), MAX_VERSION),
                remedy,
            });
        }
    }
    if let Some(name) = names.imports.iter().find(|name| version::is_of_later_wasi(&name.text)) {
        return Err(ContractError::Wasi { import: text::shorten(name.text.clone(), MAX_REASON) });
    }
    let interface = |name: &str| Some(name.strip_prefix(PACKAGE)?.split('@').next()?.to_owned());
    let interfaces: Vec<_> = names.exports.iter().filter_map(|name| interface(&name.text)).collect();
    if !interfaces.iter().any(|name| name == "plugin") {
        let exports: Vec<_> = names.exports.iter().map(|name| name.text.as_str()).collect();
        let exports = if exports.is_empty() { "nothing".to_owned() } else { exports.join(", ") };
        return Err(ContractError::OtherWorld { exports: text::shorten(exports, MAX_REASON) });
    }
    let versions = names.exports.iter().filter_map(|name| name.text.strip_prefix(PACKAGE)?.split_once('@'));
    let built_for = versions.map(|(_, version)| text::shorten(version.to_owned(), MAX_VERSION)).next();
    Ok(Contracted {
        bytes: version::updated(bytes, &names),
        interfaces,
        built_for: built_for.unwrap_or_default(),
    })
}

// === impl ContractError ===

impl From<wasmparser::Error> for ContractError {
    fn from(error: wasmparser::Error) -> Self {
        Self::Damaged { offset: error.offset(), reason: error.message().to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn component(text: &str) -> Bytes {
        wat::parse_str(format!("(component {text})")).unwrap().into()
    }

    fn exporting(name: &str) -> Bytes {
        component(&format!(r#"(instance $i) (export "{name}" (instance $i))"#))
    }

    fn refused(bytes: impl Into<Bytes>) -> String {
        read(bytes.into()).unwrap_err().to_string()
    }

    #[test]
    fn a_plugin_is_recognized_by_its_exports() {
        let bytes = component(
            r#"(instance $i)
               (export "gpx:plugin/plugin@0.2.0" (instance $i))
               (export "gpx:plugin/data@0.2.7" (instance $i))"#,
        );
        let read = read(bytes.clone()).unwrap();
        assert_eq!(
            (read.built_for.as_str(), read.interfaces),
            ("0.2.0", vec!["plugin".to_owned(), "data".to_owned()])
        );
        assert_eq!(read.bytes, bytes, "nothing is changed in it");
    }

    #[test]
    fn a_file_that_is_not_a_plugin_is_explained() {
        assert!(refused(&b"hello"[..]).contains("not WebAssembly"));
        assert!(refused(wat::parse_str("(module)").unwrap()).contains("core module"));
        assert!(refused(exporting("wasi:cli/run@0.2.0")).contains("it exports wasi:cli/run@0.2.0"));
        assert!(refused(component("")).contains("it exports nothing"));
        let newer = refused(exporting("gpx:plugin/plugin@0.3.0"));
        assert_eq!(
            newer,
            "it is built for gpx:plugin 0.3.0, but this host serves 0.1 and 0.2: update gpx-host"
        );
        assert!(refused(exporting("gpx:plugin/plugin@0.0.9")).contains("build it again"));
        let whole = exporting("gpx:plugin/plugin@0.2.0");
        assert!(refused(whole.slice(..whole.len() - 3)).contains("damaged at byte"));
    }

    #[test]
    fn a_component_of_the_previous_version_gets_todays_names_where_nothing_has_changed() {
        let text = r#"(import "gpx:plugin/types@0.1.0" (instance))
            (import "gpx:plugin/call@0.1.0" (instance))
            (import "gpx:plugin/log@0.1.12" (instance))
            (import "other:plugin/log@0.1.0" (instance))
            (component (import "gpx:plugin/log@0.1.0" (instance)))
            (instance $i)
            (export "gpx:plugin/plugin@0.1.0" (instance $i))"#;
        let old = read(component(text)).unwrap();
        let new = text.replace("types@0.1", "types@0.2").replace("log@0.1.12", "log@0.2.12");
        let new = new.replace("plugin@0.1", "plugin@0.2");
        assert_eq!(old.bytes, component(&new));
        assert_eq!(old.interfaces, ["plugin"]);
    }

    #[test]
    fn a_component_for_wasi_0_3_is_refused() {
        let importing = |import: &str| {
            let export = r#"(instance $i) (export "gpx:plugin/plugin@0.2.0" (instance $i))"#;
            read(component(&format!(r#"(import "{import}" (instance)) {export}"#))).map(|_| ())
        };
        for import in
            ["wasi:http/types@0.3.0", "wasi:clocks/monotonic-clock@0.3.0-rc-2026-03-15", "wasi:io/poll@1.0.0"]
        {
            let Err(ContractError::Wasi { import: told }) = importing(import) else { panic!("{import}") };
            assert_eq!(told, import);
        }
        // Whether the host has the interface is not checked here.
        for import in
            ["wasi:http/types@0.2.12", "wasi:keyvalue/store@0.2.0-draft", "wasi:nn/tensor", "wasix:a/b@0.3.0"]
        {
            assert_eq!(importing(import), Ok(()), "{import}");
        }
    }
}
